import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { chain, chainHash, EMPTY_HEAD, firstBreak } from '../../../src/audit/index.ts'

const log = chain(EMPTY_HEAD, ['{"a":1}', '{"a":2}', '{"a":3}', '{"a":4}'])

describe('the chain', () => {
  test('begins with 32 zeros and numbers from 1', () => {
    const expected = createHash('sha256').update(Buffer.alloc(32)).update('{"a":1}').digest()
    assert.deepEqual(Buffer.from(log[0]?.hash ?? []), expected)
    assert.deepEqual(
      log.map((entry) => entry.sequence),
      [1, 2, 3, 4],
    )
  })

  test('hashes text as UTF-8', () => {
    const expected = createHash('sha256').update(Buffer.alloc(32)).update('"é€😀"', 'utf8').digest()
    assert.deepEqual(Buffer.from(chainHash(EMPTY_HEAD.hash, '"é€😀"')), expected)
  })

  test('goes on from any head', () => {
    const [, second, ...rest] = log
    assert.ok(second)
    assert.deepEqual(chain(second, ['{"a":3}', '{"a":4}']), rest)
    assert.deepEqual(chain(second, []), [])
  })

  test('is whole from its beginning, from any head, and while it is empty', () => {
    assert.equal(firstBreak(EMPTY_HEAD, log), undefined)
    assert.equal(firstBreak(log[1] ?? EMPTY_HEAD, log.slice(2)), undefined)
    assert.equal(firstBreak(EMPTY_HEAD, []), undefined)
  })
})

describe('a break in the chain', () => {
  const [first, second, third, fourth] = log
  assert.ok(first && second && third && fourth)

  test('is where an entry is missing', () => {
    assert.equal(firstBreak(EMPTY_HEAD, [first, third, fourth]), 2)
    assert.equal(firstBreak(EMPTY_HEAD, [second, third]), 1)
  })

  test('is where two entries are swapped or one stands twice', () => {
    assert.equal(firstBreak(EMPTY_HEAD, [first, third, second, fourth]), 2)
    assert.equal(firstBreak(EMPTY_HEAD, [first, second, second, third]), 3)
  })

  test('is where a body or a hash is changed', () => {
    assert.equal(firstBreak(EMPTY_HEAD, [first, { ...second, body: '{"a":9}' }, third]), 2)
    assert.equal(firstBreak(EMPTY_HEAD, [first, { ...second, hash: third.hash }, third]), 2)
    assert.equal(firstBreak(EMPTY_HEAD, [first, { ...second, hash: new Uint8Array(0) }]), 2)
  })

  test('is where a forger who rewrote the past meets what was kept', () => {
    const [forged] = chain(first, ['{"a":9}'])
    assert.ok(forged)
    assert.equal(firstBreak(EMPTY_HEAD, [first, forged, third, fourth]), 3)
  })
})
