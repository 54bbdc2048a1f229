// What becomes of messages of which the core waits for the outcome: an operation that ended once has ended;
// a message that was answered in another operation has no effect in this one; parts that disagree do nothing.

import { verdictOf } from '../../protocol/index.ts'
import { isRefusal, type Refusal, type RefusalCode, refuse } from '../../refusal.ts'
import type { Instant } from '../../time.ts'
import { fromStored, toStored } from '../corridor/answer.ts'
import { type Asked, type Case, isTurned, operationIdOf } from '../corridor/case.ts'
import type { Verdict } from '../corridor/operation.ts'
import type { Outcome } from '../corridor/transact.ts'
import type { Transaction } from '../ports.ts'
import type { CoreOperation, SettledOperation } from './core-operation.ts'
import { disagreements, type Joint, meaningOf } from './joint.ts'

export type Earlier = ReadonlyMap<string, CoreOperation>

/** Operations of the group that have ended before. */
export const earlierOperations = (tx: Transaction, group: readonly Case[]): Promise<Earlier> =>
  tx.operations.find(group.flatMap(({ received }) => operationIdOf(received) ?? []))

const earlierOf = ({ received }: Case, earlier: Earlier): CoreOperation | undefined => {
  const id = operationIdOf(received)
  return id === undefined ? undefined : earlier.get(id)
}

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

export /**
 * The part of a peer in an operation that has ended: what it was told, if it is the same part of the same peer. A bind that was
 * withdrawn is left to whoever knows whether the key was recorded before: of that, both sides must say the same.
 */
const forwardedVerdict = (asked: Asked, ended: CoreOperation): Verdict | undefined => {
  if (ended.state === 'withdrawn') {
    return asked.request.operation.name === 'bind-key' ? undefined : refused('rooms.withdrawn')
  }
  const { forwarded } = ended
  const isSame = forwarded?.peer === peerOf(asked) && forwarded?.meant === meaningOf(asked)
  if (forwarded === undefined || !isSame) return refused('rooms.repeated')
  // Nothing that peers have done under an operation's id has keys in its answer.
  const { keys: _none, ...outcome } = fromStored(forwarded.answer)
  return { outcome, recorded: { action: 'answer.repeated', type: 'MESSAGE' } }
}

const peerOf = ({ by }: Asked): string | undefined => (by.kind === 'peer' ? by.domain : undefined)

interface JointVerdicts {
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
    const ended = earlierOf(one, earlier)
    if (joint === undefined) {
      const verdict = ended && forwardedVerdict(one, ended)
      if (verdict !== undefined) repeated.set(one, verdict)
      continue
    }
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

/**
 * Of a peer's part what was granted is kept, and nothing else: whoever knows an operation's id must not be able to end it for
 * others, and the core's withdrawal ends what was not done.
 */
const forwarded = (
  id: string,
  one: Case,
  outcome: Outcome,
  answeredAt: Instant,
): CoreOperation | undefined => {
  if (isTurned(one) || one.by.kind !== 'peer' || isRefusal(outcome)) return undefined
  const meant = meaningOf(one)
  if (meant === undefined) return undefined
  const { domain: peer } = one.by
  const base = { state: 'settled', id, answeredAt } as const
  const kept = { peer, meant, answer: toStored(outcome) }
  return { ...base, ...clearPart(outcome), forwarded: kept }
}

/** How the operation of a case ended: now, or as it did before; absent if the core runs none. */
export const operationOfCase = (
  one: Case,
  outcome: Outcome,
  earlier: Earlier,
  now: Instant,
): CoreOperation | undefined => {
  const id = operationIdOf(one.received)
  const { joint } = one.received
  if (id === undefined) return undefined
  const ended = earlier.get(id)
  if (ended !== undefined) return ended
  return joint === undefined ? forwarded(id, one, outcome, now) : settled(joint, one, outcome, now)
}
