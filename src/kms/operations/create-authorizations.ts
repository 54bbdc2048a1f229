// More authorizations on a resource (draft §4.7.8), by anyone authorised there. Those that exist are
// returned as they are: real clients repeat themselves, and read the first element. A resource that the core has no
// part in letting in counts only as long as who let it in is there by name.

import type { AuthId } from '../../id.ts'
import { refuse } from '../../refusal.ts'
import { accountRefusal, type ResourceFacts, resourceRefusal } from '../access/access.ts'
import type { Authorization } from '../authorization.ts'
import type { Answer } from '../corridor/answer.ts'
import type { Asked } from '../corridor/case.ts'
import { type Moment, type OperationOf, operation } from '../corridor/operation.ts'
import { bearerOrders, isUserId, newAuthorizations, represent } from './grant.ts'
import { loadResource } from './load-resource.ts'

type Ask = Asked<OperationOf<'create-authorizations'>>

interface Facts extends ResourceFacts {
  /** Those that are asked for and there, but not `replaced`. */
  readonly existing: readonly Authorization[]
  /** Resources that count no more, or that core and realm let in together from now on. */
  readonly replaced: readonly Authorization[]
  /** Is the caller authorised there by name? */
  readonly isNamed: boolean
}

const isTogether = ({ received }: Ask): boolean => received.joint !== undefined

const load = async (moment: Moment, asked: Ask): Promise<Facts> => {
  const { tx, now } = moment
  const { by, request } = asked
  const { resourceUri, authIds } = request.operation
  const facts = await loadResource(moment, resourceUri, asked)
  const there = await tx.authorizations.ofResource(resourceUri, now, authIds)
  const brought = there.filter((one) => one.isBrought === true)
  const makers = brought.map(({ createdBy }) => createdBy)
  const caller = by.kind === 'person' || by.kind === 'peer' ? by.userId : undefined
  const people = caller === undefined ? makers : [...makers, caller]
  const named = new Set(
    (await tx.authorizations.ofResource(resourceUri, now, people)).map(({ authId }) => authId),
  )
  const replaced = brought.filter((one) => isTogether(asked) || !named.has(one.createdBy))
  return {
    ...facts,
    existing: there.filter((one) => !replaced.includes(one)),
    replaced,
    isNamed: caller !== undefined && named.has(caller),
  }
}

const missingOf = ({ existing }: Facts, { request }: Ask): readonly AuthId[] => {
  const known = new Set(existing.map((one) => one.authId))
  return request.operation.authIds.filter((authId) => !known.has(authId))
}

/** What would hang on somebody who is not there by name would never count. */
const broughtRefusal = (facts: Facts, asked: Ask) =>
  isTogether(asked) || facts.isNamed || missingOf(facts, asked).every(isUserId)
    ? undefined
    : refuse('kms.not-authorized', asked.request.operation.resourceUri)

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
    load: async (moment, asked) => Promise.all(asked.map((one) => load(moment, one))),
    decide: (facts, asked, { now }) =>
      accountRefusal(asked) ??
      bearerRefusal(asked) ??
      resourceRefusal(facts, asked.request.operation.resourceUri, now) ??
      broughtRefusal(facts, asked),
    act: async (moment, decided) => {
      const answers: Answer[] = []
      for (const { asked, facts } of decided) {
        const { by, request } = asked
        if (by.kind === 'anonymous') continue
        const wanted = request.operation
        const authIds = missingOf(facts, asked)
        const areBrought = !isTogether(asked)
        const grant = { resourceUri: wanted.resourceUri, by: by.userId, areBrought }
        const made = newAuthorizations({ ...grant, wanted: { ...wanted, authIds } }, moment)
        await moment.tx.authorizations.remove(facts.replaced.map((one) => one.uri))
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
