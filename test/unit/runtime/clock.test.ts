import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startStopwatch, systemClock } from '../../../src/runtime/index.ts'

test('the system clock tells whole milliseconds', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_790_000_000_123 })
  assert.equal(systemClock.now(), 1_790_000_000_123)
})

test('a stopwatch does not follow the wall clock', (t) => {
  const stopwatch = startStopwatch()
  t.mock.timers.enable({ apis: ['Date'], now: 0 })
  const elapsed = stopwatch.elapsedSeconds()
  assert.ok(elapsed >= 0 && elapsed < 5)
})
