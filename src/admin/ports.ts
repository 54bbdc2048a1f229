// What people can do to a running appliance. The composition root joins these to the domain; the
// admin API and the command line call them. Each records itself in the audit log.

import type { ShipStatus } from '../audit/index.ts'
import type { PeerCheck } from '../federation/index.ts'
import type { UserId } from '../id.ts'
import type { Instant } from '../time.ts'

/** A witness of this realm's log, as it answered last. */
export interface WitnessStatus {
  /** Its name and key id. */
  readonly witness: string
  /** The largest size that it has co-signed; 0 before the first. */
  readonly size: number
  /** Entries published and not co-signed by it. */
  readonly lagEntries: number
  readonly cosignedAt?: Instant
  /** How often it has not co-signed since it last did, and why the last time. */
  readonly failures: number
  readonly code?: string
  /** Larger than our log: it knows what we do not. */
  readonly claimedSize?: number
}

export interface LogStatus {
  /** Entries recorded, published, and co-signed by enough witnesses. */
  readonly recorded: number
  readonly size: number
  readonly witnessedSize?: number
  readonly publishedAt: Instant
  readonly witnesses: readonly WitnessStatus[]
}

export interface ApplianceStatus {
  readonly realm: { readonly name: string; readonly domain: string }
  readonly version: string
  /** `locked` is healthy: it waits for a passphrase. */
  readonly state: 'ready' | 'locked'
  readonly link: 'connected' | 'disconnected'
  readonly store: 'sqlite' | 'postgres'
  readonly startedAt: Instant
  readonly log: LogStatus
}

export type UnlockOutcome = 'unlocked' | 'wrong-passphrase' | 'already-unlocked'

/** Why somebody is not erased: what has to happen first. */
export type ErasureObstacle =
  | 'erasure.unknown-person'
  | 'erasure.machine-account'
  | 'erasure.not-off-boarded'
  | 'erasure.still-authorized'
  | 'erasure.not-acknowledged'
  | 'erasure.withdrawals-owed'

/** Done; what is left of it in the database's files is `gone`, to be scrubbed again, or to be vacuumed. */
export type ErasureOutcome = { readonly files: 'gone' | 'busy' | 'vacuum' } | ErasureObstacle

export interface LogPage {
  /** Entries with a greater sequence; 0 for all. */
  readonly after: number
  readonly limit: number
}

/** An entry of the audit log as it was hashed. */
export interface LogEntry {
  readonly sequence: number
  /** Canonical JSON. */
  readonly body: string
}

export interface AdminActions {
  status(): Promise<ApplianceStatus>
  lock(): Promise<void>
  /** The caller owns the passphrase and wipes it afterwards. */
  unlock(passphrase: Uint8Array): Promise<UnlockOutcome>
  /** Of each destination of the audit log. */
  shipStatus(): Promise<readonly ShipStatus[]>
  auditEntries(page: LogPage): Promise<readonly LogEntry[]>
  /** Destroys what ties a person to their pseudonym. */
  erase(userId: UserId): Promise<ErasureOutcome>
  /** A dry run against another realm. Its domain comes as somebody typed it. */
  checkPeer(domain: string): Promise<PeerCheck | 'admin.federation-off' | 'admin.not-a-domain'>
  /** Forgets cached signing keys and tokens of the issuers. */
  reloadIdentity(): Promise<void>
}
