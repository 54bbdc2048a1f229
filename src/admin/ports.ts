// What people can do to a running appliance. The composition root joins these to the domain; the
// admin API and the command line call them. Each records itself in the audit log.

import type { ShipStatus } from '../audit/index.ts'
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
  /** Forgets cached signing keys and tokens of the issuers. */
  reloadIdentity(): Promise<void>
}
