// Being asked by a peer whose certificate was accepted: its requests go through the corridor as the peer's, its withdrawals are
// obeyed, and a ping says that we are here. Bodies are read strictly; nothing in them says who the peer is.

import type { Act, SignedStatement, Statement } from '../audit/index.ts'
import { parseUserId } from '../id.ts'
import {
  type Ledger,
  logKeyLearned,
  noteDigest,
  type PeerDesk,
  type PeerItem,
  type ResourceAndUser,
  type Store,
} from '../kms/index.ts'
import { parseKeyUri, parseResourceUri, urisOf, verdictOf } from '../protocol/index.ts'
import { isRefusal, type Refusal, refuse } from '../refusal.ts'
import type { Instant } from '../time.ts'
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
import { digestOf, type Signer, statementIn, toBody } from './statements.ts'
import { createQuietPeers, type QuietPeers, takeBack } from './taken-back.ts'
import type { TurnedAway } from './turned-away.ts'

export const PROTOCOL_VERSION = 1
export const WITHDRAWALS_MAX = 500
/** Entries of a peer's log in one statement about uses. */
export const USES_MAX = 200

export interface ServeParts {
  readonly domain: string
  readonly policy: FederationPolicy
  readonly desk: PeerDesk
  readonly store: Store
  readonly ledger: Ledger
  readonly signer: Signer
  readonly isUnlocked: () => boolean
  readonly turnedAway: TurnedAway
}

interface Serving extends ServeParts {
  readonly quiet: QuietPeers
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
  parts: ServeParts,
  peer: ProvenPeer,
  { body, trackingId }: PeerQuestion,
): Promise<PeerReply | Refusal> => {
  const { requests } = asJson(body)
  if (!Array.isArray(requests) || requests.length === 0 || requests.length > BATCH_MAX) {
    return refuse('request.invalid-count', 'requests')
  }
  const items = requests.flatMap((raw) => parseItem(raw, peer) ?? [])
  if (items.length !== requests.length) return refuse('request.invalid', 'requests')
  const all = await parts.desk.answer(peer, items, trackingId)
  const entries = all.flatMap(({ released }, place) =>
    released === undefined ? [] : [{ ...released, place }],
  )
  const signed = await signedFor(parts, peer, { kind: 'release', entries })
  // Locked since: what was released is recorded, and stays here.
  if (signed === undefined && entries.length > 0) return refuse('kms.locked')
  const answers = all.map(({ text }): unknown => JSON.parse(text))
  return { status: 200, body: { answers, ...(signed === undefined ? {} : toBody(signed)) } }
}

const signedFor = async (
  { signer, domain }: ServeParts,
  { domain: to }: ProvenPeer,
  { kind, entries }: Pick<Statement, 'kind' | 'entries'>,
): Promise<SignedStatement | undefined> =>
  entries.length === 0 ? undefined : await signer.sign({ kind, by: domain, to, entries })

/** A realm takes back what it said of its own resources, and of no other's. */
const parseWithdrawal = (raw: unknown, { domain }: ProvenPeer): ResourceAndUser | undefined => {
  const { resourceUri: rawResource, userId: rawUser } = asJson(raw)
  const resourceUri = parseResourceUri(rawResource, urisOf(domain))
  const userId = parseUserId(rawUser)
  return isRefusal(resourceUri) || userId === undefined ? undefined : { resourceUri, userId }
}

interface TakenBack {
  readonly keys: readonly string[]
  readonly time: Instant
}

const serveWithdrawals = async (
  parts: Serving,
  peer: ProvenPeer,
  { body, trackingId }: PeerQuestion,
): Promise<PeerReply | Refusal> => {
  const { ledger, domain, quiet } = parts
  const { withdrawals } = asJson(body)
  if (!Array.isArray(withdrawals) || withdrawals.length > WITHDRAWALS_MAX) {
    return refuse('request.invalid-count', 'withdrawals')
  }
  const pairs = withdrawals.flatMap((raw) => parseWithdrawal(raw, peer) ?? [])
  if (pairs.length !== withdrawals.length) return refuse('request.invalid', 'withdrawals')
  const told = { own: domain, peer, pairs, trackingId }
  const { result, sequences } = await ledger.commitNumbered<TakenBack | Refusal>(
    async (tx, now) => {
      const taken = await takeBack(tx, told, now, quiet)
      return isRefusal(taken)
        ? { result: taken, acts: [] }
        : { result: { keys: taken.keys ?? [], time: now }, acts: [taken] }
    },
  )
  if (isRefusal(result)) return result
  const [sequence = 0] = sequences
  const of = digestOf(withdrawals)
  const entry = { ...result, sequence, trackingId, place: pairs.length, of }
  const signed = await signedFor(parts, peer, { kind: 'withdrawal', entries: [entry] })
  // Obeyed, and not acknowledged: it will be said again.
  if (signed === undefined) return refuse('kms.locked')
  return { status: 200, body: { acknowledged: pairs.length, ...toBody(signed) } }
}

/** A peer says what became of keys of ours: kept if it has signed it, and of our own keys only. */
const serveReceipts = async (
  { ledger, domain }: ServeParts,
  peer: ProvenPeer,
  { body, trackingId }: PeerQuestion,
): Promise<PeerReply | Refusal> => {
  const found = statementIn(body, { kind: 'use', by: peer.domain, to: domain })
  if (found === undefined) return refuse('federation.statement-wrong', peer.domain)
  const { signed, entries } = found
  const keys = [...new Set(entries.flatMap((entry) => entry.keys))]
  const ours = keys.flatMap((key) => {
    const uri = parseKeyUri(key, urisOf(domain))
    return isRefusal(uri) ? [] : [uri]
  })
  const wrong = refuse('federation.statement-wrong', peer.domain)
  const isSmall = entries.length <= USES_MAX && entries.every((entry) => entry.keys.length > 0)
  if (ours.length < keys.length || !isSmall) return wrong
  const isKept = await ledger.commit(async (tx, now) => {
    // Of keys that are none, a stranger could tell stories without end.
    if ((await tx.keys.find(ours)).size < ours.length) return { result: false, acts: [] }
    const position = entries[0]?.sequence ?? 0
    const kept = { ...signed, domain: peer.domain, kind: 'use', position, receivedAt: now } as const
    const fresh = await tx.receipts.keep([kept])
    const act: Act = {
      action: 'peer.uses-received',
      outcome: 'done',
      actor: { kind: 'peer', id: peer.domain },
      type: 'KEY_COLLECTION',
      keys,
      trackingId,
      details: {
        ...peer.connection,
        uses: entries.length,
        theirEntry: position,
        note: noteDigest(signed.note),
      },
    }
    return { result: true, acts: [...fresh.map(logKeyLearned), act] }
  })
  return isKept ? { status: 200, body: { accepted: entries.length } } : wrong
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
  parts: Serving,
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
  if (question.path === PEER_PATHS.receipts) return serveReceipts(parts, peer, question)
  return refuse('request.unknown-operation', 'path')
}

export const createServePeer = (
  serving: ServeParts,
  onFault: (fault: unknown, trackingId: string) => void,
): ServePeer => {
  const parts = { ...serving, quiet: createQuietPeers() }
  return async (peer, question) => {
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
}
