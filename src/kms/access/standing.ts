// May this caller speak at all, as the store knows it now? A verified token is not enough: its owner may
// have left, an anonymous authorization may have been removed or its maker have gone, and whom an officer
// reads for must be of the officer's own organisation. Asked before anything else, repeats included.

import { parseUserId, type UserId } from '../../id.ts'
import type { Anonymous } from '../../identity/index.ts'
import { type Refusal, refuse } from '../../refusal.ts'
import type { Asked } from '../corridor/case.ts'
import type { Moment, Verdict } from '../corridor/operation.ts'
import { peerRefusals } from '../foreign/peer-standing.ts'
import type { Person } from '../person.ts'
import { organizationRefusal, ownSubject } from './on-behalf.ts'

/** Refusals that only the directory can give: a compliance read outside the organisation. */
const behalfRefusal = (asked: Asked, people: ReadonlyMap<UserId, Person>): Refusal | undefined => {
  if (asked.subject === ownSubject(asked.by)) return undefined
  const subject = parseUserId(asked.subject)
  const person = subject === undefined ? undefined : people.get(subject)
  return organizationRefusal(asked.by, person?.organizationId)
}

interface Bearer {
  readonly one: Asked
  readonly by: Anonymous
}

const pairOf = ({ resourceUri, authorizationUri }: Anonymous) => ({
  resourceUri,
  authId: authorizationUri,
})

/**
 * Those whose anonymous authorization is no more, or whose maker may not read there any more: the maker has
 * seen the bearer, and must not keep by it what was taken from them by name.
 */
const withdrawn = async (
  { tx, now }: Moment,
  asked: readonly Asked[],
): Promise<ReadonlySet<Asked>> => {
  const bearers = asked.flatMap((one): Bearer[] =>
    one.by.kind === 'anonymous' ? [{ one, by: one.by }] : [],
  )
  if (bearers.length === 0) return new Set()
  const made = await tx.authorizations.find(bearers.map(({ by }) => by.authorizationUri))
  const makers = await tx.machines.standing([...made.values()].map(({ createdBy }) => createdBy))
  // One that is gone has no maker; it is asked about twice, and refused.
  const pairs = bearers.flatMap(({ by }) => {
    const maker = made.get(by.authorizationUri)?.createdBy ?? by.authorizationUri
    return [pairOf(by), { resourceUri: by.resourceUri, authId: maker }]
  })
  const reached = await tx.authorizations.reach(pairs, now)
  const isGood = ({ by }: Bearer, index: number): boolean => {
    const maker = made.get(by.authorizationUri)?.createdBy
    const standing = maker === undefined ? undefined : makers.get(maker)
    if (standing?.isOffBoarded === true || standing?.machine !== undefined) return false
    return reached[2 * index] === true && reached[2 * index + 1] === true
  }
  return new Set(bearers.flatMap((bearer, index) => (isGood(bearer, index) ? [] : [bearer.one])))
}

/** Verdicts for those of the requests whose caller may not speak. */
export const standingVerdicts = async (
  moment: Moment,
  asked: readonly Asked[],
  people: ReadonlyMap<UserId, Person>,
  refusedCallers: ReadonlyMap<Asked, Refusal>,
): Promise<Map<Asked, Verdict>> => {
  const gone = await withdrawn(moment, asked)
  const peers = await peerRefusals(moment, asked, people)
  const verdicts = new Map<Asked, Verdict>()
  for (const one of asked) {
    const refusal =
      refusedCallers.get(one) ??
      peers.get(one) ??
      (gone.has(one) ? refuse('identity.bearer-withdrawn') : behalfRefusal(one, people))
    if (refusal === undefined) continue
    verdicts.set(one, {
      outcome: refusal,
      recorded: { action: 'request.refused', type: 'MESSAGE' },
    })
  }
  return verdicts
}
