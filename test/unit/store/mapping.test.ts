import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, oneOf, optional } from '../../../src/store/mapping.ts'

test('a value outside a closed set is a Fault, not a default', () => {
  const roles = { participant: 'participant', moderator: 'moderator' } as const
  assert.equal(oneOf(roles, 'moderator'), 'moderator')
  for (const raw of ['', 'owner', 'toString', '__proto__']) {
    assert.throws(() => oneOf(roles, raw), { name: 'Fault', code: 'store.unreadable' })
  }
})

test('an absent value is an absent member', () => {
  assert.deepEqual(Object.keys({ ...optional('a', undefined), ...optional('b', null) }), [])
  assert.deepEqual({ ...optional('a', 0) }, { a: 0 })
})

test('bytes are a copy, and no Buffer', () => {
  const buffer = Buffer.from([1, 2, 3])
  const copy = bytes(buffer)
  assert.equal(Object.getPrototypeOf(copy), Uint8Array.prototype)
  buffer[0] = 9
  assert.deepEqual([...copy], [1, 2, 3])
  assert.equal(copy.buffer.byteLength, 3)
})
