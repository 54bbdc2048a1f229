// Removing authorizations (draft §4.7.11): by authId, in bulk, or by URI; anyone authorised may, also
// for themselves. What is not there is no error: real clients name rooms that were never authorised.
// Removal bites at the next retrieval; keys already handed out are out (hence rotation).

import { accountRefusal, type ResourceFacts, resourceRefusal } from '../access/access.ts'
import type { Authorization } from '../authorization.ts'
import type { Answer } from '../corridor/answer.ts'
import { type Moment, operation } from '../corridor/operation.ts'
import { keysGoStale } from '../joint/staleness.ts'
import { represent } from './grant.ts'
import { loadResource } from './load-resource.ts'
import { authorizationRefusal, loadAuthorization } from './retrieve-authorizations.ts'

/** Both readings of the draft and of real clients: the array, and the single one. */
const removed = (list: readonly Authorization[], moment: Moment): Answer => {
  const authorizations = represent(list, moment.means.uris.home)
  const [first] = list
  return {
    status: 200,
    members: {
      authorizations,
      ...(authorizations.length === 1 ? { authorization: authorizations[0] } : {}),
    },
    ...(first === undefined ? {} : { resourceUri: first.resourceUri }),
  }
}

/** All of one resource. */
const remove = async (
  { tx, now }: Moment,
  authorizations: readonly Authorization[],
): Promise<void> => {
  const [first] = authorizations
  if (first === undefined) return
  await tx.authorizations.remove(authorizations.map((one) => one.uri))
  const authIds = authorizations.map((one) => one.authId)
  await keysGoStale(tx, now, [first.resourceUri], authIds)
}

interface MatchingFacts extends ResourceFacts {
  readonly matching: readonly Authorization[]
}

export const deleteAuthorizations = operation<'delete-authorizations', MatchingFacts>(
  'delete-authorizations',
  {
    runsTogether: false,
    load: (moment, asked) =>
      Promise.all(
        asked.map(async (one) => {
          const { uri, authIds } = one.request.operation
          return {
            ...(await loadResource(moment, uri, one)),
            matching: await moment.tx.authorizations.ofResource(uri, moment.now, authIds),
          }
        }),
      ),
    decide: (facts, asked, { now }) =>
      accountRefusal(asked) ?? resourceRefusal(facts, asked.request.operation.uri, now),
    act: async (moment, decided) => {
      for (const { facts } of decided) await remove(moment, facts.matching)
      return decided.map(({ facts }) => removed(facts.matching, moment))
    },
    record: ({ matching }, asked, answer) => ({
      action: 'authorization.removed',
      type: 'AUTHORIZATION_COLLECTION',
      resource: asked.request.operation.uri,
      authorizations: answer === undefined ? [] : matching.map((one) => one.uri),
      subjects: asked.request.operation.authIds,
    }),
  },
)

export const deleteAuthorization = operation('delete-authorization', {
  runsTogether: false,
  load: (moment, asked) =>
    Promise.all(asked.map((one) => loadAuthorization(moment, one.request.operation.uri, one))),
  decide: (facts, asked, moment) =>
    accountRefusal(asked) ?? authorizationRefusal(facts, asked.request.operation.uri, moment),
  act: async (moment, decided) => {
    const list = decided.flatMap(({ facts }) => facts.authorization ?? [])
    for (const one of list) await remove(moment, [one])
    return list.map((one) => removed([one], moment))
  },
  record: ({ authorization }, asked, answer) => ({
    action: 'authorization.removed',
    type: 'AUTHORIZATION',
    ...(answer === undefined ? {} : { authorizations: [asked.request.operation.uri] }),
    ...(authorization === undefined
      ? {}
      : { resource: authorization.resourceUri, subjects: [authorization.authId] }),
  }),
})
