// Some events of the feed become lists of hashes: which rooms and keys, judged and recorded; opened, cut, hashed; then
// lists, counters and how far was read, in one transaction. Killed anywhere, it has happened wholly or not at all.

import type { Act } from '../audit/index.ts'
import type { FeedEvent } from '../boundary/index.ts'
import type { Random } from '../crypto/index.ts'
import type { KeyUri, ResourceUri } from '../id.ts'
import {
  type AdmittedRoom,
  admitToIndex,
  type IndexWish,
  type Keyring,
  type WordRules,
} from '../kms/index.ts'
import type { Uris } from '../protocol/index.ts'
import type { Instant } from '../time.ts'
import { type Blinded, blinding, type Tokenizing } from './blind.ts'
import { encodeCounters } from './counter-table.ts'
import type { CounterPart, IndexLedger, IndexTransaction, Posting } from './ports.ts'
import {
  newestVersions,
  type OpenKey,
  openingKeys,
  openMessage,
  type ReadEvent,
  readEvent,
  revisionOf,
} from './reading.ts'
import type { OpenRoom, RoomMemory } from './room-memory.ts'
import type { TermId } from './terms.ts'

/** Why a message was not indexed. `waiting`: one of its keys is not known yet. */
export const SKIPPED = ['malformed', 'room', 'waiting', 'unreadable'] as const
export type Skipped = (typeof SKIPPED)[number]

export interface BatchMeans {
  readonly ledger: IndexLedger
  readonly memory: RoomMemory
  readonly keyring: Keyring
  readonly random: Random
  readonly uris: Uris
  readonly rules: WordRules
  /** Makes tokens, on whatever thread. */
  readonly tokenize: <Result>(work: Tokenizing<Result>) => Promise<Result>
  readonly pause: () => Promise<void>
}

export interface BatchResult {
  readonly indexed: number
  readonly skipped: Readonly<Record<Skipped, number>>
  /** Of messages with a key that nobody knows yet: where they stand in the feed. */
  readonly waiting: ReadonlyMap<ResourceUri, readonly number[]>
  /** Rooms with so many search keys that one should take the place of all. */
  readonly crowded: ReadonlyMap<ResourceUri, number>
}

/** What else is written in the transaction of the lists: how far was read. */
export type Closing = (tx: IndexTransaction, now: Instant, result: BatchResult) => Promise<void>

/** More search keys than this in one room are too many for each query. */
const KEYS_MOST = 8
/** A room's counters are put together once they are in so many pieces, and half of them in later ones. */
const PARTS_MOST = 16
/** Text opened before others get the thread. */
const CHARS_AT_ONCE = 128 * 1024

/** Messages of one room, opened and cut. */
interface RoomWork {
  readonly resourceUri: ResourceUri
  readonly room: OpenRoom
  readonly terms: (readonly string[])[]
  /** In the order of `terms`. */
  readonly posted: ReadEvent[]
  readonly gone: readonly ReadEvent[]
  unreadable: number
}

interface RoomDone {
  readonly work: RoomWork
  readonly blinded: Blinded
  readonly postings: readonly Posting[]
  readonly part: CounterPart
  readonly isWhole: boolean
}

const wishesOf = (events: readonly ReadEvent[]): readonly IndexWish[] => {
  const rooms = new Map<ResourceUri, Set<KeyUri>>()
  for (const { resourceUri, parts } of events) {
    const keys = rooms.get(resourceUri) ?? new Set()
    rooms.set(resourceUri, keys)
    for (const { keyUri } of parts) keys.add(keyUri)
  }
  return [...rooms].map(([resourceUri, keyUris]) => ({ resourceUri, keyUris }))
}

const isWaiting = (event: ReadEvent, { refused }: AdmittedRoom): boolean =>
  event.parts.some(({ keyUri }) => refused.get(keyUri) === 'kms.unknown-key')

export class Batch {
  readonly #means: BatchMeans
  readonly #isLastTry: boolean
  readonly #skipped: Record<Skipped, number> = { malformed: 0, room: 0, waiting: 0, unreadable: 0 }
  readonly #waiting = new Map<ResourceUri, number[]>()

  /** `isLastTry`: what has no key now will not get one; the rest of its message is indexed. */
  constructor(means: BatchMeans, isLastTry = false) {
    this.#means = means
    this.#isLastTry = isLastTry
  }

  /** Rejects with a Fault of the store or of a lock; nothing has happened then. */
  async run(events: readonly FeedEvent[], close: Closing): Promise<BatchResult> {
    const { ledger, uris, memory } = this.#means
    const fit = events.flatMap((event) => readEvent(event, uris) ?? [])
    this.#skipped.malformed = events.length - fit.length
    const read = newestVersions(fit)
    const wishes = wishesOf(read)
    const admitted =
      wishes.length === 0
        ? new Map<ResourceUri, AdmittedRoom>()
        : await ledger.commit((tx, now) => admitToIndex(tx, this.#means, wishes, now))
    const done: RoomDone[] = []
    const byRoom = Map.groupBy(read, ({ resourceUri }) => resourceUri)
    const rooms = await memory.open([...admitted.values()].map((one) => one.searchKeys[0].id))
    for (const [resourceUri, own] of byRoom) {
      const permitted = admitted.get(resourceUri)
      const room = permitted === undefined ? undefined : rooms.get(permitted.searchKeys[0].id)
      if (permitted === undefined || room === undefined) this.#skipped.room += own.length
      else done.push(await this.#blind(await this.#open(own, permitted, room)))
    }
    return this.#commit(done, admitted, close)
  }

  async #open(
    events: readonly ReadEvent[],
    admitted: AdmittedRoom,
    room: OpenRoom,
  ): Promise<RoomWork> {
    const { resourceUri } = room.searchKey
    const gone = events.filter(({ kind }) => kind === 'deleted')
    const work: RoomWork = { resourceUri, room, terms: [], posted: [], gone, unreadable: 0 }
    const openKeys = () => openingKeys(admitted.keys, this.#means.keyring)
    let keyOf = openKeys()
    let chars = 0
    for (const event of events) {
      if (event.kind === 'deleted') continue
      if (!this.#isLastTry && isWaiting(event, admitted)) {
        this.#wait(event)
        continue
      }
      this.#openOne(event, keyOf, work)
      chars += event.parts.reduce((sum, { sealed }) => sum + sealed.length, 0)
      if (chars < CHARS_AT_ONCE) continue
      chars = 0
      await this.#means.pause()
      keyOf = openKeys()
    }
    return work
  }

  #wait({ resourceUri, seq }: ReadEvent): void {
    this.#skipped.waiting += 1
    const places = this.#waiting.get(resourceUri)
    if (places === undefined) this.#waiting.set(resourceUri, [seq])
    else places.push(seq)
  }

  #openOne(event: ReadEvent, keyOf: OpenKey, work: RoomWork): void {
    const { terms, unread } = openMessage(event.parts, keyOf, work.room.language)
    const unreadable = unread + event.foreignParts
    if (unreadable > 0) work.unreadable += 1
    // Nothing of it opened: what the core has of an earlier version is better than noise.
    if (unreadable > 0 && unread === event.parts.length) {
      this.#skipped.unreadable += 1
      return
    }
    work.terms.push(terms)
    work.posted.push(event)
  }

  async #blind(work: RoomWork): Promise<RoomDone> {
    const { room, resourceUri } = work
    const blinded = await this.#means.tokenize(blinding(room, work.terms))
    const { id, uri, organizationId } = room.searchKey
    const posting = ({ messageId, version }: ReadEvent, hashes: Uint8Array): Posting => ({
      ...{ resourceUri, messageId, hashes },
      revision: revisionOf(version, id),
    })
    const postings = [
      ...work.posted.map((event, index) =>
        posting(event, blinded.lists[index] ?? new Uint8Array(0)),
      ),
      ...work.gone.map((event) => posting(event, new Uint8Array(0))),
    ]
    const isWhole =
      room.parts >= PARTS_MOST && room.addedBytes * 2 > encodedBytes(room.counters.size)
    const counts = isWhole ? merged(room, blinded) : blinded.counted
    const partUri = `${uri}/counters/${this.#means.random.uuid()}`
    const bytes = encodeCounters(blinded.totals, counts)
    const wrapped = this.#means.keyring.wrap(organizationId, 'search', partUri, bytes)
    return { work, blinded, postings, part: { searchKeyId: id, uri: partUri, wrapped }, isWhole }
  }

  async #commit(
    all: readonly RoomDone[],
    admitted: ReadonlyMap<ResourceUri, AdmittedRoom>,
    close: Closing,
  ): Promise<BatchResult> {
    const ids = all.map(({ part }) => part.searchKeyId)
    try {
      const result = await this.#means.ledger.commit(async (tx, now) => {
        // A room that was left while its messages were read is not indexed after all.
        const alive = await tx.searchKeys.find(ids)
        const done = all.filter(({ part }) => alive.has(part.searchKeyId))
        await save(tx, done, now)
        const counted = this.#result(done, admitted)
        await close(tx, now, counted)
        return { result: counted, acts: actsOf(done, admitted, counted) }
      })
      for (const one of all.filter(isCounting)) this.#count(one)
      return result
    } catch (fault) {
      // Whether it happened or not, the store knows.
      this.#means.memory.forget(ids)
      throw fault
    }
  }

  #count({ work: { room }, blinded, part, isWhole }: RoomDone): void {
    this.#means.memory.count(room, blinded.counted, blinded.totals)
    const isFirst = isWhole || room.parts === 0
    room.parts = isFirst ? 1 : room.parts + 1
    room.addedBytes = isFirst ? 0 : room.addedBytes + part.wrapped.bytes.length
  }

  #result(
    done: readonly RoomDone[],
    admitted: ReadonlyMap<ResourceUri, AdmittedRoom>,
  ): BatchResult {
    const crowded = [...admitted].flatMap(([uri, { searchKeys }]) =>
      searchKeys.length > KEYS_MOST ? [[uri, searchKeys[0].id] as const] : [],
    )
    const indexed = done.reduce((sum, { postings }) => sum + postings.length, 0)
    const skipped = { ...this.#skipped }
    return { indexed, skipped, waiting: this.#waiting, crowded: new Map(crowded) }
  }
}

/** A room of which nothing was hashed counts nothing either. */
const isCounting = ({ work }: RoomDone): boolean => work.posted.length > 0

const encodedBytes = (terms: number): number => 24 + 12 * terms

const merged = ({ counters }: OpenRoom, { counted }: Blinded): ReadonlyMap<TermId, number> =>
  new Map([...counters, ...counted])

const save = async (
  tx: IndexTransaction,
  done: readonly RoomDone[],
  now: Instant,
): Promise<void> => {
  await tx.index.enqueue(done.flatMap(({ postings }) => postings))
  const counting = done.filter(isCounting)
  const whole = counting.filter(({ isWhole }) => isWhole)
  await tx.index.removeCounters(whole.map(({ part }) => part.searchKeyId))
  await tx.index.addCounters(counting.map(({ part }) => part))
  const wraps = Map.groupBy(counting, ({ part }) => part.wrapped.keyEncryptionKeyId)
  for (const [id, list] of wraps) await tx.keyring.countWraps(id, list.length)
  await tx.index.countMessages(
    done.map(({ work, postings }) => ({
      resourceUri: work.resourceUri,
      messages: postings.length,
    })),
    now,
  )
}

const SYSTEM = { kind: 'system' } as const

/** Counts, never words: what was indexed in all rooms, and what of a room could not be read. */
const actsOf = (
  done: readonly RoomDone[],
  admitted: ReadonlyMap<ResourceUri, AdmittedRoom>,
  { indexed, skipped }: BatchResult,
): readonly Act[] => {
  const unreadable = done.flatMap(({ work: { resourceUri, unreadable: messages } }): Act[] =>
    messages === 0
      ? []
      : [
          {
            action: 'index.unreadable',
            outcome: 'refused',
            code: 'indexer.not-opened',
            actor: SYSTEM,
            type: 'MESSAGE',
            resource: resourceUri,
            details: { messages },
          },
        ],
  )
  if (admitted.size === 0) return unreadable
  const details = { messages: indexed, rooms: done.length, waiting: skipped.waiting }
  const act: Act = {
    ...{ action: 'messages.indexed', outcome: 'done', actor: SYSTEM, type: 'MESSAGE' },
    details,
  }
  return [...unreadable, act]
}
