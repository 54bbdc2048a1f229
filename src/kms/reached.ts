// Does this caller reach this resource? People by authorizations, machines by what they were granted and
// by nothing else. Many questions at once, because many requests share a transaction.

import type { ResourceUri } from '../id.ts'
import type { Asked } from './case.ts'
import { FEATURE_OF } from './machine.ts'
import type { Moment } from './operation.ts'
import type { FeatureQuestion } from './ports.ts'

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

const isMachine = ({ asked }: Wanted): boolean => asked.by.kind === 'service'

/** In order. */
export const reachedBy = async (
  moment: Moment,
  wanted: readonly Wanted[],
): Promise<readonly boolean[]> => {
  if (!wanted.some(isMachine)) return byAuthorizations(moment, wanted)
  const machines = (await byGrants(moment, wanted.filter(isMachine))).values()
  const people = wanted.filter((one) => !isMachine(one))
  const others = (await byAuthorizations(moment, people)).values()
  return wanted.map((one) => (isMachine(one) ? machines : others).next().value === true)
}
