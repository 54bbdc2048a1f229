// What people can do to a running appliance. The composition root joins these to the domain; the
// admin API and the command line call them. Each records itself in the audit log.

import type { ShipStatus } from '../audit/index.ts'
import type { PeerCheck } from '../federation/index.ts'
import type { UserId } from '../id.ts'
import type { Instant } from '../time.ts'

export interface ApplianceStatus {
  readonly realm: { readonly name: string; readonly domain: string }
  readonly version: string
  /** `locked` is healthy: it waits for a passphrase. */
  readonly state: 'ready' | 'locked'
  readonly link: 'connected' | 'disconnected'
  readonly store: 'sqlite' | 'postgres'
  readonly startedAt: Instant
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
