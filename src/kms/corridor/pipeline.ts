// THE CORRIDOR: open, identify, conclude (one transaction), reveal, seal. A message walks it once and
// never turns back. Before a channel opens there is silence or the signed reset; after it opens, every
// answer is sealed. Nothing leaves before its audit entry is durable.

import type { BareOutcome, Declined, MessagesFrame, SealedAnswer } from '../../boundary/index.ts'
import type { SecretBytes } from '../../crypto/index.ts'
import { Fault } from '../../fault.ts'
import type { ClientId } from '../../id.ts'
import { FAULT_VERDICT, printRefusal, VERDICTS } from '../../protocol/index.ts'
import { isRefusal, type RefusalCode, refuse } from '../../refusal.ts'
import type { Instant } from '../../time.ts'
import { isRemoval, type Told } from '../foreign/foreign.ts'
import type { CoreOperation } from '../joint/core-operation.ts'
import type { Joint } from '../joint/joint.ts'
import { isLockedFault } from '../keyring/keyring.ts'
import { type Case, isTurned, type Received } from './case.ts'
import type { Committer } from './committer.ts'
import {
  type DoorwayParts,
  isOpened,
  type OpenChannel,
  type Opened,
  open,
  seal,
  type Unopened,
} from './doorway.ts'
import { type IdentifyParts, identify } from './identify.ts'
import { type RevealMeans, reveal } from './reveal.ts'
import type { Conclusion, Outcome } from './transact.ts'

export interface CorridorParts extends DoorwayParts, IdentifyParts, RevealMeans {
  readonly committer: Committer
  readonly now: () => Instant
  /** Told of every Fault: the edge logs and counts it, the caller learns nothing. */
  readonly onFault: (fault: unknown, trackingId: string) => void
}

/** What the core is told of an operation. Declined: its outcome is not known, and it must withdraw it. */
export interface OperationAnswer {
  readonly answers: readonly (SealedAnswer | BareOutcome)[]
  readonly declined?: Declined
}

export interface Corridor {
  /** The answers to a post in the order of its messages; silence leaves no answer. Never rejects. */
  handle(post: MessagesFrame): Promise<readonly SealedAnswer[]>
  /** The same for a post of which the core waits for the outcome: one message, one verdict. Never rejects. */
  operate(post: MessagesFrame): Promise<OperationAnswer>
}

/** Where a message got to: what is sealed for its sender, and what the core may know. */
interface Walked {
  readonly deliverTo?: string | undefined
  readonly kmsMessage?: string | undefined
  readonly operation?: CoreOperation | undefined
}

/** Recorded like an act; answered by the reset where one can be delivered. */
const turnAway = async (
  parts: CorridorParts,
  { refusal, sessionUri, mayReset }: Unopened,
  received: Received,
  device: string | undefined,
): Promise<Walked> => {
  const session = sessionUri === undefined ? {} : { sessionUri }
  const { operation } = await parts.committer.conclude({ received, refusal, ...session })
  if (!mayReset || device === undefined) return { operation }
  return { deliverTo: device, kmsMessage: await parts.staticKeys.reset(), operation }
}

const requestIdOf = (one: Case): string | undefined =>
  isTurned(one) ? one.requestId : one.request.requestId

const PASSING: ReadonlySet<RefusalCode> = new Set(['identity.provider-unavailable', 'kms.locked'])

/**
 * Real clients cache a failed handshake for their life: what may succeed in a moment, our own Faults
 * (no outcome) among it, is met with silence, and they try again.
 */
const isSilent = (
  channel: OpenChannel,
  outcome: Outcome | undefined,
  joint: Joint | undefined,
): boolean => {
  if (channel.kind === 'session') return false
  // No operation is a handshake: the core made one of it, and the client must not hear of it.
  if (outcome === undefined || joint !== undefined) return true
  return isRefusal(outcome) && PASSING.has(outcome.refused)
}

const endSession = (parts: CorridorParts, one: Case, outcome: Outcome): void => {
  if (isTurned(one) || isRefusal(outcome)) return
  const { operation } = one.request
  if (operation.name === 'delete-session') parts.channels.forget(operation.uri)
}

/** No transaction is open while a peer is asked; what it said goes through the next one. */
const concludeWithPeers = async (parts: CorridorParts, one: Case): Promise<Conclusion> => {
  let conclusion = await parts.committer.conclude(one)
  // The way in, what lies behind it, and that again with our word for the user: there is no fourth.
  for (let trip = 0; trip < TRIPS_MOST && conclusion.awaits !== undefined; trip += 1) {
    if (isTurned(one)) return conclusion
    if (parts.foreign === undefined) throw new Fault('kms.no-foreign-home')
    const told = await parts.foreign.ask(conclusion.awaits, one.received)
    try {
      conclusion = await parts.committer.conclude({ ...one, told })
    } finally {
      for (const secret of secretsOf(told)) secret.wipe()
    }
  }
  if (conclusion.awaits !== undefined) throw new Fault('kms.asks-without-end')
  return conclusion
}

const TRIPS_MOST = 3

/** Whoever removes somebody hears of it when peers, too, have let go; nobody waits long for one that is away. */
const concludeRemoval = async (parts: CorridorParts, one: Case): Promise<Conclusion> => {
  const conclusion = await concludeWithPeers(parts, one)
  if (isRemoval(one, conclusion)) await parts.foreign?.removed()
  return conclusion
}

const secretsOf = (told: readonly Told[]): readonly SecretBytes[] =>
  told.flatMap(({ result }) => (isRefusal(result) ? [] : result.keys.map(({ secret }) => secret)))

interface Concluded extends Partial<Conclusion> {
  readonly text: string
}

/**
 * The answer's text, once what it says is durable. A Fault becomes "internal error" and no more; but of
 * an operation nothing may be said then, because it may have been done.
 */
const conclude = async (parts: CorridorParts, one: Case): Promise<Concluded> => {
  try {
    const conclusion = await concludeRemoval(parts, one)
    endSession(parts, one, conclusion.outcome)
    return { ...conclusion, text: reveal(conclusion.outcome, requestIdOf(one), parts) }
  } catch (fault) {
    if (one.received.joint !== undefined) throw fault
    // Done and recorded, and then the realm was locked: the answer stays here, a repeat will find it.
    if (isLockedFault(fault))
      return { text: printRefusal(VERDICTS['kms.locked'], requestIdOf(one)) }
    parts.onFault(fault, one.received.trackingId)
    return { text: printRefusal(FAULT_VERDICT, requestIdOf(one)) }
  } finally {
    if (!isTurned(one)) one.agreement?.channelKey.wipe()
  }
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

const jointOf = ({ sync, id, httpUser, part }: MessagesFrame): Joint | undefined => {
  if (!sync) return undefined
  return part === undefined ? { id, httpUser } : { id, httpUser, part }
}

const walk = async (
  parts: CorridorParts,
  post: MessagesFrame,
  compact: string,
): Promise<Walked> => {
  const joint = jointOf(post)
  const received = {
    at: parts.now(),
    trackingId: post.trackingId,
    sizeBytes: compact.length,
    ...(joint === undefined ? {} : { joint }),
  }
  const device = post.httpDevice ?? joint?.httpUser
  // Several messages have several outcomes, and an operation has one.
  const isAlone = joint === undefined || post.kmsMessages.length === 1
  const opened: Opened | Unopened = isAlone
    ? await open(parts, compact, received.at)
    : { refusal: refuse('rooms.parts-disagree', 'kmsMessages'), mayReset: false }
  if (!isOpened(opened)) return turnAway(parts, opened, received, device)
  const one = await identify(parts, opened, received)
  const { outcome, operation, text } = await conclude(parts, one)
  const deliverTo: ClientId | string | undefined = one.clientId ?? device
  if (deliverTo === undefined || isSilent(opened.channel, outcome, joint)) return { operation }
  const kmsMessage = await sealFitting(parts, opened.channel, text, requestIdOf(one))
  return { deliverTo, kmsMessage, operation }
}

const sealedAnswer = (n: number, { deliverTo, kmsMessage }: Walked): readonly SealedAnswer[] =>
  deliverTo === undefined || kmsMessage === undefined ? [] : [{ n, deliverTo, kmsMessage }]

/** How an operation ended, in the core's words. */
export const operationAnswer = (operation: CoreOperation, walked: Walked = {}): OperationAnswer => {
  if (operation.state === 'withdrawn') return { answers: [], declined: 'rooms.withdrawn' }
  const { status, resourceUri } = operation
  const clear = resourceUri === undefined ? { status } : { status, resourceUri }
  const [sealed] = sealedAnswer(0, walked)
  return { answers: [sealed === undefined ? { n: 0, clear } : { ...sealed, clear }] }
}

export const createCorridor = (parts: CorridorParts): Corridor => {
  /** A Fault before the channel opened, or in sealing: nothing can be said, so nothing is. */
  const answer = async (post: MessagesFrame, compact: string): Promise<Walked> => {
    try {
      return await walk(parts, post, compact)
    } catch (fault) {
      parts.onFault(fault, post.trackingId)
      return {}
    }
  }
  const walkAll = (post: MessagesFrame): Promise<readonly Walked[]> =>
    Promise.all(post.kmsMessages.map((compact) => answer(post, compact)))
  return {
    handle: async (post) => (await walkAll(post)).flatMap((walked, n) => sealedAnswer(n, walked)),
    operate: async (post) => {
      const [walked] = await walkAll(post)
      return walked?.operation === undefined
        ? { answers: [], declined: 'realm.fault' }
        : operationAnswer(walked.operation, walked)
    },
  }
}
