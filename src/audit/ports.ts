// What the audit log needs of the store: a place to append inside the caller's transaction, so that an
// entry commits with the act it describes; and the tree over all entries, extended beside that path.

import type { Instant } from '../time.ts'
import type { StoredTile } from './integrate.ts'

export interface LogHead {
  /** Sequence of the last entry; 0 while the log is empty. */
  readonly sequence: number
  /** The time it says; 1970 while the log is empty. */
  readonly recordedAt: Instant
}

export interface StoredEntry {
  /** From 1, without gaps; the index of its leaf is one less. */
  readonly sequence: number
  /** Canonical JSON (RFC 8785) of the entry; its UTF-8 bytes are the leaf. */
  readonly body: string
}

export interface AuditStore {
  /** The head, locked until the transaction ends: no two transactions ever extend the same head. */
  head(): Promise<LogHead>
  append(entries: readonly StoredEntry[], recordedAt: Instant): Promise<void>
  /** At most `limit` entries with a sequence greater than `afterSequence`, in order. */
  read(afterSequence: number, limit: number): Promise<readonly StoredEntry[]>
}

/** How far the tree has come. Tree and checkpoint move together or not at all. */
export interface TreeHead {
  /** How many entries are integrated and published; from sequence 1 on. */
  readonly size: number
  /** Which log this is: 1, and one more each time a realm went on from an older copy of its database. */
  readonly generation: number
  /** The signed note; empty before the first one. */
  readonly checkpoint: string
  readonly publishedAt: Instant
  /** The node that integrates and publishes, until then; others leave it to it. */
  readonly holder: string
  readonly heldUntil: Instant
}

export interface TreeStep {
  /** The size that the step was made for. */
  readonly before: number
  readonly tiles: readonly StoredTile[]
  readonly head: TreeHead
}

export interface TreeStore {
  head(): Promise<TreeHead>
  /** All hashes that this tile has so far. */
  tile(level: number, index: number): Promise<Uint8Array | undefined>
  /**
   * False, and nothing is changed, if the tree has another size than `before` or generation than the
   * step's, or another node holds it now.
   */
  advance(step: TreeStep, now: Instant): Promise<boolean>
  /** Begins the next generation at the size of now, without a checkpoint. */
  beginAgain(): Promise<TreeHead>
}

/** The part of a transaction that the log needs. */
export interface LogTransaction {
  readonly audit: AuditStore
  readonly tree: TreeStore
}

/** The part of the store that the log needs. */
export interface LogDatabase {
  transact<Result>(work: (tx: LogTransaction) => Promise<Result>): Promise<Result>
  read<Result>(work: (tx: LogTransaction) => Promise<Result>): Promise<Result>
}
