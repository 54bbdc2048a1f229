// Who is authorised on a resource (draft §4.7.9, §4.7.10): all, one by authId, or one by its URI; for
// the authorised only. Machines that were granted something there are listed too, as what they are.

import type { ResourceUri } from '../../id.ts'
import { refuse } from '../../refusal.ts'
import { accountRefusal, type ResourceFacts, resourceRefusal } from '../access/access.ts'
import { type Authorization, isLapsed } from '../authorization.ts'
import type { Asked } from '../corridor/case.ts'
import { type Moment, type OperationOf, operation } from '../corridor/operation.ts'
import { narrowed } from '../foreign/narrow.ts'
import { type Represented, represent } from './grant.ts'
import { loadResource } from './load-resource.ts'

interface ListFacts extends ResourceFacts {
  readonly list: readonly Represented[]
}

/** About 350 bytes each in the answer. */
const AUTHORIZATIONS_PER_ANSWER = 3000

const loadList = async (
  moment: Moment,
  asked: Asked<OperationOf<'retrieve-authorizations'>>,
): Promise<ListFacts> => {
  const { uri, authId } = asked.request.operation
  const facts = await loadResource(moment, uri, asked)
  if (!facts.reached) return { ...facts, list: [] }
  const only = authId === undefined ? undefined : [authId]
  const all = await moment.tx.authorizations.ofResource(uri, moment.now, only)
  const named = await narrowed(moment, asked, all)
  if (asked.by.kind === 'peer') return { ...facts, list: named }
  const agents = await loadAgents(moment, uri)
  const wanted = agents.filter((agent) => authId === undefined || agent.authId === authId)
  return { ...facts, list: await withAgents(moment, named, wanted) }
}

const loadAgents = async (
  { tx }: Moment,
  resourceUri: ResourceUri,
): Promise<readonly Represented[]> =>
  (await tx.machines.agentsOf(resourceUri)).map(({ grantUri, userId, createdAt }) => ({
    uri: grantUri,
    resourceUri,
    authId: userId,
    role: 'agent',
    createdAt,
  }))

/** A machine that was also named in the room is listed once, and as a machine. */
const withAgents = async (
  { tx }: Moment,
  named: readonly Authorization[],
  agents: readonly Represented[],
): Promise<readonly Represented[]> => {
  const users = named.filter(({ kind }) => kind === 'user').map(({ authId }) => authId)
  const machines = users.length === 0 ? new Set() : await tx.machines.among(users)
  const known = new Set<string>(users)
  return [
    ...named.map((one) => (machines.has(one.authId) ? { ...one, role: 'agent' as const } : one)),
    ...agents.filter(({ authId }) => !known.has(authId)),
  ]
}

export const retrieveAuthorizations = operation<'retrieve-authorizations', ListFacts>(
  'retrieve-authorizations',
  {
    runsTogether: true,
    load: (moment, asked) => Promise.all(asked.map((one) => loadList(moment, one))),
    decide: (facts, asked, { now }) => {
      const { uri } = asked.request.operation
      const refusal = accountRefusal(asked) ?? resourceRefusal(facts, uri, now)
      if (refusal !== undefined) return refusal
      return facts.list.length > AUTHORIZATIONS_PER_ANSWER
        ? refuse('kms.answer-too-large')
        : undefined
    },
    act: async ({ means }, decided) =>
      decided.map(({ facts }) => ({
        status: 200,
        members: { authorizations: represent(facts.list, means.uris.home) },
      })),
    record: (_facts, asked) => ({
      action: 'authorization.read',
      type: 'AUTHORIZATION_COLLECTION',
      resource: asked.request.operation.uri,
    }),
  },
)

export interface AuthorizationFacts extends ResourceFacts {
  readonly authorization: Authorization | undefined
}

export const loadAuthorization = async (
  moment: Moment,
  uri: Authorization['uri'],
  asked: Asked,
): Promise<AuthorizationFacts> => {
  const found = (await moment.tx.authorizations.find([uri])).get(uri)
  const [authorization] = await narrowed(moment, asked, found === undefined ? [] : [found])
  if (authorization === undefined) return { authorization, resource: undefined, reached: false }
  return { authorization, ...(await loadResource(moment, authorization.resourceUri, asked)) }
}

export const authorizationRefusal = (facts: AuthorizationFacts, uri: string, moment: Moment) => {
  const { authorization } = facts
  return authorization === undefined || isLapsed(authorization, moment.now)
    ? refuse('kms.unknown-authorization', uri)
    : resourceRefusal(facts, authorization.resourceUri, moment.now)
}

export const retrieveAuthorization = operation('retrieve-authorization', {
  runsTogether: true,
  load: (moment, asked) =>
    Promise.all(asked.map((one) => loadAuthorization(moment, one.request.operation.uri, one))),
  decide: (facts, asked, moment) =>
    accountRefusal(asked) ?? authorizationRefusal(facts, asked.request.operation.uri, moment),
  act: async (moment, decided) =>
    decided.map(({ facts: { authorization } }) => {
      const list = represent(
        authorization === undefined ? [] : [authorization],
        moment.means.uris.home,
      )
      return { status: 200, members: { authorization: list[0] } }
    }),
  record: ({ authorization }) => ({
    action: 'authorization.read',
    type: 'AUTHORIZATION',
    ...(authorization === undefined ? {} : { resource: authorization.resourceUri }),
  }),
})
