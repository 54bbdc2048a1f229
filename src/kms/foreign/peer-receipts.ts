// What peers have signed for, as it is kept beside the log: what they gave, what became of ours, what they let go of; the keys by
// which it verifies; and which entries of our own log are still to be told to whose home.

import type { Act, SignedStatement, StatementKind } from '../../audit/index.ts'
import { sha256Hex } from '../../crypto/index.ts'
import type { Instant } from '../../time.ts'

/** A signed statement of a peer, already verified. */
export interface PeerReceipt extends SignedStatement {
  readonly domain: string
  readonly kind: StatementKind
  /** The first entry of the peer's log that it names: one statement is kept for each. */
  readonly position: number
  readonly receivedAt: Instant
}

/** An entry of our log about keys of another realm, which that realm has not acknowledged yet. */
export interface OwedReceipt {
  readonly domain: string
  readonly sequence: number
}

export interface ReceiptStore {
  /** Those whose place is taken change nothing. Answers the keys that these peers had not shown before. */
  keep(receipts: readonly PeerReceipt[]): Promise<readonly Pick<PeerReceipt, 'domain' | 'vkey'>[]>
  /** In the order of their kinds and positions. */
  of(
    domain: string,
    page: {
      readonly after?: Pick<PeerReceipt, 'kind' | 'position'>
      readonly limit: number
    },
  ): Promise<readonly Omit<PeerReceipt, 'vkey'>[]>
  /** Keys that a peer has signed with, the oldest first. */
  keysOf(domain: string): Promise<readonly string[]>
  /** How far our own log has been read for what is owed; 0 at first. */
  progress(): Promise<number>
  setProgress(sequence: number): Promise<void>
  owe(receipts: readonly OwedReceipt[], dueAt: Instant): Promise<void>
  /** The domains to which something is due. */
  dueDomains(now: Instant): Promise<readonly string[]>
  /** Due to this one, in the order of the log. */
  due(
    domain: string,
    now: Instant,
    limit: number,
  ): Promise<readonly (OwedReceipt & { readonly attempts: number })[]>
  settle(receipts: readonly OwedReceipt[]): Promise<void>
  putOff(receipts: readonly OwedReceipt[], dueAt: Instant): Promise<void>
  countOwed(): Promise<number>
}

/** Under which a note stands in the entry of its arrival. */
export const noteDigest = (note: string): string => sha256Hex(new TextEncoder().encode(note))

/** A peer has signed with a key that it had not shown before. */
export const logKeyLearned = ({ domain, vkey }: Pick<PeerReceipt, 'domain' | 'vkey'>): Act => ({
  action: 'peer.log-key-learned',
  outcome: 'done',
  actor: { kind: 'peer', id: domain },
  type: 'AUDIT_LOG',
  details: { vkey },
})
