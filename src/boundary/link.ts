// The frames on the one line between realm and core: a WebSocket that the realm dials, one JSON
// object a text frame. The core reads every field here; none may hold a key, a token or plaintext.

import type { SearchFrameOfCore, SearchFrameOfRealm } from './search.ts'
import type { StreamFrameOfCore, StreamFrameOfRealm } from './streams.ts'

/** Version of these frames; a side that meets another version closes the line. */
export const LINK_VERSION = 1

/** Path of the line on the core's link port. */
export const LINK_PATH = '/link'

/** At most this many sealed messages in one post (the clients' batcher sends 50 at most). */
export const MESSAGES_PER_POST = 50
/** At most this many characters in one sealed message; real ones are 2-4 kB. */
export const SEALED_MESSAGE_MAX_CHARS = 256 * 1024
/** At most this many characters in one sealed answer: a list of a few thousand authorizations. */
export const SEALED_ANSWER_MAX_CHARS = 2 * 1024 * 1024
/** At most this many rooms in one frame of rosters. */
export const ROOMS_PER_FRAME = 500
/** At most this many members of one room, and subjects of one operation. */
export const MEMBERS_PER_ROOM = 5000
/** At most this many anonymous authorizations in one operation; real ones ask for one. */
export const ANONYMOUS_PER_PART = 100
/** At most this many bytes in one frame. */
export const FRAME_MAX_BYTES = 16 * 1024 * 1024

/** Why a side closed the line. Any other code means that the line broke. */
export const LINE_CLOSED = {
  goingAway: 1001,
  malformedFrame: 4400,
  notThisRealm: 4403,
  unknownVersion: 4406,
  silent: 4408,
  replaced: 4409,
} as const

/** The public answer of `GET /kms/{userId}`: what a client needs to begin a handshake. */
export interface KmsDetails {
  /** `kms://HOST`, no path, no trailing slash. */
  readonly kmsCluster: string
  /** The static public JWK (kty, kid, n, e, x5c and nothing else) as a JSON **string**. */
  readonly rsaPublicKey: string
}

/** Can the realm use its keys? */
export type RealmState = 'ready' | 'locked'

/** Realm → core, first frame: who I am, whom I serve. The core compares `domain` with the certificate. */
export interface HelloFrame {
  readonly type: 'hello'
  readonly version: number
  readonly domain: string
  readonly organizationIds: readonly string[]
  readonly state: RealmState
  readonly details: KmsDetails
}

/** Core → realm, answer to a good hello: the line is up. */
export interface WelcomeFrame {
  readonly type: 'welcome'
  readonly version: number
}

/** Realm → core, whenever it changes. */
export interface StateFrame {
  readonly type: 'state'
  readonly state: RealmState
  readonly details: KmsDetails
}

/** Room operations that core and realm apply together, in the realm's words (draft §4.7). */
export const PART_OPERATIONS = [
  'create-resource',
  'create-authorizations',
  'delete-authorizations',
  'bind-key',
] as const
export type PartOperation = (typeof PART_OPERATIONS)[number]

/**
 * What the core authenticated and is about to do. The realm applies the sealed half only if it says the
 * same; it decides nothing on the core's word alone.
 */
export interface CorePart {
  /** The signed-in user: `httpUser`. */
  readonly user: string
  readonly operation: PartOperation
  /** The room's resource; absent while it is being created. */
  readonly resourceUri?: string
  /** Keys that the core will store with the room. */
  readonly keyUris?: readonly string[]
  /** Whom the core adds or removes: user ids, or resource URIs of other rooms. */
  readonly subjects?: readonly string[]
  /** How many anonymous authorizations the core will stand for; none if absent. */
  readonly anonymous?: number
}

/** Core → realm: a post of sealed messages by one signed-in user. */
export interface MessagesFrame {
  readonly type: 'messages'
  /** Names this post on the line; the core sends the same id again after a dropped line. */
  readonly id: string
  /** True if an HTTP request of the core waits for the answer. */
  readonly sync: boolean
  /** Only for `sync` posts: the core's half of a room operation, whose id is this frame's id. */
  readonly part?: CorePart
  /** The user whom the core authenticated: a claim of the core, never trusted for a decision. */
  readonly httpUser: string
  /** The device that posted, where the client said so. */
  readonly httpDevice?: string
  readonly trackingId: string
  /** What the client posted, unread. An element that was not a string of fair size is empty here. */
  readonly kmsMessages: readonly string[]
}

/** One sealed answer and where it goes. */
export interface SealedAnswer {
  /** Position of the request in its post, from 0. */
  readonly n: number
  /** The device that asked; the core delivers only if it belongs to the sender of the post. */
  readonly deliverTo: string
  /** A compact JWE or JWS; nothing else passes. */
  readonly kmsMessage: string
  /** Only for `sync` posts: what the core needs to finish its own operation. */
  readonly clear?: ClearOutcome
}

/** What became of an operation, as far as the core may know. */
export interface ClearOutcome {
  readonly status: number
  readonly resourceUri?: string
}

/** The outcome of an operation alone: nothing can be sealed, or nobody waits for it any more. */
export interface BareOutcome {
  readonly n: number
  readonly deliverTo?: undefined
  readonly kmsMessage?: undefined
  readonly clear: ClearOutcome
}

/** Why a realm answered a post without reading it: locked, shedding load, or broken. */
export const DECLINED = [
  'kms.locked',
  'channel.overloaded',
  'realm.fault',
  'rooms.withdrawn',
] as const
export type Declined = (typeof DECLINED)[number]

/**
 * Realm → core: answers of one post, in request order. Elements that got silence are absent. Answers too
 * large for one frame come in several, each but the last with `more`.
 */
export interface AnswersFrame {
  readonly type: 'answers'
  readonly id: string
  readonly answers: readonly (SealedAnswer | BareOutcome)[]
  readonly more?: true
  /** Set when the realm gave no answers on purpose; `answers` is empty then. */
  readonly declined?: Declined
}

/**
 * Core → realm: settle an operation that took too long. The realm answers with its outcome if it was
 * applied; otherwise it will never be applied, and is declined as `rooms.withdrawn`.
 */
export interface WithdrawFrame {
  readonly type: 'withdraw'
  readonly id: string
  /**
   * Only where a user of another realm asked, through that realm, and this one holds the room's authorizations: what the core is
   * about to do. What another part was applied for counts as not applied.
   */
  readonly part?: CorePart
}

/** Who is in a room, as the core sees it. */
export interface RoomRoster {
  readonly resourceUri: string
  /** User ids, and for a room in a team the resource of the team's general room. */
  readonly members: readonly string[]
  /** The key for new messages; absent until a remaining client has made one. */
  readonly keyUri?: string
}

/** Core → realm: rosters to compare with authorizations, page by page. */
export interface RostersFrame {
  readonly type: 'rosters'
  readonly rooms: readonly RoomRoster[]
  readonly more?: true
}

/** Realm → core: this person left the organisation; take them out of these rooms. Said until acknowledged. */
export interface OffboardedFrame {
  readonly type: 'off-boarded'
  readonly userId: string
  readonly resourceUris: readonly string[]
}

/** Core → realm. */
export interface OffboardedDoneFrame {
  readonly type: 'off-boarded-done'
  readonly userId: string
}

export type RealmFrame =
  | HelloFrame
  | StateFrame
  | AnswersFrame
  | OffboardedFrame
  | SearchFrameOfRealm
  | StreamFrameOfRealm
export type CoreFrame =
  | WelcomeFrame
  | MessagesFrame
  | WithdrawFrame
  | RostersFrame
  | OffboardedDoneFrame
  | SearchFrameOfCore
  | StreamFrameOfCore
