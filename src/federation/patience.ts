// How long a peer may take to answer what we push, and when it is told again if it did not: after a second, then twice as long
// each time, up to five minutes.

import { type Duration, milliseconds, seconds } from '../time.ts'

export const PATIENCE = seconds(5)
const LONGEST_PAUSE = seconds(300)

export const pauseAfter = (attempts: number): Duration =>
  milliseconds(Math.min(LONGEST_PAUSE, 1000 * 2 ** Math.min(attempts, 10)))
