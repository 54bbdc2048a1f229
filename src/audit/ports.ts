// What the audit log needs of the store: the head of the chain and a place to append, both inside the
// caller's transaction, so that an entry commits with the act it describes.

export interface ChainHead {
  /** Sequence of the last entry; 0 while the log is empty. */
  readonly sequence: number
  /** SHA-256 of the last entry, 32 bytes; zeros while the log is empty. */
  readonly hash: Uint8Array
}

export interface ChainedEntry {
  /** From 1, without gaps. */
  readonly sequence: number
  /** SHA-256 over the previous entry's hash and this entry's canonical bytes. */
  readonly hash: Uint8Array
  /** Canonical JSON (RFC 8785) of the entry. */
  readonly body: string
}

export interface AuditStore {
  /** The head, locked until the transaction ends: no two transactions ever extend the same head. */
  head(): Promise<ChainHead>
  append(entries: readonly ChainedEntry[]): Promise<void>
  /** At most `limit` entries with a sequence greater than `afterSequence`, in order. */
  read(afterSequence: number, limit: number): Promise<readonly ChainedEntry[]>
}
