// The frames of search: ciphertext on its way to the realm's indexer, opaque hashes on their way back, and
// queries. The core compares hashes and learns no word; noise looks like any other hash.

/** Bytes of one hash: HMAC-SHA256 cut to 80 bits. */
export const HASH_BYTES = 10
/** At most this many events in one frame of the feed. */
export const EVENTS_PER_FEED = 1000
/** At most this many parts of one message: its text, and a name for each of its files. */
export const PARTS_PER_EVENT = 128
/** At most this many messages in one frame of postings. */
export const LISTS_PER_FRAME = 2000
/** At most this many hashes of one message: the longest one of single character pairs, padded. */
export const HASHES_PER_MESSAGE = 250_000
/** At most this many hashes of one page of a query. */
export const HASHES_PER_QUERY = 500_000
/** At most this many characters in a sealed query or in the sealed words to its sender. */
export const SEALED_QUERY_MAX_CHARS = 64 * 1024
/** At most this many rooms in the filter of one query. */
export const ROOMS_PER_QUERY = 1000
/** The last page that can be asked for. */
export const LAST_PAGE = 100_000

/** What a piece of ciphertext is within its message. */
export const PART_NAMES = ['text', 'title', 'file-name'] as const
export type PartName = (typeof PART_NAMES)[number]

/** One piece of ciphertext, and the name of the key that opens it. */
export interface SealedPart {
  readonly name: PartName
  readonly keyUri: string
  /** Compact JWE, as the client sent it. */
  readonly sealed: string
}

interface FeedPlace {
  /** Position in the core's one order over all rooms of this realm; rises, with gaps. */
  readonly seq: number
  readonly resourceUri: string
  /** Of the first version; the title of a room is a message under the room's own id. */
  readonly messageId: string
  /** Rises with each edit and with the deletion of one message; the highest version holds. */
  readonly version: number
}

export interface PostedEvent extends FeedPlace {
  readonly kind: 'posted'
  readonly userId: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** Everything that this version says; empty where an edit left nothing. */
  readonly parts: readonly SealedPart[]
}

export interface DeletedEvent extends FeedPlace {
  readonly kind: 'deleted'
}

export type FeedEvent = PostedEvent | DeletedEvent

/** Realm → core: what comes after `after`, at most to `upTo`, of all rooms or of one. */
export interface FeedAskFrame {
  readonly type: 'feed-ask'
  readonly id: string
  readonly after: number
  readonly upTo?: number
  readonly limit: number
  readonly resourceUri?: string
}

/** Core → realm: the answer, in order. The realm goes on from `upTo`, even where there are no events. */
export interface FeedFrame {
  readonly type: 'feed'
  readonly id: string
  readonly events: readonly FeedEvent[]
  /** Everything asked for up to here is in this frame or was before. */
  readonly upTo: number
  /** The newest position there is. */
  readonly head: number
  /** There is more within what was asked for. */
  readonly more?: true
}

/** Core → realm: there is something new. A hint: several may become one, or be lost with a line. */
export interface FeedNewsFrame {
  readonly type: 'feed-news'
  readonly head: number
}

/** The hashes under which one message is found. */
export interface PostingList {
  readonly resourceUri: string
  readonly messageId: string
  /** Chosen by the realm, rising within a message: the highest holds, equal ones are the same list. */
  readonly revision: number
  /** Base64 of hashes in rising order, so that their order says nothing. Empty: the message is not to be found. */
  readonly hashes: string
}

/** Realm → core: keep these lists; acknowledged when they cannot get lost any more. */
export interface PostingsFrame {
  readonly type: 'postings'
  readonly id: string
  readonly items: readonly PostingList[]
}

/** Realm → core: nothing of this room is to be found any more. Acknowledged like postings. */
export interface PostingsDropFrame {
  readonly type: 'postings-drop'
  readonly id: string
  readonly resourceUri: string
}

/** Core → realm. */
export interface PostingsDoneFrame {
  readonly type: 'postings-done'
  readonly id: string
}

/** Core → realm: somebody searches. */
export interface SearchFrame {
  readonly type: 'search'
  readonly id: string
  /** The user whom the core authenticated: the realm compares, and decides by its own authorizations. */
  readonly httpUser: string
  /** Compact JWE under the user's search key. */
  readonly query: string
  readonly keyUri: string
  /** The user's own filter; absent: all rooms. */
  readonly resourceUris?: readonly string[]
  /** From 0. */
  readonly page: number
}

/** Realm → core: the page's hashes for all rooms at once, decoys among them. */
export interface SearchHashesFrame {
  readonly type: 'search-hashes'
  readonly id: string
  /** Base64 of hashes in rising order. */
  readonly hashes: string
  readonly more: boolean
  /** Compact JWE under the search key: words for the client alone. */
  readonly sealed?: string
}

/** Realm → core: no hashes, and why. */
export interface SearchDeclinedFrame {
  readonly type: 'search-declined'
  readonly id: string
  /** An HTTP status, 400 to 599. */
  readonly status: number
  /** A stable code such as `search.unknown-key`; never a part of the query. */
  readonly code: string
}

export type SearchFrameOfRealm =
  | FeedAskFrame
  | PostingsFrame
  | PostingsDropFrame
  | SearchHashesFrame
  | SearchDeclinedFrame

export type SearchFrameOfCore = FeedFrame | FeedNewsFrame | PostingsDoneFrame | SearchFrame
