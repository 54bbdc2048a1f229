// A realm takes back what it said of its own resources, and of no other's: what is known here of our users goes, and copies that nobody
// may read any more. Losing access is never refused; but what was never said cannot be taken back, and leaves nothing here.

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

export interface TakenBack {
  readonly own: string
  readonly peer: ProvenPeer
  readonly pairs: readonly ResourceAndUser[]
  readonly trackingId: PeerQuestion['trackingId']
}

/** The entry about it, if it changed anything. */
export const takeBack = async (
  tx: Transaction,
  { own, peer, pairs, trackingId }: TakenBack,
  now: Instant,
): Promise<readonly Act[] | Refusal> => {
  const known = await tx.copies.known(pairs)
  const live = pairs.filter((_, index) => known[index] !== undefined)
  const early = await earlyOnes(
    tx,
    pairs.filter((_, index) => known[index] === undefined),
  )
  if (early.length > 0) {
    const left = await tx.copies.sweepWithdrawn(`kms://${peer.domain}`, before(now, ON_ITS_WAY))
    if (left + early.length > EARLY_MOST) return refuse('federation.peer-floods', peer.domain)
  }
  const all = [...live, ...early]
  if (all.length === 0) return []
  await tx.copies.withdraw(all, now)
  const uris = [...new Set(all.map(({ resourceUri }) => resourceUri))]
  const keys = await tx.copies.dropUnread(`kms://${own}`, uris)
  return [
    {
      action: 'peer.withdrawal-received',
      outcome: 'done',
      actor: { kind: 'peer', id: peer.domain },
      type: 'KEY_COLLECTION',
      keys,
      trackingId,
      details: { ...peer.connection, withdrawals: all.length },
    },
  ]
}
