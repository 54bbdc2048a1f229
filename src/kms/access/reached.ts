// Does this caller reach this resource? People by authorizations, machines by what they were granted and
// by nothing else; a foreign resource by what its home said a moment ago. Many questions at once, because many requests share a transaction.

import { parseUserId, type ResourceUri } from '../../id.ts'
import { hostOf, isForeign } from '../../protocol/index.ts'
import type { Asked } from '../corridor/case.ts'
import type { Moment } from '../corridor/operation.ts'
import { isSilence } from '../foreign/foreign.ts'
import { FEATURE_OF } from '../machine.ts'
import type { FeatureQuestion } from '../ports.ts'

export interface Wanted {
  readonly asked: Asked
  readonly resourceUri: ResourceUri
}

const featureQuestion = ({ asked, resourceUri }: Wanted): FeatureQuestion | undefined => {
  const feature = FEATURE_OF[asked.request.operation.name]
  if (asked.by.kind !== 'service' || feature === undefined || feature === 'none') return undefined
  return { userId: asked.by.userId, feature, resourceUri }
}

const byGrants = async (
  { tx, now }: Moment,
  wanted: readonly Wanted[],
): Promise<readonly boolean[]> => {
  const questions = wanted.flatMap((one) => featureQuestion(one) ?? [])
  const granted = questions.length === 0 ? [] : await tx.machines.granted(questions, now)
  const answers = granted.values()
  return wanted.map((one) => featureQuestion(one) !== undefined && answers.next().value === true)
}

const byAuthorizations = async (
  { tx, now }: Moment,
  wanted: readonly Wanted[],
): Promise<readonly boolean[]> => {
  const pairs = wanted.map(({ asked, resourceUri }) => ({ resourceUri, authId: asked.subject }))
  return pairs.length === 0 ? [] : tx.authorizations.reach(pairs, now)
}

/** How long its home's word holds for this request. */
const holdsFor = ({ told }: Asked, { means: { foreign } }: Moment): number => {
  if (foreign === undefined) return 0
  const isSilent = told?.some(isSilence) ?? false
  return isSilent ? Math.max(foreign.freshFor, foreign.graceFor) : foreign.freshFor
}

/** What was learned in a future that a clock has taken back since says nothing of now. */
const isYoung = (asOf: number | undefined, one: Wanted, moment: Moment): boolean => {
  if (asOf === undefined) return false
  const age = moment.now - asOf
  return age < holdsFor(one.asked, moment) && age > -(moment.means.foreign?.freshFor ?? 0)
}

/** The home of a resource knows who is authorised there: it is believed about its own, and about nothing else. */
const isVouchedFor = ({ asked: { by }, resourceUri }: Wanted): boolean =>
  by.kind === 'peer' && by.vouchedFor === resourceUri && by.domain === hostOf(resourceUri)

const byPeers = async (moment: Moment, wanted: readonly Wanted[]): Promise<readonly boolean[]> => {
  const pairs = wanted.flatMap(({ asked, resourceUri }) => {
    const userId = asked.by.kind === 'person' ? parseUserId(asked.subject) : undefined
    return userId === undefined ? [] : [{ resourceUri, userId }]
  })
  const known = (await moment.tx.copies.known(pairs)).values()
  return wanted.map((one) => {
    if (one.asked.by.kind !== 'person') return isVouchedFor(one)
    return isYoung(known.next().value, one, moment)
  })
}

/**
 * Of those who reach no further by what is known here: a person whom the home of a resource that leads in has called authorised
 * there a moment ago; a peer's user for whom the peer vouches on a resource of its own.
 */
const byWays = async (moment: Moment, wanted: readonly Wanted[]): Promise<readonly boolean[]> => {
  const rooms = wanted.map(({ resourceUri }) => resourceUri)
  const ways = await moment.tx.authorizations.foreignWays(rooms, moment.means.uris.home, moment.now)
  const questions = wanted.flatMap(({ asked }, index) => {
    const found = asked.by.kind === 'person' ? (ways[index] ?? []) : []
    return found.map((resourceUri) => ({ index, asked, resourceUri }))
  })
  const known = await byPeers(moment, questions)
  const opened = new Set(questions.flatMap(({ index }, n) => (known[n] === true ? [index] : [])))
  return wanted.map(
    ({ asked: { by } }, index) =>
      opened.has(index) ||
      (by.kind === 'peer' &&
        by.vouchedFor !== undefined &&
        hostOf(by.vouchedFor) === by.domain &&
        ways[index]?.includes(by.vouchedFor) === true),
  )
}

const mayGoByWays = ({ asked: { by } }: Wanted): boolean =>
  by.kind === 'person' || (by.kind === 'peer' && by.vouchedFor !== undefined)

const reachedAtHome = async (
  moment: Moment,
  wanted: readonly Wanted[],
): Promise<readonly boolean[]> => {
  const reached = await reachedHere(moment, wanted)
  const missed = wanted.filter((one, index) => reached[index] !== true && mayGoByWays(one))
  if (missed.length === 0 || moment.means.foreign === undefined) return reached
  const opened = await byWays(moment, missed)
  return wanted.map((one, index) => {
    const place = missed.indexOf(one)
    return reached[index] === true || (place >= 0 && opened[place] === true)
  })
}

const isMachine = ({ asked }: Wanted): boolean => asked.by.kind === 'service'

/** In order. */
export const reachedBy = async (
  moment: Moment,
  wanted: readonly Wanted[],
): Promise<readonly boolean[]> => {
  const isFar = ({ resourceUri }: Wanted) => isForeign(resourceUri, moment.means.uris)
  if (!wanted.some(isFar)) return reachedAtHome(moment, wanted)
  const far = (await byPeers(moment, wanted.filter(isFar))).values()
  const near = (
    await reachedAtHome(
      moment,
      wanted.filter((one) => !isFar(one)),
    )
  ).values()
  return wanted.map((one) => (isFar(one) ? far : near).next().value === true)
}

const reachedHere = async (
  moment: Moment,
  wanted: readonly Wanted[],
): Promise<readonly boolean[]> => {
  if (!wanted.some(isMachine)) return byAuthorizations(moment, wanted)
  const machines = (await byGrants(moment, wanted.filter(isMachine))).values()
  const people = wanted.filter((one) => !isMachine(one))
  const others = (await byAuthorizations(moment, people)).values()
  return wanted.map((one) => (isMachine(one) ? machines : others).next().value === true)
}
