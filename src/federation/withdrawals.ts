// Removal bites at the peer, too: whoever holds keys of ours for somebody who may read them no more is told, and told again until it
// has acknowledged. What is owed stays in the store, where an operator sees it.

import type { Act } from '../audit/index.ts'
import type { Ledger, OwedWithdrawal, Store } from '../kms/index.ts'
import { isRefusal, type RefusalCode } from '../refusal.ts'
import { after, type Instant, milliseconds, seconds } from '../time.ts'
import { asJson } from './answer.ts'
import { parsePeerDomain } from './domain.ts'
import { PEER_PATHS, type PeerLink } from './ports.ts'
import { WITHDRAWALS_MAX } from './serve.ts'

const PATIENCE = seconds(5)
const LONGEST_PAUSE = seconds(300)

export interface WithdrawalParts {
  readonly store: Store
  readonly ledger: Ledger
  readonly link: PeerLink
  readonly now: () => Instant
  readonly newTrackingId: () => string
}

const pauseAfter = (attempts: number) =>
  milliseconds(Math.min(LONGEST_PAUSE, 1000 * 2 ** Math.min(attempts, 10)))

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

/** Undefined: acknowledged, all of them. */
const push = async (
  { link, now }: WithdrawalParts,
  raw: string,
  owed: readonly OwedWithdrawal[],
  trackingId: string,
): Promise<RefusalCode | undefined> => {
  const domain = parsePeerDomain(raw)
  if (domain === undefined) return 'federation.peer-unreachable'
  const withdrawals = owed.map(({ resourceUri, userId }) => ({ resourceUri, userId }))
  const question = { path: PEER_PATHS.withdrawals, body: { withdrawals }, trackingId }
  const reply = await link.ask(domain, question, after(now(), PATIENCE))
  if (isRefusal(reply)) return reply.refused
  const isAcknowledged = reply.status === 200 && asJson(reply.body)['acknowledged'] === owed.length
  return isAcknowledged ? undefined : 'federation.answer-wrong'
}

const dueNow = ({ store, now }: WithdrawalParts): Promise<readonly OwedWithdrawal[]> =>
  store.read((tx) => tx.debts.dueWithdrawals(now(), WITHDRAWALS_MAX))

const pushTo = async (parts: WithdrawalParts, domain: string): Promise<void> => {
  // Whoever had the turn before may have told it already.
  const owed = (await dueNow(parts)).filter((one) => one.domain === domain)
  if (owed.length === 0) return
  const trackingId = parts.newTrackingId()
  const code = await push(parts, domain, owed, trackingId)
  await parts.ledger.commit(async (tx, now) => {
    if (code === undefined) {
      await tx.debts.settleWithdrawals(owed)
      return { result: undefined, acts: [actOf(domain, owed, trackingId)] }
    }
    const attempts = Math.min(...owed.map((one) => one.attempts))
    await tx.debts.putOffWithdrawals(owed, after(now, pauseAfter(attempts)))
    // Said once; how often it was tried since stands with what is owed.
    const isNews = owed.some((one) => one.attempts === 0)
    return { result: undefined, acts: isNews ? [actOf(domain, owed, trackingId, code)] : [] }
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
