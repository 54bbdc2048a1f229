// The wall clock, and a stopwatch for durations. Only the composition root and the edges hold these;
// language and domain rooms are told the time.

import { type Instant, instant } from '../time.ts'

export interface Clock {
  now(): Instant
}

export const systemClock: Clock = { now: () => instant(Date.now()) }

/** Measures lengths of time; never jumps when the wall clock is set. */
export interface Stopwatch {
  elapsedSeconds(): number
}

export const startStopwatch = (): Stopwatch => {
  const startMs = performance.now()
  return { elapsedSeconds: () => (performance.now() - startMs) / 1000 }
}
