// What the indexer needs of the world: a place that remembers how far it has read and what it still has to say, in the
// same transactions as keys and audit entries, and a line to the core.

import type {
  FeedAskFrame,
  FeedFrame,
  PostingsDropFrame,
  PostingsFrame,
} from '../boundary/index.ts'
import type { AuthorizationUri, ResourceUri } from '../id.ts'
import type { Ledger, Store, Transaction, Wrapped } from '../kms/index.ts'
import type { Instant } from '../time.ts'

/** How far new messages were read, and what came of all messages so far. */
export interface IndexProgress {
  /** Everything up to here is indexed, or stands in a range. */
  readonly readTo: number
  /** The newest position that the core told of. */
  readonly head: number
  readonly indexed: number
  readonly skipped: number
}

/** `joined`: a room's history; `behind`: what an outage left; `rekeyed`; `retried`: what had no key yet. */
export const RANGE_REASONS = ['joined', 'behind', 'rekeyed', 'retried'] as const
export type RangeReason = (typeof RANGE_REASONS)[number]

/** A piece of the feed to be read beside the new messages, in bounded batches. */
export interface NewRange {
  readonly reason: RangeReason
  /** Absent: of all rooms. */
  readonly resourceUri?: ResourceUri
  /** For `rekeyed`: once everything is under this key or a later one, older ones are destroyed. */
  readonly searchKeyId?: number
  /** Read from behind this position. */
  readonly startAfter: number
  readonly readTo: number
  readonly upTo: number
  readonly dueAt: Instant
  readonly attempts: number
  readonly createdAt: Instant
}

export interface Range extends NewRange {
  readonly id: number
}

/** A list of hashes until the core has it. */
export interface Posting {
  readonly resourceUri: ResourceUri
  readonly messageId: string
  /** Rises with the message's version and with the room's search key; the same for a repetition. */
  readonly revision: number
  /** Packed and sorted; empty for a message that is gone. */
  readonly hashes: Uint8Array
}

export interface QueuedPosting extends Posting {
  readonly id: number
}

/** A piece of a room's counters, wrapped; a later piece holds over an earlier one. */
export interface CounterPart {
  readonly searchKeyId: number
  readonly uri: string
  readonly wrapped: Wrapped
}

export interface RoomMessages {
  readonly resourceUri: ResourceUri
  readonly messages: number
}

export interface IndexStore {
  progress(): Promise<IndexProgress>
  saveProgress(progress: IndexProgress): Promise<void>
  /** Adds to what is known of rooms; a room that is new is known from now on. */
  countMessages(rooms: readonly RoomMessages[], now: Instant): Promise<void>
  rooms(): Promise<readonly ResourceUri[]>
  countRooms(): Promise<number>
  /** Everything of a room but its keys: counters, lists that wait, ranges. */
  forgetRoom(resourceUri: ResourceUri): Promise<void>
  /** Grants whose rooms' history has been seen to. */
  seenGrants(): Promise<ReadonlySet<AuthorizationUri>>
  seeGrants(uris: readonly AuthorizationUri[]): Promise<void>
  unseeGrants(uris: readonly AuthorizationUri[]): Promise<void>
  /** In the order in which they are due. */
  ranges(): Promise<readonly Range[]>
  insertRange(range: NewRange): Promise<void>
  /** How far it is now, and when it goes on. */
  moveRange(range: Pick<Range, 'id' | 'readTo' | 'dueAt' | 'attempts'>): Promise<void>
  removeRange(id: number): Promise<void>
  /** One list waits for each message: a higher revision takes the place of a lower one. Each message once a call. */
  enqueue(postings: readonly Posting[]): Promise<void>
  /** At most `limit`, oldest first. */
  outgoing(limit: number): Promise<readonly QueuedPosting[]>
  /** Takes away those that are still of that revision. */
  delivered(postings: readonly Pick<QueuedPosting, 'id' | 'revision'>[]): Promise<void>
  countOutgoing(): Promise<number>
  /** Rooms in which something waits to be sent. */
  waitsIn(resourceUri: ResourceUri): Promise<boolean>
  /** The core is to forget this room. */
  drop(resourceUri: ResourceUri, now: Instant): Promise<void>
  drops(): Promise<readonly ResourceUri[]>
  dropped(resourceUri: ResourceUri): Promise<void>
  /** Parts of these keys' counters, the oldest first. */
  counters(searchKeyIds: readonly number[]): Promise<readonly CounterPart[]>
  addCounters(parts: readonly CounterPart[]): Promise<void>
  removeCounters(searchKeyIds: readonly number[]): Promise<void>
}

export interface IndexTransaction extends Transaction {
  readonly index: IndexStore
}

export type IndexLedger = Ledger<IndexTransaction>
export type IndexedStore = Store<IndexTransaction>

/** The line to the core. Each rejects where there is no line, or no answer in time. */
export interface IndexLine {
  isUp(): boolean
  ask(ask: Omit<FeedAskFrame, 'type' | 'id'>): Promise<FeedFrame>
  /** Resolves once the core has acknowledged. */
  post(items: PostingsFrame['items']): Promise<void>
  drop(resourceUri: PostingsDropFrame['resourceUri']): Promise<void>
}
