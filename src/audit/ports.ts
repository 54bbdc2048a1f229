// What the audit log needs of the store: a place to append inside the caller's transaction, so that an
// entry commits with the act it describes; and the tree over all entries, extended beside that path.

import type { Instant } from '../time.ts'
import type { Act } from './entry.ts'
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
  /** Which keys sign: one more with each change of them. */
  readonly keyEpoch: number
  /** The signed note; empty before the first one. */
  readonly checkpoint: string
  readonly publishedAt: Instant
  /** The node that integrates and publishes, until then; others leave it to it. */
  readonly holder: string
  readonly heldUntil: Instant
}

/** New keys: which entry names them, and the last note that the keys before signed. */
export interface KeyRotation {
  readonly sequence: number
  readonly generation: number
  /** Empty while both sign. */
  readonly note: string
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
   * False, and nothing is changed, if the tree has another size than `before`, or another generation or key epoch
   * than the step's, or another node holds it now. A hold that ends later than the step's is none.
   */
  advance(step: TreeStep, now: Instant): Promise<boolean>
  /** Begins the next generation, also behind `after`, at the size of now, without a checkpoint. */
  beginAgain(after?: number): Promise<TreeHead>
  /** From now on other keys sign: no step that was signed by those of before is taken any more. */
  changeKeys(): Promise<void>
  /** Oldest first. */
  rotations(): Promise<readonly KeyRotation[]>
  /** A new one, or what is known now of the one that the same entry names. */
  putRotation(rotation: KeyRotation): Promise<void>
}

/** What a witness has done with this log. */
export interface WitnessState {
  /** Its name and key id. */
  readonly witness: string
  readonly generation: number
  /** The largest size that it has co-signed; 0 before the first. */
  readonly size: number
  /** Its signature line of that checkpoint; empty before the first. */
  readonly line: string
  readonly cosignedAt: Instant
  /** Since it last co-signed. */
  readonly failures: number
  /** Why it did not, the last time; empty if it did. */
  readonly code: string
  /** The size that it last claimed to know, where that was larger than ours; else 0. */
  readonly claimedSize: number
  readonly triedAt: Instant
}

/** The newest checkpoint that enough witnesses have co-signed. */
export interface WitnessedNote {
  readonly generation: number
  readonly size: number
  /** With their signatures. */
  readonly note: string
  /** Since when enough of them vouch for it. */
  readonly witnessedAt: Instant
}

/** Another's log, as we have seen it last, as its witness. */
export interface SeenLog {
  readonly origin: string
  readonly size: number
  readonly root: Uint8Array
  /** As its log signed it. */
  readonly note: string
  readonly seenAt: Instant
}

export interface WitnessStore {
  states(): Promise<readonly WitnessState[]>
  put(state: WitnessState): Promise<void>
  witnessed(): Promise<WitnessedNote | undefined>
  putWitnessed(note: WitnessedNote): Promise<void>
  /** By origin. */
  allSeen(): Promise<readonly SeenLog[]>
  seen(origin: string): Promise<SeenLog | undefined>
  /** False, and nothing is changed, unless the log was last seen with the size `before`; undefined: never. */
  see(log: SeenLog, before: number | undefined): Promise<boolean>
}

/** The part of a transaction that the log needs. */
export interface LogTransaction {
  readonly audit: AuditStore
  readonly tree: TreeStore
  readonly witnesses: WitnessStore
}

/** The part of the store that the log needs. */
export interface LogDatabase {
  transact<Result>(work: (tx: LogTransaction) => Promise<Result>): Promise<Result>
  read<Result>(work: (tx: LogTransaction) => Promise<Result>): Promise<Result>
}

/** Where acts are recorded, in the transaction of what they say was done. */
export interface LogLedger {
  commit<Result>(
    work: (
      tx: LogTransaction,
      now: Instant,
    ) => Promise<{ readonly result: Result; readonly acts: readonly Act[] }>,
  ): Promise<Result>
}
