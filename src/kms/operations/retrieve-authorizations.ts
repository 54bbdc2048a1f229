// Who is authorised on a resource (draft §4.7.9, §4.7.10): all, one by authId, or one by its URI; for
// the authorised only.

import { refuse } from '../../refusal.ts'
import { personRefusal, type ResourceFacts, resourceRefusal } from '../access.ts'
import { type Authorization, isLapsed } from '../authorization.ts'
import type { Asked } from '../case.ts'
import { type Moment, type OperationOf, operation } from '../operation.ts'
import { represent } from './grant.ts'
import { loadResource } from './load-resource.ts'

interface ListFacts extends ResourceFacts {
  readonly list: readonly Authorization[]
}

/** About 350 bytes each in the answer. */
const AUTHORIZATIONS_PER_ANSWER = 3000

const loadList = async (
  moment: Moment,
  { request, subject }: Asked<OperationOf<'retrieve-authorizations'>>,
): Promise<ListFacts> => {
  const { uri, authId } = request.operation
  const facts = await loadResource(moment, uri, subject)
  const only = authId === undefined ? undefined : [authId]
  const { authorizations } = moment.tx
  return {
    ...facts,
    list: facts.reached ? await authorizations.ofResource(uri, moment.now, only) : [],
  }
}

export const retrieveAuthorizations = operation<'retrieve-authorizations', ListFacts>(
  'retrieve-authorizations',
  {
    runsTogether: true,
    load: (moment, asked) => Promise.all(asked.map((one) => loadList(moment, one))),
    decide: (facts, asked, { now }) => {
      const { uri } = asked.request.operation
      const refusal = personRefusal(asked) ?? resourceRefusal(facts, uri, now)
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
  subject: Parameters<typeof loadResource>[2],
): Promise<AuthorizationFacts> => {
  const authorization = (await moment.tx.authorizations.find([uri])).get(uri)
  if (authorization === undefined) return { authorization, resource: undefined, reached: false }
  return { authorization, ...(await loadResource(moment, authorization.resourceUri, subject)) }
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
    Promise.all(
      asked.map((one) => loadAuthorization(moment, one.request.operation.uri, one.subject)),
    ),
  decide: (facts, asked, moment) =>
    personRefusal(asked) ?? authorizationRefusal(facts, asked.request.operation.uri, moment),
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
