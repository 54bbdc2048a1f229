// What becomes of messages of which the core waits for the outcome: an operation that ended once has ended;
// a message that was answered in another operation has no effect in this one; parts that disagree do nothing.

import { verdictOf } from '../protocol/index.ts'
import { isRefusal, type Refusal, type RefusalCode, refuse } from '../refusal.ts'
import type { Instant } from '../time.ts'
import { type Asked, type Case, isTurned } from './case.ts'
import type { CoreOperation, SettledOperation } from './core-operation.ts'
import { disagreements, type Joint } from './joint.ts'
import type { Verdict } from './operation.ts'
import type { Transaction } from './ports.ts'
import type { Outcome } from './transact.ts'

export type Earlier = ReadonlyMap<string, CoreOperation>

const jointsOf = (group: readonly Case[]): readonly Joint[] =>
  group.flatMap(({ received: { joint } }) => joint ?? [])

/** Operations of the group that have ended before. */
export const earlierOperations = (tx: Transaction, group: readonly Case[]): Promise<Earlier> =>
  tx.operations.find(jointsOf(group).map(({ id }) => id))

const earlierOf = ({ received: { joint } }: Case, earlier: Earlier) =>
  joint === undefined ? undefined : earlier.get(joint.id)

const refused = (code: RefusalCode): Verdict => ({
  outcome: refuse(code),
  recorded: { action: 'request.refused', type: 'MESSAGE' },
})

const isSameMessage = (asked: Asked, { sessionUri, requestId }: SettledOperation): boolean =>
  asked.session?.uri === sessionUri && asked.request.requestId === requestId

/**
 * The verdict of a message whose operation ended before: the answer it got then, if it is the same
 * message. Another one under the same id was never part of that operation, and is not let into it.
 */
const endedVerdict = (asked: Asked, ended: CoreOperation, repeat: Verdict | undefined): Verdict => {
  if (ended.state === 'withdrawn') return refused('rooms.withdrawn')
  return repeat !== undefined && isSameMessage(asked, ended) ? repeat : refused('rooms.repeated')
}

/**
 * A message that was granted before, captured and sent again as a new operation: nothing is done, and
 * core and client are told the same. "Granted", said again after it was undone, would undo the undoing at the core.
 */
const repeatVerdict = (repeat: Verdict): Verdict =>
  isRefusal(repeat.outcome)
    ? repeat
    : { ...refused('rooms.repeated'), recorded: { action: 'answer.repeated', type: 'MESSAGE' } }

const disagreement = (asked: Asked, joint: Joint): Verdict | undefined => {
  const differs = disagreements(asked, joint)
  if (differs.length === 0) return undefined
  const { outcome, recorded } = refused('rooms.parts-disagree')
  const details = {
    differs: differs.join(' '),
    core: joint.part?.operation ?? 'none',
    sealed: asked.request.operation.name,
  }
  return { outcome, recorded: { ...recorded, details } }
}

export interface JointVerdicts {
  /** In place of what repeats would have been answered. */
  readonly repeated: ReadonlyMap<Asked, Verdict>
  /** New refusals, to be remembered as answers: a message once refused is refused for good. */
  readonly disagreed: ReadonlyMap<Asked, Verdict>
}

/** Verdicts for those messages that need no act; `repeats` are those known by their requestId. */
export const jointVerdicts = (
  asked: readonly Asked[],
  earlier: Earlier,
  repeats: ReadonlyMap<Asked, Verdict>,
): JointVerdicts => {
  const repeated = new Map(repeats)
  const disagreed = new Map<Asked, Verdict>()
  for (const one of asked) {
    const { joint } = one.received
    if (joint === undefined) continue
    const ended = earlierOf(one, earlier)
    const repeat = repeats.get(one)
    if (ended !== undefined) repeated.set(one, endedVerdict(one, ended, repeat))
    else if (repeat !== undefined) repeated.set(one, repeatVerdict(repeat))
    else {
      const verdict = disagreement(one, joint)
      if (verdict !== undefined) disagreed.set(one, verdict)
    }
  }
  return { repeated, disagreed }
}

const settled = (joint: Joint, one: Case, outcome: Outcome, answeredAt: Instant): CoreOperation => {
  const sessionUri = isTurned(one) ? one.sessionUri : one.session?.uri
  const requestId = isTurned(one) ? one.requestId : one.request.requestId
  const base = { state: 'settled', id: joint.id, answeredAt } as const
  return {
    ...base,
    ...(isRefusal(outcome) ? statusOf(outcome) : clearPart(outcome)),
    ...(sessionUri === undefined ? {} : { sessionUri }),
    ...(requestId === undefined ? {} : { requestId }),
  }
}

const statusOf = (refusal: Refusal) => ({ status: verdictOf(refusal).status })

const clearPart = ({ status, resourceUri }: Exclude<Outcome, Refusal>) =>
  resourceUri === undefined ? { status } : { status, resourceUri }

/** How the operation of a case ended: now, or as it did before; absent if the core runs none. */
export const operationOfCase = (
  one: Case,
  outcome: Outcome,
  earlier: Earlier,
  now: Instant,
): CoreOperation | undefined => {
  const { joint } = one.received
  if (joint === undefined) return undefined
  return earlier.get(joint.id) ?? settled(joint, one, outcome, now)
}
