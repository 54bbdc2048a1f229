// The core's rosters, compared with the authorizations: who is in one and not in the other is recorded once
// when it begins and once when it ends. The realm changes nothing by it; what differs is for people to judge.

import type { Act } from '../../audit/index.ts'
import type { RoomRoster, RostersFrame } from '../../boundary/index.ts'
import type { Random } from '../../crypto/index.ts'
import { parseUserId, type UserId } from '../../id.ts'
import type { Uris } from '../../protocol/index.ts'
import { before, type Duration, type Instant } from '../../time.ts'
import type { Ledger } from '../corridor/ledger.ts'
import type { Store, Transaction } from '../ports.ts'
import type { Drift, StoredDrift } from './roster.ts'
import { driftsOf, isSettled, loadRooms, without } from './roster-drift.ts'

/** A larger core is not compared at all, rather than in part; one that invents rooms and people fills no memory. */
const ROOMS_COMPARED = 100_000
const MEMBERS_COMPARED = 2_000_000
/** More differences at a time are not recorded one by one: the alarm is loud enough, and a core could invent them. */
const DRIFTS_RECORDED = 10_000
const ROOMS_AT_ONCE = 200
const ROOMS_READ = 1000

export interface RosterMeans {
  readonly store: Store
  readonly ledger: Ledger
  readonly uris: Uris
  readonly random: Random
  readonly now: () => Instant
  /** Rooms that changed so recently are left for the next time: the core may not have finished its half. */
  readonly settleFor: Duration
}

export interface RosterResult {
  readonly rooms: number
  readonly began: number
  readonly ended: number
  readonly standing: number
  /** Rooms where people share keys, and that the core did not name. */
  readonly unlisted: number
}

const actsOf = (
  action: string,
  drifts: readonly Drift[],
  pseudonyms: ReadonlyMap<string, string>,
): readonly Act[] =>
  [...Map.groupBy(drifts, ({ resourceUri, side }) => `${resourceUri} ${side}`).values()].flatMap(
    (group) => {
      const [first] = group
      if (first === undefined) return []
      return {
        action,
        outcome: 'done',
        actor: { kind: 'system' },
        type: 'RESOURCE',
        resource: first.resourceUri,
        subjects: group.map(({ subject }) => pseudonyms.get(subject) ?? subject),
        details: { side: first.side },
      } as const
    },
  )

/** Nobody's id goes into the log: who has no pseudonym yet gets one. */
const pseudonymsOf = async (
  tx: Transaction,
  drifts: readonly Drift[],
  random: Random,
  now: Instant,
): Promise<ReadonlyMap<string, string>> => {
  const ids = new Set<UserId>(drifts.flatMap(({ subject }) => parseUserId(subject) ?? []))
  const known = await tx.people.find([...ids])
  const fresh = [...ids]
    .filter((id) => !known.has(id))
    .map((userId) => ({ userId, pseudonym: random.uuid(), firstSeenAt: now }))
  await tx.people.remember(fresh)
  return new Map([...known.values(), ...fresh].map((one) => [one.userId, one.pseudonym]))
}

interface Changes {
  readonly began: readonly Drift[]
  readonly ended: readonly Drift[]
}

const recordChanges = ({ ledger, random }: RosterMeans, { began, ended }: Changes): Promise<void> =>
  ledger.commit(async (tx, now) => {
    await tx.rosters.insert(began.map((drift) => ({ ...drift, since: now })))
    await tx.rosters.remove(ended)
    const pseudonyms = await pseudonymsOf(tx, [...began, ...ended], random, now)
    return {
      result: undefined,
      acts: [
        ...actsOf('roster.drifted', began, pseudonyms),
        ...actsOf('roster.settled', ended, pseudonyms),
      ],
    }
  })

/** Compares some rooms; what is not settled keeps what was recorded of it. At most `room` differences begin. */
const compareSome = async (
  means: RosterMeans,
  rosters: readonly RoomRoster[],
  room: number,
): Promise<Changes> => {
  const now = means.now()
  const changes = await means.store.read(async (tx) => {
    const rooms = await loadRooms(tx, rosters, means.uris)
    const settled = rooms.filter((room) => isSettled(room, before(now, means.settleFor)))
    const found = await driftsOf(tx, settled, means.uris, now)
    const stored = await tx.rosters.drifts(settled.map(({ uri }) => uri))
    return { began: without(found, stored).slice(0, room), ended: without(stored, found) }
  })
  if (changes.began.length + changes.ended.length > 0) await recordChanges(means, changes)
  return changes
}

/** Differences of rooms that the core named once. */
const standingOf = async ({ store }: RosterMeans): Promise<readonly StoredDrift[]> =>
  (await store.read((tx) => tx.rosters.drifts())).filter(({ side }) => side !== 'unlisted')

/** What the core leaves out is not compared: a core that hides a room must not look as if all were well. */
const unlistedIn = async (
  { store, now, settleFor }: RosterMeans,
  rosters: ReadonlyMap<string, RoomRoster>,
): Promise<readonly Drift[]> => {
  const unlisted: Drift[] = []
  for (let after = ''; ; ) {
    const page = { after, settled: before(now(), settleFor), now: now(), limit: ROOMS_READ }
    const uris = await store.read((tx) => tx.rosters.shared(page))
    for (const uri of uris) {
      if (!rosters.has(uri)) unlisted.push({ resourceUri: uri, side: 'unlisted', subject: uri })
    }
    after = uris.at(-1) ?? ''
    if (uris.length < ROOMS_READ || unlisted.length >= DRIFTS_RECORDED) return unlisted
  }
}

/** Records which began to be left out and which are so no more. */
const compareUnlisted = async (
  means: RosterMeans,
  rosters: ReadonlyMap<string, RoomRoster>,
): Promise<number> => {
  const found = await unlistedIn(means, rosters)
  const all = await means.store.read((tx) => tx.rosters.drifts())
  const stored = all.filter(({ side }) => side === 'unlisted')
  const room = Math.max(0, DRIFTS_RECORDED - all.length)
  const began = without(found, stored).slice(0, room)
  const ended = without(stored, found)
  if (began.length + ended.length > 0) await recordChanges(means, { began, ended })
  return stored.length + began.length - ended.length
}

const compareAll = async (
  means: RosterMeans,
  rosters: ReadonlyMap<string, RoomRoster>,
): Promise<RosterResult> => {
  const list = [...rosters.values()]
  const before = await means.store.read((tx) => tx.rosters.countDrifts())
  let [began, ended] = [0, 0]
  for (let from = 0; from < list.length; from += ROOMS_AT_ONCE) {
    const room = Math.max(0, DRIFTS_RECORDED - before - began)
    const changes = await compareSome(means, list.slice(from, from + ROOMS_AT_ONCE), room)
    began += changes.began.length
    ended += changes.ended.length
  }
  const unlisted = await compareUnlisted(means, rosters)
  const standing = await standingOf(means)
  // Rooms that the core no longer has cannot differ from it.
  const gone = standing.filter(({ resourceUri }) => !rosters.has(resourceUri))
  if (gone.length > 0) await recordChanges(means, { began: [], ended: gone })
  const rooms = rosters.size
  await means.ledger.commit(async (tx, now) => {
    await tx.rosters.checked({ checkedAt: now, rooms })
    return { result: undefined, acts: [] }
  })
  return {
    rooms,
    began,
    ended: ended + gone.length,
    standing: standing.length - gone.length,
    unlisted,
  }
}

/** Pages so far. */
interface Taken {
  readonly rooms: Map<string, RoomRoster>
  members: number
  isTooMuch: boolean
}

const nothingTaken = (): Taken => ({ rooms: new Map(), members: 0, isTooMuch: false })

const addRoom = (taken: Taken, room: RoomRoster): void => {
  const { rooms } = taken
  taken.members += room.members.length
  taken.isTooMuch ||= rooms.size >= ROOMS_COMPARED || taken.members > MEMBERS_COMPARED
  if (taken.isTooMuch) rooms.clear()
  else rooms.set(room.resourceUri, room)
}

export interface Rosters {
  /** One page; resolves with the result of the comparison after the last, or without if one is still at work. */
  take(page: RostersFrame): Promise<RosterResult | 'too-many-rooms' | undefined>
  /** Forgets the pages taken so far: the line that brought them is gone. */
  forget(): void
}

export const createRosters = (means: RosterMeans): Rosters => {
  let taken = nothingTaken()
  let isComparing = false
  return {
    async take(page) {
      for (const room of page.rooms) addRoom(taken, room)
      if (page.more === true) return undefined
      const { rooms, isTooMuch } = taken
      taken = nothingTaken()
      if (isTooMuch) return 'too-many-rooms'
      // The core says it all again in a while; what comes faster than it can be compared is not kept.
      if (isComparing) return undefined
      isComparing = true
      return await compareAll(means, rooms).finally(() => {
        isComparing = false
      })
    },
    forget() {
      taken = nothingTaken()
    },
  }
}
