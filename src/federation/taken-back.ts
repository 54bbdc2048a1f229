// A realm takes back what it said of its own resources, and of no other's: what is known here of our users goes, and copies that nobody
// may read any more. Losing access is never refused; but what was never said cannot be taken back, and who does so leaves little here.

import type { Act } from '../audit/index.ts'
import type { ResourceAndUser, Transaction } from '../kms/index.ts'
import { type Refusal, refuse } from '../refusal.ts'
import { before, type Instant, seconds } from '../time.ts'
import type { PeerQuestion, ProvenPeer } from './ports.ts'

/** An answer that was asked for before then has come, or is given up. */
const ON_ITS_WAY = seconds(60)
/** Of one peer, at a time. A peer of good faith has no more answers on their way. */
const EARLY_MOST = 1000

/**
 * Those of the pairs of whom nothing is known here, but an answer may be on its way that says something: it comes too late. Of nobody
 * but our own users is anything asked.
 */
const earlyOnes = async (
  tx: Transaction,
  unknown: readonly ResourceAndUser[],
): Promise<readonly ResourceAndUser[]> => {
  if (unknown.length === 0) return []
  const people = await tx.people.find([...new Set(unknown.map(({ userId }) => userId))])
  return unknown.filter(({ userId }) => people.get(userId)?.organizationId !== undefined)
}

/** Withdrawals of one peer, in a minute, that take nothing back. Each leaves an entry, by which it is acknowledged. */
const EMPTY_MOST = 20
const PEERS_COUNTED = 1000

export interface QuietPeers {
  /** May this peer leave one more entry that says nothing? */
  take(domain: string, now: Instant): boolean
}

export const createQuietPeers = (): QuietPeers => {
  const counted = new Map<string, { readonly since: Instant; readonly times: number }>()
  return {
    take(domain, now) {
      if (counted.size >= PEERS_COUNTED) counted.clear()
      const before = counted.get(domain)
      const isNow = before !== undefined && Math.abs(now - before.since) < ON_ITS_WAY
      const { since, times } = isNow ? before : { since: now, times: 0 }
      counted.set(domain, { since, times: times + 1 })
      return times < EMPTY_MOST
    },
  }
}

export interface TakingBack {
  readonly own: string
  readonly peer: ProvenPeer
  readonly pairs: readonly ResourceAndUser[]
  readonly trackingId: PeerQuestion['trackingId']
}

/** The entry about it. */
export const takeBack = async (
  tx: Transaction,
  { own, peer, pairs, trackingId }: TakingBack,
  now: Instant,
  quiet: QuietPeers,
): Promise<Act | Refusal> => {
  const flood = refuse('federation.peer-floods', peer.domain)
  const known = await tx.copies.known(pairs)
  const live = pairs.filter((_, index) => known[index] !== undefined)
  if (live.length === 0 && !quiet.take(peer.domain, now)) return flood
  const early = await earlyOnes(
    tx,
    pairs.filter((_, index) => known[index] === undefined),
  )
  if (early.length > 0) {
    const left = await tx.copies.sweepWithdrawn(`kms://${peer.domain}`, before(now, ON_ITS_WAY))
    if (left + early.length > EARLY_MOST) return flood
  }
  const all = [...live, ...early]
  await tx.copies.withdraw(all, now)
  const uris = [...new Set(all.map(({ resourceUri }) => resourceUri))]
  const keys = uris.length === 0 ? [] : await tx.copies.dropUnread(`kms://${own}`, uris)
  return {
    action: 'peer.withdrawal-received',
    outcome: 'done',
    actor: { kind: 'peer', id: peer.domain },
    type: 'KEY_COLLECTION',
    keys,
    trackingId,
    details: { ...peer.connection, withdrawals: pairs.length },
  }
}
