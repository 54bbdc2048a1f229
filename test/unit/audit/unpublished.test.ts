import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Unpublished } from '../../../src/audit/unpublished.ts'

const entry = (sequence: number, body = `body ${sequence}`) => ({ sequence, body })

describe('what was recorded and not yet published', () => {
  test('is known again, and what was never seen accuses nobody', () => {
    const unpublished = new Unpublished()
    unpublished.remember([entry(1), entry(2)])
    assert.equal(unpublished.isAsRecorded(entry(2)), true)
    assert.equal(unpublished.isAsRecorded(entry(2, 'body 3')), false)
    assert.equal(unpublished.isAsRecorded(entry(3)), true)
    assert.deepEqual(unpublished.upTo(1), [entry(1)])
    unpublished.forget(1)
    assert.deepEqual(unpublished.upTo(9), [entry(2)])
  })

  test('is bounded, and the oldest is let go', () => {
    const unpublished = new Unpublished(14)
    unpublished.remember([entry(1), entry(2)])
    unpublished.remember([entry(3)])
    assert.deepEqual(unpublished.upTo(9), [entry(2), entry(3)])
    unpublished.forget(2)
    unpublished.remember([entry(4)])
    assert.deepEqual(unpublished.upTo(9), [entry(3), entry(4)])
  })
})
