// Erasure: what ties a person to their pseudonym is destroyed, so that the log's entries about them become
// anonymous while every proof of them still verifies. It never touches the log, and it refuses while the person
// can still reach something or somebody still has to be told of them by name.

import type { Act } from '../../audit/index.ts'
import type { UserId } from '../../id.ts'
import { type Refusal, refuse } from '../../refusal.ts'
import type { Instant } from '../../time.ts'
import type { Ledger } from '../corridor/ledger.ts'
import type { People } from '../corridor/people.ts'
import type { Transaction } from '../ports.ts'
import type { OffBoarding } from './off-boarded.ts'

/** What an erasure asks of the store, beside what it asks of every room of it. */
export interface ErasureStore {
  /** Is anything in which the person is named, or that they hold, still authorised? */
  isAuthorized(userId: UserId): Promise<boolean>
  /** Has a peer still to be told, by their id, that they may read no more? One that is blocked is told nothing. */
  isOwed(userId: UserId): Promise<boolean>
  /**
   * Destroys everything by which the store knows this person: the pseudonym, sessions with their answers, the
   * off-boarding, who made which key and resource, and answers told to others that name them. An answer to
   * others stays an answer (a repeat MUST NOT be done again) but becomes a refusal.
   */
  forget(userId: UserId): Promise<void>
}

interface ErasureFacts {
  readonly isKnown: boolean
  readonly isMachine: boolean
  readonly offBoarding: OffBoarding | undefined
  readonly isAuthorized: boolean
  readonly isOwed: boolean
}

/** Pure. The code says what is to be done first. */
const erasureRefusal = (facts: ErasureFacts): Refusal | undefined => {
  const { isKnown, isMachine, offBoarding, isAuthorized, isOwed } = facts
  if (isMachine) return refuse('erasure.machine-account')
  if (!isKnown) return refuse('erasure.unknown-person')
  if (offBoarding === undefined) return refuse('erasure.not-off-boarded')
  if (isAuthorized || offBoarding.finishedAt === undefined) {
    return refuse('erasure.still-authorized')
  }
  if (offBoarding.acknowledgedAt === undefined) return refuse('erasure.not-acknowledged')
  return isOwed ? refuse('erasure.withdrawals-owed') : undefined
}

const factsOf = async (tx: Transaction, userId: UserId): Promise<ErasureFacts> => ({
  isKnown: (await tx.people.find([userId])).has(userId),
  isMachine: (await tx.machines.among([userId])).size > 0,
  offBoarding: await tx.offBoardings.find(userId),
  isAuthorized: await tx.erasures.isAuthorized(userId),
  isOwed: await tx.erasures.isOwed(userId),
})

/** Names nobody, not even by pseudonym: whoever knows when somebody was erased would know them again by it. */
const entry = (refusal: Refusal | undefined): Act => ({
  action: 'person.erased',
  outcome: refusal === undefined ? 'done' : 'refused',
  actor: { kind: 'system' },
  type: 'DIRECTORY',
  ...(refusal === undefined ? {} : { code: refusal.refused }),
})

/**
 * Undefined once it is done and durable. What is forgotten may still stand in free space of the database's
 * files: `OpenStore.scrub` comes next.
 */
export const erasePerson = (
  ledger: Ledger,
  people: People,
  userId: UserId,
): Promise<Refusal | undefined> =>
  ledger.commit(async (tx: Transaction, _now: Instant) => {
    const refusal = erasureRefusal(await factsOf(tx, userId))
    if (refusal === undefined) {
      await tx.erasures.forget(userId)
      // Nobody else writes meanwhile; if this fails it is read again, that is all.
      people.forget(userId)
    }
    return { result: refusal, acts: [entry(refusal)] }
  })
