// The frames on the one line between realm and core: a WebSocket that the realm dials, one JSON
// object a text frame. The core reads every field here; none may hold a key, a token or plaintext.

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

/** Core → realm: a post of sealed messages by one signed-in user. */
export interface MessagesFrame {
  readonly type: 'messages'
  /** Names this post on the line; the core sends the same id again after a dropped line. */
  readonly id: string
  /** True if an HTTP request of the core waits for the answer. */
  readonly sync: boolean
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
  readonly clear?: { readonly status: number; readonly resourceUri?: string }
}

/** Why a realm answered a post without reading it: locked, shedding load, or broken. */
export const DECLINED = ['kms.locked', 'channel.overloaded', 'realm.fault'] as const
export type Declined = (typeof DECLINED)[number]

/**
 * Realm → core: answers of one post, in request order. Elements that got silence are absent. Answers too
 * large for one frame come in several, each but the last with `more`.
 */
export interface AnswersFrame {
  readonly type: 'answers'
  readonly id: string
  readonly answers: readonly SealedAnswer[]
  readonly more?: true
  /** Set when the realm gave no answers on purpose; `answers` is empty then. */
  readonly declined?: Declined
}

export type RealmFrame = HelloFrame | StateFrame | AnswersFrame
export type CoreFrame = WelcomeFrame | MessagesFrame
