// May this person search, and where? The search key says who asks: only they can have sealed the query, if they alone
// are authorised on its resource. The rooms come from the realm's own authorizations, never from the core.

import type { Act } from '../../audit/index.ts'
import type { Random } from '../../crypto/index.ts'
import { type KeyUri, parseUserId, type ResourceUri, type UserId } from '../../id.ts'
import { parseKeyUri, type Uris } from '../../protocol/index.ts'
import { isRefusal, type Refusal, refuse } from '../../refusal.ts'
import type { Instant } from '../../time.ts'
import type { Authorization } from '../authorization.ts'
import type { Done } from '../corridor/ledger.ts'
import type { BoundKey, Key } from '../key.ts'
import { agentsBy, type FeaturePolicy } from '../machine.ts'
import type { Transaction } from '../ports.ts'
import { isExpired } from '../resource.ts'
import type { SearchKeyPlace } from '../search-key.ts'

/** As the core says it. */
export interface SearchQuestion {
  readonly httpUser: string
  readonly keyUri: string
  readonly page: number
  /** The user's own filter. */
  readonly resourceUris?: readonly string[]
}

export interface SearchPermit {
  /** The query is sealed under it, and the answer will be. */
  readonly key: BoundKey
  /** Search keys of the rooms that may be searched, the newest first. */
  readonly places: readonly SearchKeyPlace[]
  /** Who asks, for further entries. */
  readonly actor: Act['actor']
}

interface QueryKeyFacts {
  readonly key: Key | undefined
  readonly isLive: boolean
  readonly authorizations: readonly Pick<Authorization, 'authId'>[]
  /** Is the key's resource one whose messages are indexed? */
  readonly isRoom: boolean
}

/**
 * Pure. A key that others hold too proves nothing of who asks. And a key of a room may have sealed messages: a core
 * that passed one off as a query would learn which others share its words.
 */
const queryKeyRefusal = (
  { key, isLive, authorizations, isRoom }: QueryKeyFacts,
  userId: UserId,
): Refusal | undefined => {
  if (key === undefined) return refuse('kms.unknown-key')
  const isTheirs = authorizations.some(({ authId }) => authId === userId)
  if (key.state !== 'bound' || !isLive || !isTheirs) return refuse('kms.not-authorized', key.uri)
  if (isRoom) return refuse('indexer.key-of-a-room', key.uri)
  return authorizations.length === 1 ? undefined : refuse('indexer.search-key-shared', key.uri)
}

const loadKey = async (tx: Transaction, uri: KeyUri, now: Instant): Promise<QueryKeyFacts> => {
  const key = (await tx.keys.find([uri])).get(uri)
  if (key?.state !== 'bound') return { key, isLive: false, authorizations: [], isRoom: false }
  const { resourceUri } = key
  const resource = (await tx.resources.find([resourceUri])).get(resourceUri)
  return {
    key,
    isLive: resource !== undefined && !isExpired(resource, now),
    authorizations: await tx.authorizations.ofResource(resourceUri, now),
    isRoom: (await tx.searchKeys.ofRooms([resourceUri])).size > 0,
  }
}

const callerRefusal = async (tx: Transaction, userId: UserId): Promise<Refusal | undefined> => {
  const standing = (await tx.machines.standing([userId])).get(userId)
  if (standing?.isOffBoarded === true) return refuse('identity.off-boarded')
  return standing?.machine === undefined ? undefined : refuse('kms.person-not-allowed')
}

/** In which of the rooms asked for may they, and may the indexer? */
const isPermitted = (
  policy: FeaturePolicy,
  { resourceUris }: SearchQuestion,
): ((place: SearchKeyPlace) => boolean) => {
  const agentOf = agentsBy(policy)
  const wanted = resourceUris === undefined ? undefined : new Set<string>(resourceUris)
  return (place) => (wanted?.has(place.resourceUri) ?? true) && agentOf(place) !== undefined
}

interface Judged {
  readonly outcome: Omit<SearchPermit, 'actor'> | Refusal
  readonly userId?: UserId
}

const judge = async (
  tx: Transaction,
  question: SearchQuestion,
  uris: Uris,
  now: Instant,
): Promise<Judged> => {
  const userId = parseUserId(question.httpUser)
  if (userId === undefined) return { outcome: refuse('request.invalid-id') }
  const uri = parseKeyUri(question.keyUri, uris)
  if (isRefusal(uri)) return { outcome: uri, userId }
  const caller = await callerRefusal(tx, userId)
  if (caller !== undefined) return { outcome: caller, userId }
  const facts = await loadKey(tx, uri, now)
  const refusal = queryKeyRefusal(facts, userId)
  if (refusal !== undefined) return { outcome: refusal, userId }
  const { key } = facts
  const policy = await tx.machines.policyOf('index')
  if (key?.state !== 'bound') return { outcome: refuse('kms.unknown-key'), userId }
  if (!policy.grants.some((grant) => grant.organizationId === key.organizationId)) {
    return { outcome: refuse('indexer.not-granted'), userId }
  }
  const places = await tx.searchKeys.reachedBy(userId, now)
  return { outcome: { key, places: places.filter(isPermitted(policy, question)) }, userId }
}

/** Nobody's id goes into the log: who has no pseudonym yet gets one. */
const actorOf = async (
  tx: Transaction,
  userId: UserId | undefined,
  random: Random,
  now: Instant,
): Promise<Act['actor']> => {
  if (userId === undefined) return { kind: 'unknown' }
  const known = (await tx.people.find([userId])).get(userId)
  const person = known ?? { userId, pseudonym: random.uuid(), firstSeenAt: now }
  if (known === undefined) await tx.people.remember([person])
  // The core's word alone names them where the key does not prove it.
  return { kind: 'person', id: person.pseudonym }
}

const roomsOf = (places: readonly SearchKeyPlace[]): ReadonlySet<ResourceUri> =>
  new Set(places.map(({ resourceUri }) => resourceUri))

/** Decides and records who may search where; the query is not opened before this is durable. */
export const permitSearch = async (
  tx: Transaction,
  question: SearchQuestion,
  { uris, random }: { readonly uris: Uris; readonly random: Random },
  now: Instant,
): Promise<Done<SearchPermit | Refusal>> => {
  const { outcome, userId } = await judge(tx, question, uris, now)
  const actor = await actorOf(tx, userId, random, now)
  const entry = { action: 'search.asked', actor, type: 'SEARCH' } as const
  const { page } = question
  if (isRefusal(outcome)) {
    const details = { page, ...(outcome.about === undefined ? {} : { about: outcome.about }) }
    const act = { ...entry, outcome: 'refused', code: outcome.refused, details } as const
    return { result: outcome, acts: [act] }
  }
  const { key, places } = outcome
  const details = { page, rooms: roomsOf(places).size }
  const act: Act = { ...entry, outcome: 'done', keys: [key.uri], details }
  return { result: { ...outcome, actor }, acts: [act] }
}
