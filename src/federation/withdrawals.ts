// Removal bites at the peer, too: whoever holds keys of ours for somebody who may read them no more is told, and told again until it
// has acknowledged. What is owed stays in the store, where an operator sees it.

import type { Act, SignedStatement } from '../audit/index.ts'
import {
  type Ledger,
  logKeyLearned,
  noteDigest,
  type OwedWithdrawal,
  type Store,
} from '../kms/index.ts'
import { isRefusal, type RefusalCode } from '../refusal.ts'
import { after, type Instant } from '../time.ts'
import { asJson } from './answer.ts'
import { parsePeerDomain } from './domain.ts'
import { PATIENCE, pauseAfter } from './patience.ts'
import { PEER_PATHS, type PeerLink } from './ports.ts'
import { WITHDRAWALS_MAX } from './serve.ts'
import { digestOf, statementIn } from './statements.ts'

export interface WithdrawalParts {
  readonly store: Store
  readonly ledger: Ledger
  readonly link: PeerLink
  readonly now: () => Instant
  readonly newTrackingId: () => string
  /** Our own. */
  readonly domain: string
}

const actOf = (
  domain: string,
  owed: readonly OwedWithdrawal[],
  trackingId: string,
  code?: RefusalCode,
): Act => ({
  action: code === undefined ? 'peer.withdrawal-acknowledged' : 'peer.withdrawal-owed',
  outcome: code === undefined ? 'done' : 'refused',
  actor: { kind: 'system' },
  type: 'AUTHORIZATION_COLLECTION',
  trackingId,
  details: { peer: domain, withdrawals: owed.length },
  ...(code === undefined ? {} : { code }),
})

/** What the peer has signed for, all of them; or why it has not. */
const push = async (
  { link, now, domain: own }: WithdrawalParts,
  raw: string,
  owed: readonly OwedWithdrawal[],
  trackingId: string,
): Promise<RefusalCode | Acknowledged> => {
  const domain = parsePeerDomain(raw)
  if (domain === undefined) return 'federation.peer-unreachable'
  const withdrawals = owed.map(({ resourceUri, userId }) => ({ resourceUri, userId }))
  const question = { path: PEER_PATHS.withdrawals, body: { withdrawals }, trackingId }
  const reply = await link.ask(domain, question, after(now(), PATIENCE))
  if (isRefusal(reply)) return reply.refused
  const isAcknowledged = reply.status === 200 && asJson(reply.body)['acknowledged'] === owed.length
  if (!isAcknowledged) return 'federation.answer-wrong'
  const found = statementIn(reply.body, { kind: 'withdrawal', by: domain, to: own })
  const entry = found?.entries[0]
  // "Done" is worth what can be shown of it later.
  const isWhole = entry?.of === digestOf(withdrawals) && entry.place === owed.length
  if (found === undefined || entry === undefined || !isWhole) return 'federation.statement-wrong'
  return { ...found.signed, position: entry.sequence }
}

interface Acknowledged extends SignedStatement {
  readonly position: number
}

const dueNow = ({ store, now }: WithdrawalParts): Promise<readonly OwedWithdrawal[]> =>
  store.read((tx) => tx.debts.dueWithdrawals(now(), WITHDRAWALS_MAX))

const pushTo = async (parts: WithdrawalParts, domain: string): Promise<void> => {
  // Whoever had the turn before may have told it already.
  const owed = (await dueNow(parts)).filter((one) => one.domain === domain)
  if (owed.length === 0) return
  const trackingId = parts.newTrackingId()
  const outcome = await push(parts, domain, owed, trackingId)
  await parts.ledger.commit(async (tx, now) => {
    if (typeof outcome !== 'string') {
      await tx.debts.settleWithdrawals(owed)
      const kept = { ...outcome, domain, kind: 'withdrawal', receivedAt: now } as const
      const fresh = await tx.receipts.keep([kept])
      const { position: theirEntry, note } = outcome
      const act = actOf(domain, owed, trackingId)
      const details = { ...act.details, theirEntry, note: noteDigest(note) }
      return { result: undefined, acts: [...fresh.map(logKeyLearned), { ...act, details }] }
    }
    const attempts = Math.min(...owed.map((one) => one.attempts))
    await tx.debts.putOffWithdrawals(owed, after(now, pauseAfter(attempts)))
    // Said once; how often it was tried since stands with what is owed.
    const isNews = owed.some((one) => one.attempts === 0)
    return { result: undefined, acts: isNews ? [actOf(domain, owed, trackingId, outcome)] : [] }
  })
}

/** The last turn of each peer: pushes to one follow each other, and one that is silent holds up no other. */
export type PushTurns = Map<string, Promise<void>>

const inTurn = (turns: PushTurns, domain: string, work: () => Promise<void>): Promise<void> => {
  const turn = (turns.get(domain) ?? Promise.resolve()).catch(() => undefined).then(work)
  turns.set(domain, turn)
  return turn.finally(() => {
    if (turns.get(domain) === turn) turns.delete(domain)
  })
}

/** Pushes what is due to every peer; answers how many withdrawals that were. */
export const pushWithdrawals = async (
  parts: WithdrawalParts,
  turns: PushTurns = new Map(),
): Promise<number> => {
  const due = await dueNow(parts)
  const domains = [...new Set(due.map(({ domain }) => domain))]
  await Promise.all(domains.map((domain) => inTurn(turns, domain, () => pushTo(parts, domain))))
  return due.length
}
