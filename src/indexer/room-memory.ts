// Rooms' search keys, prepared, and their counters: a bounded memory in front of the store. A key that nobody used for a
// while is wiped, and so is everything when the realm is locked.

import { prepareTokenKey, type TokenKey } from '../crypto/index.ts'
import type { Keyring, SearchKey } from '../kms/index.ts'
import { before, type Duration, type Instant } from '../time.ts'
import { type Language, parseLanguage } from '../words/index.ts'
import { CounterTable, decodeCounters } from './counter-table.ts'
import type { CounterPart, IndexedStore } from './ports.ts'
import { NOTHING_YET, type RoomIndex, type RoomTotals, type TermId, TermNames } from './terms.ts'

/** One search key with all that is counted under it. */
export interface OpenRoom extends RoomIndex {
  readonly searchKey: SearchKey
  readonly key: TokenKey
  readonly counters: CounterTable
  readonly names: TermNames
  totals: RoomTotals
  readonly language: Language
  /** Pieces of its counters in the store, and their size beyond the first. */
  parts: number
  addedBytes: number
  /** What of the memory it was last found to take. */
  heldBytes: number
  lastUsed: Instant
}

export interface MemoryLimits {
  readonly bytes: number
  /** How long an unused key stays open. */
  readonly keptFor: Duration
}

export interface MemoryParts {
  readonly store: IndexedStore
  readonly keyring: Keyring
  readonly now: () => Instant
  readonly limits: MemoryLimits
  /** Lets others have the thread for a moment. */
  readonly pause: () => Promise<void>
}

const ROOMS_AT_ONCE = 500
/** What a room costs besides its counters. */
const ROOM_BYTES = 1024

export class RoomMemory {
  readonly #parts: MemoryParts
  /** Those used last are at the end. */
  readonly #rooms = new Map<number, OpenRoom>()
  #bytes = 0
  /** Changes with each `forget`, so that what was being loaded meanwhile is not kept. */
  #age = 0

  constructor(parts: MemoryParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#rooms.size
  }

  /** Those of the keys that are not destroyed. Throws a Fault `kms.locked` and its like. */
  async open(ids: readonly number[]): Promise<ReadonlyMap<number, OpenRoom>> {
    const opened = new Map<number, OpenRoom>()
    const missing: number[] = []
    const now = this.#parts.now()
    for (const id of ids) {
      const room = this.#rooms.get(id)
      if (room === undefined) missing.push(id)
      else {
        this.#touch(room, now)
        opened.set(id, room)
      }
    }
    for (let from = 0; from < missing.length; from += ROOMS_AT_ONCE) {
      if (from > 0) await this.#parts.pause()
      const rooms = await this.#load(missing.slice(from, from + ROOMS_AT_ONCE))
      for (const room of rooms) opened.set(room.searchKey.id, room)
    }
    return opened
  }

  /** What the store holds now may differ: it is read again before it is used. Their keys are wiped. */
  forget(ids: readonly number[]): void {
    this.#age += 1
    for (const id of ids) this.#drop(id)
  }

  forgetAll(): void {
    this.forget([...this.#rooms.keys()])
  }

  /** Wipes what was not used lately. */
  tidy(): void {
    const limit = before(this.#parts.now(), this.#parts.limits.keptFor)
    for (const [id, room] of this.#rooms) {
      if (room.lastUsed > limit) return
      this.#drop(id)
    }
  }

  #touch(room: OpenRoom, now: Instant): void {
    room.lastUsed = now
    this.#rooms.delete(room.searchKey.id)
    this.#rooms.set(room.searchKey.id, room)
  }

  #drop(id: number): void {
    const room = this.#rooms.get(id)
    if (room === undefined) return
    this.#rooms.delete(id)
    this.#bytes -= room.heldBytes
    room.key.wipe()
  }

  async #load(ids: readonly number[]): Promise<readonly OpenRoom[]> {
    const age = this.#age
    const { keys, parts } = await this.#parts.store.read(async (tx) => ({
      keys: await tx.searchKeys.find(ids),
      parts: Map.groupBy(await tx.index.counters(ids), (part) => part.searchKeyId),
    }))
    const rooms = [...keys.values()].map((key) => this.#openRoom(key, parts.get(key.id) ?? []))
    if (age === this.#age) for (const room of rooms) this.#keep(room)
    return rooms
  }

  #openRoom(searchKey: SearchKey, parts: readonly CounterPart[]): OpenRoom {
    const { keyring, now } = this.#parts
    const counters = new CounterTable()
    let totals = NOTHING_YET
    for (const { uri, wrapped } of parts) {
      const opened = keyring.unwrap(uri, wrapped)
      totals = decodeCounters(opened.expose(), counters)
      opened.wipe()
    }
    const secret = keyring.unwrap(searchKey.uri, searchKey.wrapped)
    const key = prepareTokenKey(secret)
    secret.wipe()
    const addedBytes = parts.slice(1).reduce((sum, { wrapped }) => sum + wrapped.bytes.length, 0)
    const language = parseLanguage(searchKey.language) ?? 'english'
    const heldBytes = ROOM_BYTES + counters.bytes
    const counted = { counters, totals, parts: parts.length, addedBytes, heldBytes }
    return { searchKey, key, names: new TermNames(), ...counted, language, lastUsed: now() }
  }

  #keep(room: OpenRoom): void {
    // Loaded twice at once: the first stays, so that there is one table that is counted on.
    if (this.#rooms.has(room.searchKey.id)) return
    this.#rooms.set(room.searchKey.id, room)
    this.#bytes += room.heldBytes
    for (const [id, oldest] of this.#rooms) {
      if (this.#bytes <= this.#parts.limits.bytes || id === room.searchKey.id) return
      // Somebody may be using its key at this moment, so it is left to be collected, not wiped.
      this.#rooms.delete(id)
      this.#bytes -= oldest.heldBytes
    }
  }

  /** New counts, once they are durable. */
  count(room: OpenRoom, counted: ReadonlyMap<TermId, number>, totals: RoomTotals): void {
    const { id } = room.searchKey
    const isKept = this.#rooms.get(id) === room
    // Read by somebody else meanwhile, before these counts were there.
    if (!isKept) this.forget([id])
    for (const [term, count] of counted) room.counters.set(term, count)
    room.totals = totals
    const heldBefore = room.heldBytes
    room.heldBytes = ROOM_BYTES + room.counters.bytes + room.names.bytes
    if (isKept) this.#bytes += room.heldBytes - heldBefore
  }
}
