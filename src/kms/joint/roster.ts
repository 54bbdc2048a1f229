// Where the core's roster of a room and the realm's authorizations differ.

import type { ResourceUri } from '../../id.ts'
import type { Instant } from '../../time.ts'

/**
 * `core-only`: in the roster, and cannot read. `realm-only`: can read, and is not in the roster. `stale-key`:
 * the core lets content be written under a key that somebody who left has seen. `unlisted`: people share keys there,
 * and the core named no such room.
 */
export const DRIFT_SIDES = ['core-only', 'realm-only', 'stale-key', 'unlisted'] as const
export type DriftSide = (typeof DRIFT_SIDES)[number]

export interface Drift {
  readonly resourceUri: ResourceUri
  readonly side: DriftSide
  /** A user id, the URI of a resource, for `stale-key` that of the key, for `unlisted` that of the room. */
  readonly subject: string
}

export interface StoredDrift extends Drift {
  readonly since: Instant
}

/** The last comparison that went through all rooms of the core. */
export interface RosterCheck {
  readonly checkedAt: Instant
  readonly rooms: number
}
