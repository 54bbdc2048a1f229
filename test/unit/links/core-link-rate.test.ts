import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createRateLimit } from '../../../src/links/token-bucket.ts'
import { instant } from '../../../src/time.ts'

test('over any time nobody gets more than the burst and what was earned', () => {
  const step = fc.record({ waitMs: fc.nat(5000), count: fc.integer({ min: 1, max: 50 }) })
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const rate = createRateLimit({ perSecond: 10, burst: 50, names: 5 })
      let nowMs = 0
      let taken = 0
      for (const { waitMs, count } of steps) {
        nowMs += waitMs
        if (rate.take('alice', count, instant(nowMs))) taken += count
      }
      assert.ok(taken <= 50 + (nowMs / 1000) * 10 + 1e-6)
    }),
  )
})

test('a clock that is set back earns nothing', () => {
  const rate = createRateLimit({ perSecond: 10, burst: 1, names: 5 })
  assert.equal(rate.take('alice', 1, instant(10_000)), true)
  assert.equal(rate.take('alice', 1, instant(0)), false)
})

test('names are forgotten beyond the limit, the idlest first', () => {
  const rate = createRateLimit({ perSecond: 1, burst: 1, names: 2 })
  const at = instant(0)
  for (const name of ['a', 'b']) rate.take(name, 1, at)
  assert.equal(rate.take('a', 1, at), false)
  rate.take('c', 1, at)
  assert.equal(rate.take('a', 1, at), false)
  assert.equal(rate.take('b', 1, at), true)
})
