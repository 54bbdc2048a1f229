// A resource with its first keys and authorizations, all or nothing (draft §4.7.3). The caller is
// always authorised, once: by name, or through the resources that it hangs on and by nothing else. A retry under a new requestId finds its keys bound: if they are exactly the
// keys of a resource that the same caller made a moment ago, that resource is the answer.

import { type AuthId, type KeyUri, parseUserId, type ResourceUri, type UserId } from '../../id.ts'
import {
  hostOf,
  isForeign,
  parseResourceUri,
  resourceRepresentation,
  urisOf,
} from '../../protocol/index.ts'
import { isRefusal, type Refusal } from '../../refusal.ts'
import { after, isPast, seconds } from '../../time.ts'
import { accountRefusal, bindRefusal } from '../access/access.ts'
import { reachedBy } from '../access/reached.ts'
import type { Authorization } from '../authorization.ts'
import type { Answer } from '../corridor/answer.ts'
import type { Asked } from '../corridor/case.ts'
import { type Moment, type OperationOf, operation } from '../corridor/operation.ts'
import { askHome, type PeerAsk } from '../foreign/foreign.ts'
import { type BoundKey, bindTo, type Key } from '../key.ts'
import { isExpired, type Resource } from '../resource.ts'
import { bearerOrders, isUserId, newAuthorizations, represent } from './grant.ts'

type Ask = Asked<OperationOf<'create-resource'>>

/** What an earlier attempt of the same request made. */
interface Twin {
  readonly resource: Resource
  readonly authorizations: readonly Authorization[]
}

interface Facts {
  readonly keys: ReadonlyMap<KeyUri, Key>
  readonly twin: Twin | undefined
}

/** The one resource to which every named key is bound, if there is one. */
const commonResource = (keys: ReadonlyMap<KeyUri, Key>, count: number): ResourceUri | undefined => {
  const uris = new Set(
    [...keys.values()].map((key) => (key.state === 'bound' ? key.resourceUri : '')),
  )
  const [uri] = uris
  return count > 0 && keys.size === count && uris.size === 1 && uri !== '' ? uri : undefined
}

/** Another request for the same keys is no retry: its answer would promise what was not done. */
const isAsAsked = ({ resource, authorizations }: Twin, ask: Ask): boolean => {
  const { authIds, anonymous, ttlSeconds } = ask.request.operation
  const authorized = new Set(authorizations.map((one) => one.authId))
  const expiresAt = ttlSeconds === 0 ? undefined : after(resource.createdAt, seconds(ttlSeconds))
  return (
    authIds.every((authId) => authorized.has(authId)) &&
    authorizations.filter((one) => one.kind === 'anonymous').length === anonymous &&
    resource.expiresAt === expiresAt
  )
}

const loadTwin = async (
  moment: Moment,
  ask: Ask,
  keys: Facts['keys'],
): Promise<Twin | undefined> => {
  const { tx, now } = moment
  const { keyUris } = ask.request.operation
  const uri = commonResource(keys, keyUris.length)
  if (uri === undefined) return undefined
  const resource = (await tx.resources.find([uri])).get(uri)
  if (resource === undefined || isExpired(resource, now)) return undefined
  const isRecent = !isPast(after(resource.createdAt, moment.means.settings.sameCreateFor), now)
  if (resource.createdBy !== ask.subject || !isRecent) return undefined
  const bound = await tx.keys.ofResource(uri, {})
  if (bound.length !== keyUris.length) return undefined
  const twin = { resource, authorizations: await tx.authorizations.ofResource(uri, now) }
  const [isStillIn] = await tx.authorizations.reach(
    [{ resourceUri: uri, authId: ask.subject }],
    now,
  )
  return isStillIn === true && isAsAsked(twin, ask) ? twin : undefined
}

const decide = ({ keys, twin }: Facts, ask: Ask, { now }: Moment): Refusal | undefined => {
  const refusal = accountRefusal(ask)
  if (refusal !== undefined || twin !== undefined) return refusal
  for (const uri of ask.request.operation.keyUris) {
    const keyRefusal = bindRefusal(keys.get(uri), ask.subject, uri, now)
    if (keyRefusal !== undefined) return keyRefusal
  }
  return undefined
}

const answerFor = (twin: Twin, keyUris: readonly KeyUri[], moment: Moment): Answer => {
  const { resource, authorizations } = twin
  const bearers = bearerOrders(authorizations)
  const anonymous = authorizations.filter((one) => one.kind === 'anonymous')
  return {
    status: 201,
    members: {
      resource: resourceRepresentation(
        resource,
        keyUris,
        authorizations.map((one) => one.uri),
      ),
      ...(anonymous.length === 0
        ? {}
        : { authorizations: represent(anonymous, moment.means.uris.home) }),
    },
    ...(bearers.length === 0 ? {} : { bearers }),
    resourceUri: resource.uri,
  }
}

/**
 * The caller by name, unless nobody is named but other resources and the caller is authorised there:
 * whoever makes a board of a room, and leaves the room, must not keep the board.
 */
const makerOf = async (
  moment: Moment,
  by: UserId,
  asked: Ask,
  authIds: readonly AuthId[],
): Promise<readonly AuthId[]> => {
  const uris = resourcesAlone(authIds)
  if (uris.length === 0) return [by]
  const near = uris.filter((uri) => !isForeign(uri, moment.means.uris))
  const pairs = near.map((resourceUri) => ({ resourceUri, authId: by }))
  const reached = await moment.tx.authorizations.reach(pairs, moment.now)
  const far = uris.filter((uri) => !near.includes(uri))
  const known = await reachedBy(
    moment,
    far.map((resourceUri) => ({ asked, resourceUri })),
  )
  return reached.includes(true) || known.includes(true) ? [] : [by]
}

/** The resources that are let in, if nobody else is. */
const resourcesAlone = (authIds: readonly AuthId[]): readonly ResourceUri[] => {
  const uris = authIds.flatMap((authId) => {
    const uri = isUserId(authId) ? undefined : parseResourceUri(authId, urisOf(hostOf(authId)))
    return uri === undefined || isRefusal(uri) ? [] : [uri]
  })
  return uris.length === authIds.length ? uris : []
}

/** Is the maker of a board of a foreign room in that room? */
const awaits = (_facts: Facts, asked: Ask, moment: Moment): readonly PeerAsk[] => {
  const userId = parseUserId(asked.subject)
  if (userId === undefined || asked.told !== undefined) return []
  const uris = resourcesAlone(asked.request.operation.authIds)
  if (uris.some((uri) => !isForeign(uri, moment.means.uris))) return []
  return uris.map((uri) =>
    askHome(asked, { name: 'retrieve-authorizations', uri, authId: userId }, uri),
  )
}

const make = async (moment: Moment, ask: Ask, by: UserId, keys: Facts['keys']): Promise<Twin> => {
  const { tx, now, means } = moment
  const { operation: wanted } = ask.request
  const resource: Resource = {
    uri: means.uris.resource(means.random.uuid()),
    organizationId: ask.by.organizationId ?? means.settings.organizations[0],
    createdBy: by,
    createdAt: now,
    ...(wanted.ttlSeconds === 0 ? {} : { expiresAt: after(now, seconds(wanted.ttlSeconds)) }),
  }
  const maker = await makerOf(moment, by, ask, wanted.authIds)
  const authIds = [...maker, ...wanted.authIds.filter((authId) => authId !== by)]
  // A maker who is not there by name cannot stay by what is let in here.
  const areBrought = ask.received.joint === undefined && maker.length > 0
  // The time to live is the resource's; its authorizations end with it.
  const authorizations = newAuthorizations(
    { resourceUri: resource.uri, by, areBrought, wanted: { ...wanted, authIds, ttlSeconds: 0 } },
    moment,
  )
  const bound: BoundKey[] = [...keys.values()].map((key) => bindTo(key, resource.uri, now))
  await tx.resources.insert(resource)
  await tx.authorizations.insert(authorizations)
  if (bound.length > 0) await tx.keys.bind(bound)
  return { resource, authorizations }
}

export const createResource = operation<'create-resource', Facts>('create-resource', {
  runsTogether: false,
  load: async (moment, asked) =>
    Promise.all(
      asked.map(async (ask) => {
        const keys = await moment.tx.keys.find(ask.request.operation.keyUris)
        return { keys, twin: await loadTwin(moment, ask, keys) }
      }),
    ),
  awaits,
  decide,
  act: async (moment, decided) => {
    const answers: Answer[] = []
    for (const { asked, facts } of decided) {
      const { by, request } = asked
      if (by.kind === 'anonymous') continue
      const { keyUris } = request.operation
      if (facts.twin !== undefined) {
        answers.push(answerFor(facts.twin, keyUris, moment))
        continue
      }
      const made = await make(moment, asked, by.userId, facts.keys)
      const uris = made.authorizations.map((one) => one.uri)
      answers.push({ ...answerFor(made, keyUris, moment), made: uris })
    }
    return answers
  },
  record: ({ twin }, asked, answer) => {
    const { authIds, keyUris, anonymous } = asked.request.operation
    return {
      action: twin === undefined ? 'resource.created' : 'answer.repeated',
      type: 'RESOURCE_COLLECTION',
      keys: answer === undefined ? [] : keyUris,
      ...(answer?.made === undefined ? {} : { authorizations: answer.made }),
      subjects: authIds,
      ...(answer?.resourceUri === undefined ? {} : { resource: answer.resourceUri }),
      ...(anonymous === 0 ? {} : { details: { anonymous } }),
    }
  },
})
