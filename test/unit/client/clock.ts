// A clock for the client: short waits (gathering a post) are real, long ones happen when the test says so.

import type { ClientClock } from '../../../src/client/index.ts'

const REAL_UP_TO_MS = 50

export interface TestClock extends ClientClock {
  advance(milliseconds: number): Promise<void>
  /** Long waits that somebody is in the middle of. */
  readonly pending: number
}

export const aClock = (start = Date.UTC(2026, 2, 1, 10)): TestClock => {
  let now = start
  const timers = new Map<object, { readonly at: number; readonly call: () => void }>()
  return {
    now: () => now,
    chance: () => 0.5,
    after(milliseconds, call) {
      if (milliseconds <= REAL_UP_TO_MS) {
        const timer = setTimeout(call, milliseconds)
        return () => clearTimeout(timer)
      }
      const id = {}
      timers.set(id, { at: now + milliseconds, call })
      return () => timers.delete(id)
    },
    async advance(milliseconds) {
      now += milliseconds
      for (const [id, { at, call }] of timers) {
        if (at > now) continue
        timers.delete(id)
        call()
      }
      await new Promise<void>((resolve) => setImmediate(resolve))
    },
    get pending() {
      return timers.size
    },
  }
}

/** Waits for something that happens soon by itself: cryptography on other threads, a gathered post. */
export const until = async (isSo: () => boolean): Promise<void> => {
  const deadline = Date.now() + 5000
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error('It did not happen.')
    await new Promise<void>((resolve) => setTimeout(resolve, 1))
  }
}
