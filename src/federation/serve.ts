// Being asked by a peer whose certificate was accepted: its requests go through the corridor as the peer's, its withdrawals are
// obeyed, and a ping says that we are here. Bodies are read strictly; nothing in them says who the peer is.

import { parseUserId } from '../id.ts'
import type { Ledger, PeerDesk, PeerItem, ResourceAndUser, Store } from '../kms/index.ts'
import { parseResourceUri, urisOf, verdictOf } from '../protocol/index.ts'
import { isRefusal, type Refusal, refuse } from '../refusal.ts'
import { asJson } from './answer.ts'
import { BATCH_MAX } from './home.ts'
import { type FederationPolicy, policyRefusal } from './policy.ts'
import {
  PEER_PATHS,
  type PeerQuestion,
  type PeerReply,
  type ProvenPeer,
  type ServePeer,
} from './ports.ts'
import { takeBack } from './taken-back.ts'
import type { TurnedAway } from './turned-away.ts'

export const PROTOCOL_VERSION = 1
export const WITHDRAWALS_MAX = 500

export interface ServeParts {
  readonly domain: string
  readonly policy: FederationPolicy
  readonly desk: PeerDesk
  readonly store: Store
  readonly ledger: Ledger
  readonly isUnlocked: () => boolean
  readonly turnedAway: TurnedAway
}

const refused = (refusal: Refusal): PeerReply => {
  const { status, reason } = verdictOf(refusal)
  return { status, body: { code: refusal.refused, reason } }
}

/** A word of the core's, as on its line to us. */
const isOperationId = (raw: unknown): raw is string =>
  typeof raw === 'string' && /^[\x21-\x7e]{1,200}$/.test(raw)

const parseItem = (raw: unknown, { domain }: ProvenPeer): PeerItem | undefined => {
  const { userId: rawUser, vouchedFor: rawVouched, operationId, request } = asJson(raw)
  const userId = parseUserId(rawUser)
  if (userId === undefined || request === undefined) return undefined
  if (operationId !== undefined && !isOperationId(operationId)) return undefined
  const item = {
    ...{ userId, request, sizeBytes: JSON.stringify(request).length },
    ...(operationId === undefined ? {} : { operationId }),
  }
  if (rawVouched === undefined) return item
  const vouchedFor = parseResourceUri(rawVouched, urisOf(domain))
  return isRefusal(vouchedFor) ? undefined : { ...item, vouchedFor }
}

/** Whoever may not come at all, or asks nothing that can be read, leaves as many entries as a flood may. */
const turnAway = (
  { turnedAway }: ServeParts,
  { domain, connection }: ProvenPeer,
  { trackingId }: PeerQuestion,
  refusal: Refusal,
): Promise<void> => {
  const meeting = { begunBy: 'peer', proven: domain, ...connection } as const
  return turnedAway.note(refusal, meeting, { trackingId })
}

const serveRequests = async (
  { desk }: ServeParts,
  peer: ProvenPeer,
  { body, trackingId }: PeerQuestion,
): Promise<PeerReply | Refusal> => {
  const { requests } = asJson(body)
  if (!Array.isArray(requests) || requests.length === 0 || requests.length > BATCH_MAX) {
    return refuse('request.invalid-count', 'requests')
  }
  const items = requests.flatMap((raw) => parseItem(raw, peer) ?? [])
  if (items.length !== requests.length) return refuse('request.invalid', 'requests')
  const texts = await desk.answer(peer, items, trackingId)
  return { status: 200, body: { answers: texts.map((text): unknown => JSON.parse(text)) } }
}

/** A realm takes back what it said of its own resources, and of no other's. */
const parseWithdrawal = (raw: unknown, { domain }: ProvenPeer): ResourceAndUser | undefined => {
  const { resourceUri: rawResource, userId: rawUser } = asJson(raw)
  const resourceUri = parseResourceUri(rawResource, urisOf(domain))
  const userId = parseUserId(rawUser)
  return isRefusal(resourceUri) || userId === undefined ? undefined : { resourceUri, userId }
}

const serveWithdrawals = async (
  { ledger, domain }: ServeParts,
  peer: ProvenPeer,
  { body, trackingId }: PeerQuestion,
): Promise<PeerReply | Refusal> => {
  const { withdrawals } = asJson(body)
  if (!Array.isArray(withdrawals) || withdrawals.length > WITHDRAWALS_MAX) {
    return refuse('request.invalid-count', 'withdrawals')
  }
  const pairs = withdrawals.flatMap((raw) => parseWithdrawal(raw, peer) ?? [])
  if (pairs.length !== withdrawals.length) return refuse('request.invalid', 'withdrawals')
  const told = { own: domain, peer, pairs, trackingId }
  const refusal = await ledger.commit<Refusal | undefined>(async (tx, now) => {
    const taken = await takeBack(tx, told, now)
    return isRefusal(taken) ? { result: taken, acts: [] } : { result: undefined, acts: taken }
  })
  if (refusal !== undefined) return refusal
  return { status: 200, body: { acknowledged: pairs.length } }
}

/** Before anything of it is looked at: a peer that is blocked must not fill the log with what it asks. */
const blockRefusal = async (
  { store }: ServeParts,
  { domain }: ProvenPeer,
): Promise<Refusal | undefined> => {
  const known = await store.read((tx) => tx.peers.find([domain]))
  return known.get(domain)?.blockedAt === undefined
    ? undefined
    : refuse('federation.blocked', domain)
}

const route = async (
  parts: ServeParts,
  peer: ProvenPeer,
  question: PeerQuestion,
): Promise<PeerReply | Refusal> => {
  // Losing access is never refused, not even to a peer that we work with no more.
  if (question.path === PEER_PATHS.withdrawals) return serveWithdrawals(parts, peer, question)
  const closed =
    policyRefusal(parts.policy, parts.domain, peer.domain) ?? (await blockRefusal(parts, peer))
  if (closed !== undefined) return closed
  if (question.path === PEER_PATHS.ping) {
    const state = parts.isUnlocked() ? 'ready' : 'locked'
    return { status: 200, body: { version: PROTOCOL_VERSION, domain: parts.domain, state } }
  }
  if (question.path === PEER_PATHS.requests) return serveRequests(parts, peer, question)
  return refuse('request.unknown-operation', 'path')
}

export const createServePeer =
  (parts: ServeParts, onFault: (fault: unknown, trackingId: string) => void): ServePeer =>
  async (peer, question) => {
    try {
      const reply = await route(parts, peer, question)
      if (!isRefusal(reply)) return reply
      await turnAway(parts, peer, question, reply)
      return refused(reply)
    } catch (fault) {
      onFault(fault, question.trackingId)
      return { status: 500, body: { code: 'internal', reason: 'Internal error' } }
    }
  }
