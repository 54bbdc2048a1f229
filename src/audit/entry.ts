// One line of the audit log: who did what to what, when, and with which verdict. Never a bearer, a
// key, a wrapped key, a word of content or a hash of a word. People appear under pseudonyms.

import type { Instant } from '../time.ts'

export type ActorKind =
  | 'person'
  | 'anonymous'
  | 'service'
  | 'peer'
  | 'officer'
  | 'system'
  | 'unknown'

export interface Actor {
  readonly kind: ActorKind
  /** A pseudonym; absent where nobody has been identified. */
  readonly id?: string
}

/** The object of an act in the words of the KMS's published log lines. */
export type ObjectType =
  | 'PING'
  | 'EPHEMERAL_KEY_COLLECTION'
  | 'EPHEMERAL_KEY'
  | 'KEY_COLLECTION'
  | 'KEY'
  | 'RESOURCE_COLLECTION'
  | 'RESOURCE'
  | 'AUTHORIZATION_COLLECTION'
  | 'AUTHORIZATION'
  | 'CUSTOMER_KEY'
  | 'SEARCH_KEY'
  | 'SEARCH'
  | 'STATIC_KEY'
  | 'MAIN_KEY'
  | 'KEY_ENCRYPTION_KEY'
  | 'DIRECTORY'
  | 'AUDIT_LOG'
  | 'PROCESS'
  | 'MESSAGE'

/** `done`; `refused`: a correct no; `failed`: something of ours was broken. */
export type Outcome = 'done' | 'refused' | 'failed'

export interface Use {
  /** By the client's own clock, RFC 3339. */
  readonly at: string
  readonly key: string
  readonly purpose: string
}

/** What a room knows of an act; where and when it was recorded is added by the recorder. */
export interface Act {
  readonly action: string
  readonly outcome: Outcome
  readonly actor: Actor
  /** Pseudonym of the person as whom access was decided, where that is not the actor. */
  readonly onBehalfOf?: string
  /** Refusal or Fault code. */
  readonly code?: string
  readonly method?: string
  readonly type?: ObjectType
  readonly uri?: string
  readonly requestId?: string
  readonly clientId?: string
  readonly session?: string
  readonly trackingId?: string
  /** Organisation of the actor. */
  readonly organizationId?: string
  /** Keys created, bound or released. */
  readonly keys?: readonly string[]
  readonly resource?: string
  /** Authorizations created or removed. */
  readonly authorizations?: readonly string[]
  /** Pseudonyms of the people, or URIs of the resources, that an authorization names. */
  readonly subjects?: readonly string[]
  /** What a client says that it did with keys. */
  readonly uses?: readonly Use[]
  /** Of an act that names too much for one entry: which part this is, from 1. */
  readonly part?: { readonly index: number; readonly of: number }
  readonly sizeBytes?: number
  readonly durationMs?: number
  /** Facts of the process and its administration: names and digests, never values of secrets. */
  readonly details?: Readonly<Record<string, string | number | boolean>>
}

/** Where and when: the realm's name, the node, its boot and that boot's counter, the clock. */
export interface Place {
  readonly realm: string
  readonly node: string
  readonly boot: string
  readonly counter: number
  readonly time: Instant
}
