// What an administrator decides about peers: with whom this realm does not work, and whose user somebody is. Each decision is an
// entry of the log, and takes effect on the next request.

import type { Act } from '../audit/index.ts'
import type { Random } from '../crypto/index.ts'
import type { UserId } from '../id.ts'
import type { Ledger, Pin, Transaction } from '../kms/index.ts'
import { before, type Instant, seconds, toRfc3339 } from '../time.ts'
import type { PeerDomain } from './domain.ts'

const decided = (action: string, domain: string, more: Partial<Act> = {}): Act => ({
  action,
  outcome: 'done',
  actor: { kind: 'system' },
  type: 'DIRECTORY',
  ...more,
  details: { peer: domain, ...more.details },
})

/** Answers whether it changed anything. A domain that was never met can be blocked, too. */
export const blockPeer = (ledger: Ledger, domain: PeerDomain): Promise<boolean> =>
  ledger.commit(async (tx, now) => {
    const known = (await tx.peers.find([domain])).get(domain)
    if (known?.blockedAt !== undefined) return { result: false, acts: [] }
    await tx.peers.setBlocked(domain, now, now)
    return { result: true, acts: [decided('peer.blocked', domain)] }
  })

/** Answers whether it was blocked. */
export const unblockPeer = (ledger: Ledger, domain: PeerDomain): Promise<boolean> =>
  ledger.commit(async (tx, now) => {
    const known = (await tx.peers.find([domain])).get(domain)
    if (known?.blockedAt === undefined) return { result: false, acts: [] }
    await tx.peers.setBlocked(domain, now, undefined)
    return { result: true, acts: [decided('peer.unblocked', domain)] }
  })

/**
 * A realm that heard nothing of us for so long reads nothing of ours on its own: the longest `offlineGraceForSeconds` there is.
 * What it would still let go of are copies that open for nobody there.
 */
export const WRITE_OFF_AFTER = seconds(86_400)

export interface WrittenOff {
  readonly withdrawals: number
  /** Too young: it goes on being pushed. */
  readonly left: number
}

/** Of what a realm owes a domain that is never coming back, all that is a day old; what comes after is owed as ever. */
export const writeOffDebts = (ledger: Ledger, domain: PeerDomain): Promise<WrittenOff> =>
  ledger.commit<WrittenOff>(async (tx, now) => {
    const until = before(now, WRITE_OFF_AFTER)
    const { count: withdrawals, oldest } = await tx.debts.tallyOwed(domain, until)
    const left = (await tx.debts.tallyOwed(domain)).count - withdrawals
    const result = { withdrawals, left }
    if (oldest === undefined) return { result, acts: [] }
    await tx.debts.writeOffOwed(domain, until)
    const details = { withdrawals, left, oldest: toRfc3339(oldest) }
    return { result, acts: [decided('peer.debts-written-off', domain, { details })] }
  })

/** The log knows people by pseudonym, those who were never here, too. */
const pseudonymOf = async (
  tx: Transaction,
  userId: UserId,
  random: Random,
  now: Instant,
): Promise<string> => {
  const known = (await tx.people.find([userId])).get(userId)
  if (known !== undefined) return known.pseudonym
  const person = { userId, pseudonym: random.uuid(), firstSeenAt: now }
  await tx.people.remember([person])
  return person.pseudonym
}

export type Pinned = 'pinned' | 'already-pinned' | 'pinned-elsewhere' | 'own-user'

interface PinWish {
  readonly userId: UserId
  readonly domain: PeerDomain
  /** May it take the place of a pin to another domain? */
  readonly mayMove: boolean
}

const verdictOn = (before: Pin | undefined, { domain, mayMove }: PinWish): Pinned => {
  if (before?.domain === domain) {
    return before.confirmedAt === undefined ? 'pinned' : 'already-pinned'
  }
  return before === undefined || mayMove ? 'pinned' : 'pinned-elsewhere'
}

/** What a domain was given for a user who is not its own, it is to let go of. */
const takeFrom = async (tx: Transaction, { userId, domain }: Pin, now: Instant): Promise<void> => {
  const held = await tx.copies.holdersFor(userId, domain)
  await tx.copies.removeHolders(held)
  await tx.debts.owe(held.map((one) => ({ ...one, since: now, dueAt: now, attempts: 0 })))
}

/** Confirms a claim, says whose somebody is before any claim, or moves them; conflicts about them are settled by it. */
export const pinUser = (ledger: Ledger, random: Random, wish: PinWish): Promise<Pinned> =>
  ledger.commit<Pinned>(async (tx, now) => {
    const { userId, domain } = wish
    // A token of ours says whose they are; no pin can say otherwise.
    const person = (await tx.people.find([userId])).get(userId)
    if (person?.organizationId !== undefined) return { result: 'own-user', acts: [] }
    const before = (await tx.peers.pins([userId])).get(userId)
    const result = verdictOn(before, wish)
    if (result !== 'pinned') return { result, acts: [] }
    if (before !== undefined && before.domain !== domain) await takeFrom(tx, before, now)
    await tx.peers.setPin({ userId, domain, pinnedAt: now, confirmedAt: now })
    await tx.peers.removeConflicts(userId)
    const subjects = [await pseudonymOf(tx, userId, random, now)]
    const from = before === undefined || before.domain === domain ? {} : { from: before.domain }
    const act = decided('peer.user-pinned', domain, { subjects, details: from })
    return { result, acts: [act] }
  })
