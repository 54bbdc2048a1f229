// How a destination is doing, as people and monitors are told. An alarm is one thing: an entry that waits to be
// delivered for too long, whatever the reason; the state says the reason.

import { type Duration, type Instant, parseRfc3339 } from '../../time.ts'
import { type NumberedEntry, readFields } from '../layouts/fields.ts'

/**
 * `idle`: all is delivered. `shipping`: under way. `waiting`: written, not yet known to have arrived, or stalled.
 * `failing`: the last try failed. `elsewhere`: another node ships. `starting`: nothing was tried yet.
 */
export type ShipState = 'starting' | 'idle' | 'shipping' | 'failing' | 'elsewhere'

/** What the shipper of this process knows by itself. */
export interface ShipProgress {
  readonly state: ShipState
  /** Written, though perhaps not delivered. */
  readonly written: number
  /** Code of the last failure since the last delivery. */
  readonly lastError?: string
  readonly lastErrorAt?: Instant
  readonly deliveredAt?: Instant
}

/** What the log knows: the cursor, the newest entry, and the first that is not delivered. */
export interface ShipBacklog {
  readonly delivered: number
  readonly newest: number
  readonly oldestWaiting?: NumberedEntry
}

export interface ShipStatus extends ShipProgress {
  readonly destination: string
  readonly delivered: number
  /** Entries recorded and not delivered. */
  readonly lagEntries: number
  /** Age of the oldest of them. */
  readonly lagSeconds: number
  readonly isAlarm: boolean
}

const timeOf = (entry: NumberedEntry | undefined): Instant | undefined =>
  entry === undefined ? undefined : parseRfc3339(readFields(entry).text('time'))

export const shipStatus = (
  destination: string,
  progress: ShipProgress,
  { delivered, newest, oldestWaiting }: ShipBacklog,
  { now, alarmAfter }: { readonly now: Instant; readonly alarmAfter: Duration },
): ShipStatus => {
  const since = timeOf(oldestWaiting)
  // A clock that was turned back makes nothing younger.
  const lagMs = since === undefined ? 0 : Math.abs(now - since)
  return {
    destination,
    ...progress,
    delivered,
    lagEntries: Math.max(0, newest - delivered),
    lagSeconds: Math.floor(lagMs / 1000),
    isAlarm: oldestWaiting !== undefined && lagMs > alarmAfter,
  }
}
