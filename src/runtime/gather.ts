// Writes of one turn of the event loop become one: a busy line costs one TLS record and one system call
// for what would be many. Nothing waits longer than the turn in which it was written.

import type { Writable } from 'node:stream'

/** Call before a write; what follows in this turn of the event loop leaves together with it. */
export type Gather = () => void

export const gatherWrites = (stream: Writable): Gather => {
  let isGathering = false
  const release = (): void => {
    isGathering = false
    stream.uncork()
  }
  return () => {
    if (isGathering) return
    isGathering = true
    stream.cork()
    setImmediate(release)
  }
}
