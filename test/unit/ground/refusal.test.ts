// A refusal is a value; a fault is thrown. Neither can be taken for the other.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fault } from '../../../src/fault.ts'
import { isRefusal, refuse } from '../../../src/refusal.ts'

describe('a refusal', () => {
  test('carries its code, and what it is about only if told', () => {
    assert.deepEqual(refuse('kms.locked'), { refused: 'kms.locked' })
    assert.deepEqual(refuse('request.unknown-member', 'colour'), {
      refused: 'request.unknown-member',
      about: 'colour',
    })
  })

  test('is recognised among other values', () => {
    assert.equal(isRefusal(refuse('kms.locked')), true)
    for (const other of [undefined, null, 'kms.locked', 403, {}, [], new Fault('kms.locked')])
      assert.equal(isRefusal(other), false)
  })
})

describe('a fault', () => {
  test('is an error with a stable code', () => {
    const fault = new Fault('store.gone')
    assert.ok(fault instanceof Error)
    assert.equal(fault.name, 'Fault')
    assert.equal(fault.code, 'store.gone')
  })

  test('keeps the error it translates as its cause', () => {
    const cause = new Error('disk on fire')
    assert.equal(new Fault('store.gone', cause).cause, cause)
  })

  test('without a cause has none, not an undefined one', () => {
    assert.equal('cause' in new Fault('store.gone'), false)
  })
})
