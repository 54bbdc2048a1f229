// More authorizations on a resource (draft §4.7.8), by anyone authorised there. Those that exist are
// returned as they are: real clients repeat themselves, and read the first element.

import type { AuthId } from '../../id.ts'
import { refuse } from '../../refusal.ts'
import { accountRefusal, type ResourceFacts, resourceRefusal } from '../access.ts'
import type { Answer } from '../answer.ts'
import type { Authorization } from '../authorization.ts'
import type { Asked } from '../case.ts'
import { type OperationOf, operation } from '../operation.ts'
import { bearerOrders, newAuthorizations, represent } from './grant.ts'
import { loadResource } from './load-resource.ts'

type Ask = Asked<OperationOf<'create-authorizations'>>

interface Facts extends ResourceFacts {
  readonly existing: readonly Authorization[]
}

const inOrder = (
  authIds: readonly AuthId[],
  existing: readonly Authorization[],
  made: readonly Authorization[],
): readonly Authorization[] => {
  const all = new Map([...made, ...existing].map((one) => [one.authId, one]))
  const anonymous = made.filter((one) => one.kind === 'anonymous')
  return [...authIds.flatMap((authId) => all.get(authId) ?? []), ...anonymous]
}

/** A bearer would still read once its machine is switched off, and is in no administrator's list. */
const bearerRefusal = ({ by, request }: Ask) =>
  by.kind === 'service' && request.operation.anonymous > 0
    ? refuse('kms.feature-not-granted', 'anonymous')
    : undefined

export const createAuthorizations = operation<'create-authorizations', Facts>(
  'create-authorizations',
  {
    runsTogether: false,
    load: async (moment, asked) =>
      Promise.all(
        asked.map(async (one) => {
          const { resourceUri, authIds } = one.request.operation
          return {
            ...(await loadResource(moment, resourceUri, one)),
            existing: await moment.tx.authorizations.ofResource(resourceUri, moment.now, authIds),
          }
        }),
      ),
    decide: (facts, asked, { now }) =>
      accountRefusal(asked) ??
      bearerRefusal(asked) ??
      resourceRefusal(facts, asked.request.operation.resourceUri, now),
    act: async (moment, decided) => {
      const answers: Answer[] = []
      for (const { asked, facts } of decided) {
        const { by, request } = asked
        if (by.kind === 'anonymous') continue
        const wanted = request.operation
        const known = new Set(facts.existing.map((one) => one.authId))
        const missing = wanted.authIds.filter((authId) => !known.has(authId))
        const grant = { resourceUri: wanted.resourceUri, by: by.userId }
        const made = newAuthorizations(
          { ...grant, wanted: { ...wanted, authIds: missing } },
          moment,
        )
        await moment.tx.authorizations.insert(made)
        if (made.length > 0) {
          await moment.tx.resources.rosterChanged([wanted.resourceUri], moment.now)
        }
        const bearers = bearerOrders(made)
        const list = inOrder(wanted.authIds, facts.existing, made)
        answers.push({
          status: 201,
          members: { authorizations: represent(list, moment.means.uris.home) },
          ...(bearers.length === 0 ? {} : { bearers }),
          made: made.map((one) => one.uri),
          resourceUri: wanted.resourceUri,
        })
      }
      return answers
    },
    record: (_facts, asked, answer) => {
      const { resourceUri, authIds, anonymous } = asked.request.operation
      return {
        action: 'authorization.created',
        type: 'AUTHORIZATION_COLLECTION',
        resource: resourceUri,
        subjects: authIds,
        ...(answer?.made === undefined ? {} : { authorizations: answer.made }),
        ...(anonymous === 0 ? {} : { details: { anonymous } }),
      }
    },
  },
)
