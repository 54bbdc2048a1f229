// What shipping needs of others: cursors and leases of the store, and somewhere to ship to.

import type { Duration, Instant } from '../../time.ts'

/** How far a destination has got, and who ships to it. */
export interface ShipCursor {
  readonly destination: string
  /** Every entry up to this one is delivered; 0 before the first. */
  readonly sequence: number
  /** The process that ships, until its lease ends. */
  readonly holder: string
  readonly leaseUntil: Instant
}

export interface ShipClaim {
  readonly destination: string
  /** One start of one process. */
  readonly holder: string
  readonly now: Instant
  readonly until: Instant
}

/** Of several nodes on one database, one ships to a destination at a time. */
export interface ShippingStore {
  /** In order of their names. */
  cursors(): Promise<readonly ShipCursor[]>
  /** Takes or renews the lease; undefined while somebody else holds it. The first claim begins at 0. */
  claim(claim: ShipClaim): Promise<ShipCursor | undefined>
  /**
   * Moves the cursor of a lease that nobody else has taken, and ends the lease; answers whether it did. A
   * cursor never moves back.
   */
  advance(destination: string, holder: string, sequence: number): Promise<boolean>
  /** Ends the lease, so that others, or the next start of this node, need not wait for its end. */
  release(destination: string, holder: string): Promise<void>
}

/** A run of lines to one place: opened, written, and delivered as a whole or not at all. */
export interface Shipment {
  /** Resolves once the lines have left this process's memory. Throws a Fault; the shipment is lost then. */
  write(lines: readonly string[]): Promise<void>
  /** Resolves once everything written is delivered, and ends the shipment. Throws a Fault if that is not certain. */
  conclude(): Promise<void>
  /** Ends it at once; what was written may or may not arrive. Never throws. */
  abandon(): void
}

export interface ShipTarget {
  /** Throws a Fault whose code says why. */
  open(): Promise<Shipment>
  /** How long a shipment goes on before it is concluded. */
  readonly concludeAfter: Duration
}
