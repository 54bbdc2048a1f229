// What one realm asks another, as `kms` sees it: a request that cannot be decided here without its home is put off, its home is
// asked outside any transaction, and what it said is taken in by the next one. How a peer is reached is federation's.

import type { SignedStatement } from '../../audit/index.ts'
import type { SecretBytes } from '../../crypto/index.ts'
import type { ClientId, KeyUri, ResourceUri, UserId } from '../../id.ts'
import type { PeerConnection } from '../../identity/index.ts'
import { hostOf, type Operation } from '../../protocol/index.ts'
import { isRefusal, type Refusal } from '../../refusal.ts'
import type { Duration, Instant } from '../../time.ts'
import { type Asked, type Case, isAsked, type Received } from '../corridor/case.ts'

/** One question to another realm. */
export interface PeerAsk {
  readonly domain: string
  /** On behalf of which of our users. */
  readonly userId: UserId
  readonly operation: Operation
  /** A resource of ours on which that user is authorised: the home of a key that is bound here relies on it. */
  readonly vouchedFor?: ResourceUri
  /** The same, where that resource of ours leads into a room of theirs. */
  readonly through?: ResourceUri
  /** The core's operation that it is part of: done there once under this id, and never once the core has withdrawn it. */
  readonly operationId?: string
}

/** A key that a peer gave, not yet wrapped. */
export interface ToldKey {
  readonly uri: KeyUri
  readonly resourceUri: ResourceUri
  readonly createdBy: UserId
  readonly clientId: ClientId
  readonly createdAt: Instant
  readonly boundAt: Instant
  readonly secret: SecretBytes
}

/** What a peer granted: held against what it was asked before it came here. */
export interface Granted {
  readonly status: number
  readonly keys: readonly ToldKey[]
  /** Members of its answer that hold no secret. */
  readonly members: Readonly<Record<string, unknown>>
}

export interface Told {
  readonly ask: PeerAsk
  readonly askedAt: Instant
  /** A Refusal that `isDenial` names is the peer's own; every other one says why there is no answer. */
  readonly result: Granted | Refusal
  /** Resources of ours that would lead in, as the peer that refused has said. */
  readonly through?: readonly ResourceUri[]
  readonly connection?: PeerConnection
  /** What the peer has signed for the keys that it gave. */
  readonly receipt?: ReleaseReceipt
}

export interface ReleaseReceipt extends SignedStatement {
  /** The first entry of the peer's log that the statement names, and the one about this answer. */
  readonly position: number
  readonly sequence: number
}

/** Implemented by `federation`. */
export interface ForeignHome {
  /** Why that domain is neither asked nor answered, as far as settings say. */
  refusalFor(domain: string): Refusal | undefined
  /** May a peer claim users itself, or does an administrator say whose they are? */
  readonly mayClaim: boolean
  /** How long "that user is authorised" holds without asking its home again. */
  readonly freshFor: Duration
  /** The same while its home cannot be reached; never less than `freshFor` in effect. */
  readonly graceFor: Duration
  /** In order; never rejects. */
  ask(asks: readonly PeerAsk[], received: Received): Promise<readonly Told[]>
  /**
   * Somebody was removed, and that is durable: resolves once every peer that must let go of keys has acknowledged, or has
   * had its moment; what it still owes then is asked for again and again. Never rejects.
   */
  removed(): Promise<void>
}

/** The peer has said "no": for its own reasons, or because its administrator has not said that the user is ours. */
export const isDenial = ({ refused }: Refusal): boolean =>
  refused === 'federation.denied-by-home' || refused === 'federation.not-pinned-at-home'

/** Why a peer did not answer, or what it answered could not be used: neither yes nor no. */
export const isNoAnswer = ({ result }: Told): boolean => 'refused' in result && !isDenial(result)

/** The same, unless it has answered that it works with us no more: then what it said before counts no longer than it would have. */
export const isSilence = (told: Told): boolean =>
  isNoAnswer(told) &&
  'refused' in told.result &&
  told.result.refused !== 'federation.refused-by-peer'

/** Done at the home of the resource; what it answers is the answer. */
export const FORWARDED: ReadonlySet<string> = new Set([
  'retrieve-resource',
  'retrieve-authorizations',
  'retrieve-authorization',
  'create-authorizations',
  'delete-authorization',
  'delete-authorizations',
])

/** What other realms are asked for beside that: half of it is decided here. */
export const HALF_OURS: ReadonlySet<string> = new Set(['retrieve-key', 'retrieve-keys', 'bind-key'])

/** Our own users ask other realms; peers are never passed on, and machines are granted nothing there. */
export const mayAskPeers = ({ by }: Asked): boolean => by.kind === 'person'

const REMOVALS: ReadonlySet<Operation['name']> = new Set([
  'delete-authorization',
  'delete-authorizations',
])

export const isRemoval = (one: Case, { outcome }: { readonly outcome: object }): boolean =>
  isAsked(one) && REMOVALS.has(one.request.operation.name) && !isRefusal(outcome)

/** The resource that a request is about, as far as its own text says. */
export const resourceOfOperation = (operation: Operation): ResourceUri | undefined => {
  switch (operation.name) {
    case 'retrieve-resource':
    case 'retrieve-keys':
    case 'retrieve-authorizations':
    case 'delete-authorizations':
      return operation.uri
    case 'create-authorizations':
    case 'bind-key':
      return operation.resourceUri
    default:
      return undefined
  }
}

export const askHome = (asked: Asked, operation: Operation, uri: string): PeerAsk => {
  const { joint } = asked.received
  return {
    domain: hostOf(uri),
    // Persons alone ask, and a person's subject is a person.
    userId: asked.subject as UserId,
    operation,
    ...(joint === undefined || operation !== asked.request.operation
      ? {}
      : { operationId: joint.id }),
  }
}
