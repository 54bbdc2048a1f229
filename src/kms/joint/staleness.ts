// After somebody was removed, what they hold of a room's keys must not protect anything new: its keys are
// stale until a new one is bound. Said of every room in which they can no longer read, also through others.

import type { AuthId, ResourceUri } from '../../id.ts'
import type { Instant } from '../../time.ts'
import type { Transaction } from '../ports.ts'

/** Beyond so many pairs of room and person nobody is asked about singly, and all the rooms count as stale. */
const PAIRS_ASKED = 10_000

/**
 * To be called once `authIds` have been removed from these resources; in doubt a room counts as stale. Answers the
 * rooms that do now, those included that were read through one of these.
 */
export const keysGoStale = async (
  tx: Transaction,
  now: Instant,
  uris: readonly ResourceUri[],
  authIds: readonly AuthId[],
): Promise<readonly ResourceUri[]> => {
  if (uris.length === 0 || authIds.length === 0) return []
  await tx.resources.rosterChanged(uris, now)
  const rooms = await tx.authorizations.containing(uris, now)
  await withdrawCopies(tx, now, rooms)
  const stale =
    rooms.length * authIds.length > PAIRS_ASKED ? rooms : await leftBy(tx, now, rooms, authIds)
  if (stale.length === 0) return []
  await tx.resources.markStale(stale, now)
  await tx.searchKeys.retire(stale, now)
  return stale
}

/**
 * To be called once resources have ended whose people were in these rooms by way of them: who that was can be asked no more, so that
 * every one of the rooms counts as stale.
 */
export const waysEnded = async (
  tx: Transaction,
  now: Instant,
  rooms: readonly ResourceUri[],
): Promise<void> => {
  if (rooms.length === 0) return
  await withdrawCopies(tx, now, rooms)
  await tx.resources.markStale(rooms, now)
  await tx.searchKeys.retire(rooms, now)
}

/** Peers that hold keys of these rooms for users who can read there no more, or of rooms that are gone: they are to let go of them. */
export const withdrawCopies = async (
  tx: Transaction,
  now: Instant,
  rooms: readonly ResourceUri[],
): Promise<void> => {
  const holders = await tx.copies.holdersOf(rooms)
  if (holders.length === 0) return
  const pairs = holders.map(({ resourceUri, userId }) => ({ resourceUri, authId: userId }))
  const reached = await tx.authorizations.reach(pairs, now)
  const gone = holders.filter((_, index) => reached[index] !== true)
  await tx.copies.removeHolders(gone)
  await tx.debts.owe(gone.map((one) => ({ ...one, since: now, dueAt: now, attempts: 0 })))
}

/** Those of the rooms in which one of them is not authorised any more, by whatever way. */
const leftBy = async (
  tx: Transaction,
  now: Instant,
  rooms: readonly ResourceUri[],
  authIds: readonly AuthId[],
): Promise<readonly ResourceUri[]> => {
  const pairs = rooms.flatMap((resourceUri) => authIds.map((authId) => ({ resourceUri, authId })))
  const reached = await tx.authorizations.reach(pairs, now)
  return [
    ...new Set(
      pairs.flatMap(({ resourceUri }, index) => (reached[index] === true ? [] : [resourceUri])),
    ),
  ]
}
