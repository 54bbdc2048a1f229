// Somebody leaves the organisation: from one transaction on nothing they ask for is granted, whatever tokens,
// sessions or bearers they hold. Their authorizations go in bounded batches after it; they open nothing any more.

import type { Act } from '../../audit/index.ts'
import type { Random } from '../../crypto/index.ts'
import { Fault } from '../../fault.ts'
import type { UserId } from '../../id.ts'
import type { Uris } from '../../protocol/index.ts'
import type { Instant } from '../../time.ts'
import type { Authorization } from '../authorization.ts'
import type { Ledger } from '../corridor/ledger.ts'
import { keysGoStale } from '../joint/staleness.ts'
import type { Person } from '../person.ts'
import type { Store, Transaction } from '../ports.ts'
import type { OffBoarding } from './off-boarded.ts'

/** Authorizations removed in one transaction. */
const BATCH = 500

const SYSTEM = { kind: 'system' } as const

const knownPerson = async (
  tx: Transaction,
  userId: UserId,
  random: Random,
  now: Instant,
): Promise<Person> => {
  const known = (await tx.people.find([userId])).get(userId)
  if (known !== undefined) return known
  // Somebody who was never here may still hold a token that would be good tomorrow.
  const person = { userId, pseudonym: random.uuid(), firstSeenAt: now }
  await tx.people.remember([person])
  return person
}

/** One batch; `isLast` once nothing is left. */
const removeBatch = async (tx: Transaction, now: Instant, { userId, pseudonym }: Person) => {
  const named = await tx.authorizations.ofUser(userId, BATCH)
  // Whoever made an anonymous authorization has seen its bearer.
  const anonymous = await tx.authorizations.anonymousBy(userId, BATCH)
  const all = [...named, ...anonymous]
  await tx.authorizations.remove(all.map((one) => one.uri))
  const rooms = [...new Set(named.map((one) => one.resourceUri))]
  // The core may have them in a team's room too, where only the team is authorised.
  const left = await keysGoStale(tx, now, rooms, [userId])
  await tx.offBoardings.addRooms(userId, [...rooms, ...left])
  for (const { resourceUri, authId } of anonymous) {
    await keysGoStale(tx, now, [resourceUri], [authId])
  }
  const isLast = named.length < BATCH && anonymous.length < BATCH
  if (isLast) await tx.offBoardings.finish(userId, now)
  return { isLast, acts: all.map((one) => removed(one, pseudonym)) }
}

const removed = (one: Authorization, pseudonym: string): Act => ({
  action: 'authorization.removed',
  outcome: 'done',
  actor: SYSTEM,
  type: 'AUTHORIZATION',
  resource: one.resourceUri,
  authorizations: [one.uri],
  subjects: [one.kind === 'anonymous' ? one.authId : pseudonym],
})

export interface OffBoardingMeans {
  readonly random: Random
  readonly uris: Uris
}

/** What ends at once, with the entry that says so. */
const begin = async (
  tx: Transaction,
  now: Instant,
  person: Person,
  { home }: Uris,
): Promise<readonly Act[]> => {
  const { userId, pseudonym } = person
  const { sequence } = await tx.audit.head()
  await tx.people.markOffBoarded(userId, now)
  // The entry of this act comes next; off-boarding again leaves the first one standing.
  await tx.offBoardings.begin({ userId, sequence: sequence + 1, offBoardedAt: now })
  // Of what other realms gave for them nothing stays that nobody else here may read.
  const foreign = await tx.copies.withdrawUser(userId, now)
  const copies = await tx.copies.dropUnread(home, foreign)
  const sessions = await tx.sessions.endAll(userId)
  const keys = await tx.keys.destroyUnbound(userId)
  return [
    {
      action: 'person.off-boarded',
      outcome: 'done',
      actor: SYSTEM,
      type: 'DIRECTORY',
      subjects: [pseudonym],
      details: { sessions },
    },
    ...(keys.length + copies.length === 0 ? [] : [destroyed([...keys, ...copies], pseudonym)]),
  ]
}

const destroyed = (keys: readonly string[], pseudonym: string): Act => ({
  action: 'key.destroyed',
  outcome: 'done',
  actor: SYSTEM,
  type: 'KEY_COLLECTION',
  keys,
  subjects: [pseudonym],
})

/** Removes what is left of their authorizations, batch by batch; also after a process that began it died. */
export const finishOffBoarding = async (ledger: Ledger, userId: UserId): Promise<void> => {
  const once = () =>
    ledger.commit(async (tx, now) => {
      const person = (await tx.people.find([userId])).get(userId)
      if (person === undefined) throw new Fault('kms.unknown-person')
      const { isLast, acts } = await removeBatch(tx, now, person)
      return { result: isLast, acts }
    })
  while (!(await once()));
}

/**
 * Once the first transaction is durable, every request of this person is refused. Done again, it removes
 * what somebody else authorised them for since.
 */
export const offBoard = async (
  ledger: Ledger,
  { random, uris }: OffBoardingMeans,
  userId: UserId,
): Promise<void> => {
  const isLast = await ledger.commit(async (tx, now) => {
    const person = await knownPerson(tx, userId, random, now)
    const begun = await begin(tx, now, person, uris)
    const batch = await removeBatch(tx, now, person)
    return { result: batch.isLast, acts: [...begun, ...batch.acts] }
  })
  if (!isLast) await finishOffBoarding(ledger, userId)
}

/** The core has taken them out of its rooms. */
export const acknowledgeOffBoarding = (ledger: Ledger, userId: UserId): Promise<void> =>
  ledger.commit(async (tx, now) => {
    const offBoarding = await tx.offBoardings.find(userId)
    const isNews = offBoarding?.finishedAt !== undefined && offBoarding.acknowledgedAt === undefined
    if (!isNews) return { result: undefined, acts: [] }
    await tx.offBoardings.acknowledge(userId, now)
    const person = (await tx.people.find([userId])).get(userId)
    return {
      result: undefined,
      acts: [
        {
          action: 'off-boarding.acknowledged',
          outcome: 'done',
          actor: SYSTEM,
          type: 'DIRECTORY',
          subjects: [person?.pseudonym ?? 'unknown'],
        },
      ],
    }
  })

export interface PendingOffBoarding {
  readonly offBoarding: OffBoarding
  readonly resourceUris: readonly string[]
}

/** What the core has not acknowledged, oldest first; finishes first what a dead process left half done. */
export const pendingOffBoardings = async (
  store: Store,
  ledger: Ledger,
  limit: number,
): Promise<readonly PendingOffBoarding[]> => {
  const pending = await store.read((tx) => tx.offBoardings.pending(limit))
  for (const { userId, finishedAt } of pending) {
    if (finishedAt === undefined) await finishOffBoarding(ledger, userId)
  }
  return Promise.all(
    pending.map(async (offBoarding) => ({
      offBoarding,
      resourceUris: await store.read((tx) => tx.offBoardings.rooms(offBoarding.userId)),
    })),
  )
}
