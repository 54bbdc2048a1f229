// May this caller speak at all, as the store knows it now? A verified token is not enough: its owner may
// have left, an anonymous authorization may have been removed, and whom an officer reads for must be of the
// officer's own organisation. Asked before anything else, repeats included.

import { parseUserId, type UserId } from '../id.ts'
import { type Refusal, refuse } from '../refusal.ts'
import type { Asked } from './case.ts'
import { organizationRefusal, ownSubject } from './on-behalf.ts'
import type { Moment, Verdict } from './operation.ts'
import { peerRefusals } from './peer-standing.ts'
import type { Person } from './person.ts'

/** Refusals that only the directory can give: a compliance read outside the organisation. */
const behalfRefusal = (asked: Asked, people: ReadonlyMap<UserId, Person>): Refusal | undefined => {
  if (asked.subject === ownSubject(asked.by)) return undefined
  const subject = parseUserId(asked.subject)
  const person = subject === undefined ? undefined : people.get(subject)
  return organizationRefusal(asked.by, person?.organizationId)
}

/** Those whose anonymous authorization, or its resource, is no more. */
const withdrawn = async (
  { tx, now }: Moment,
  asked: readonly Asked[],
): Promise<ReadonlySet<Asked>> => {
  const bearers = asked.flatMap((one) =>
    one.by.kind === 'anonymous'
      ? [{ one, pair: { resourceUri: one.by.resourceUri, authId: one.by.authorizationUri } }]
      : [],
  )
  if (bearers.length === 0) return new Set()
  const pairs = bearers.map(({ pair }) => pair)
  const reached = await tx.authorizations.reach(pairs, now)
  return new Set(bearers.flatMap(({ one }, index) => (reached[index] === true ? [] : [one])))
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
