// THE CORRIDOR: open, identify, conclude (one transaction), reveal, seal. A message walks it once and
// never turns back. Before a channel opens there is silence or the signed reset; after it opens, every
// answer is sealed. Nothing leaves before its audit entry is durable.

import type { MessagesFrame, SealedAnswer } from '../boundary/index.ts'
import type { ClientId } from '../id.ts'
import { FAULT_VERDICT, printRefusal, VERDICTS } from '../protocol/index.ts'
import { isRefusal, type RefusalCode } from '../refusal.ts'
import type { Instant } from '../time.ts'
import { type Case, isTurned, type Received } from './case.ts'
import type { Committer } from './committer.ts'
import {
  type DoorwayParts,
  isOpened,
  type OpenChannel,
  open,
  seal,
  type Unopened,
} from './doorway.ts'
import { type IdentifyParts, identify } from './identify.ts'
import { isLockedFault } from './keyring/keyring.ts'
import { type RevealMeans, reveal } from './reveal.ts'
import type { Outcome } from './transact.ts'

export interface CorridorParts extends DoorwayParts, IdentifyParts, RevealMeans {
  readonly committer: Committer
  readonly now: () => Instant
  /** Told of every Fault: the edge logs and counts it, the caller learns nothing. */
  readonly onFault: (fault: unknown, trackingId: string) => void
}

export interface Corridor {
  /** The answers to a post in the order of its messages; silence leaves no answer. Never rejects. */
  handle(post: MessagesFrame): Promise<readonly SealedAnswer[]>
}

type AnswerInPost = Omit<SealedAnswer, 'n'>

/** Recorded like an act; answered by the reset where one can be delivered. */
const turnAway = async (
  parts: CorridorParts,
  { refusal, sessionUri, mayReset }: Unopened,
  received: Received,
  device: string | undefined,
): Promise<AnswerInPost | undefined> => {
  const session = sessionUri === undefined ? {} : { sessionUri }
  await parts.committer.conclude({ received, refusal, ...session })
  if (!mayReset || device === undefined) return undefined
  const reset = await parts.staticKeys.reset()
  return reset === undefined ? undefined : { deliverTo: device, kmsMessage: reset }
}

const requestIdOf = (one: Case): string | undefined =>
  isTurned(one) ? one.requestId : one.request.requestId

const PASSING: ReadonlySet<RefusalCode> = new Set(['identity.provider-unavailable', 'kms.locked'])

/**
 * Real clients cache a failed handshake for their life: what may succeed in a moment, our own Faults
 * (no outcome) among it, is met with silence, and they try again.
 */
const isSilent = (channel: OpenChannel, outcome: Outcome | undefined): boolean => {
  if (channel.kind === 'session') return false
  if (outcome === undefined) return true
  return isRefusal(outcome) && PASSING.has(outcome.refused)
}

const endSession = (parts: CorridorParts, one: Case, outcome: Outcome): void => {
  if (isTurned(one) || isRefusal(outcome)) return
  const { operation } = one.request
  if (operation.name === 'delete-session') parts.channels.forget(operation.uri)
}

interface Concluded {
  readonly text: string
  readonly outcome?: Outcome
}

/** The answer's text, once what it says is durable. A Fault becomes "internal error" and no more. */
const conclude = async (parts: CorridorParts, one: Case): Promise<Concluded> => {
  try {
    const outcome = await parts.committer.conclude(one)
    endSession(parts, one, outcome)
    return { outcome, text: reveal(outcome, requestIdOf(one), parts) }
  } catch (fault) {
    // Done and recorded, and then the realm was locked: the answer stays here, a repeat will find it.
    if (isLockedFault(fault))
      return { text: printRefusal(VERDICTS['kms.locked'], requestIdOf(one)) }
    parts.onFault(fault, one.received.trackingId)
    return { text: printRefusal(FAULT_VERDICT, requestIdOf(one)) }
  } finally {
    if (!isTurned(one)) one.agreement?.channelKey.wipe()
  }
}

const clearOf = (outcome: Outcome | undefined, text: string): SealedAnswer['clear'] => {
  const { status }: { status: number } = JSON.parse(text)
  const resourceUri = outcome === undefined || isRefusal(outcome) ? undefined : outcome.resourceUri
  return resourceUri === undefined ? { status } : { status, resourceUri }
}

/** Operations keep their answers within bounds; what is larger all the same must not break the line. */
const sealFitting = async (
  parts: CorridorParts,
  channel: OpenChannel,
  text: string,
  requestId: string | undefined,
): Promise<string> => {
  const sealed = await seal(parts, channel, text)
  if (sealed.length <= parts.settings.sealedAnswerMaxChars) return sealed
  return seal(parts, channel, printRefusal(VERDICTS['kms.answer-too-large'], requestId))
}

const walk = async (
  parts: CorridorParts,
  post: MessagesFrame,
  compact: string,
): Promise<AnswerInPost | undefined> => {
  const received = { at: parts.now(), trackingId: post.trackingId, sizeBytes: compact.length }
  const opened = await open(parts, compact, received.at)
  if (!isOpened(opened)) return turnAway(parts, opened, received, post.httpDevice)
  const one = await identify(parts, opened, received)
  const { outcome, text } = await conclude(parts, one)
  const deliverTo: ClientId | string | undefined = one.clientId ?? post.httpDevice
  if (deliverTo === undefined) return undefined
  if (isSilent(opened.channel, outcome)) return undefined
  const kmsMessage = await sealFitting(parts, opened.channel, text, requestIdOf(one))
  const clear = post.sync ? clearOf(outcome, text) : undefined
  return clear === undefined ? { deliverTo, kmsMessage } : { deliverTo, kmsMessage, clear }
}

export const createCorridor = (parts: CorridorParts): Corridor => {
  /** A Fault before the channel opened, or in sealing: nothing can be said, so nothing is. */
  const answer = async (post: MessagesFrame, compact: string) => {
    try {
      return await walk(parts, post, compact)
    } catch (fault) {
      parts.onFault(fault, post.trackingId)
      return undefined
    }
  }
  return {
    handle: async (post) => {
      const answers = await Promise.all(post.kmsMessages.map((compact) => answer(post, compact)))
      return answers.flatMap((one, n) => (one === undefined ? [] : [{ n, ...one }]))
    },
  }
}
