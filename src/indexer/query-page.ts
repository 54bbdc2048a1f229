// From the words of a query to the hashes that the core compares: for each room the newest occurrences of its rarest
// word, filled up with decoys. No hash of a query will ever be used by a later message.

import { TokenInputs, tokensOf } from '../crypto/index.ts'
import { type Tokenizing, tokenizeHere } from './blind.ts'
import { decoysFor } from './noise.ts'
import { sortedHashes } from './posting-list.ts'
import {
  addNoise,
  addOccurrence,
  type RoomIndex,
  readTermIds,
  type TermId,
  termIdInputs,
  termIdsOf,
} from './terms.ts'

/** `newest`: 64 occurrences a page. `complete`: 4,096 a page, for whoever must see everything. */
export type QueryMode = 'newest' | 'complete'

export interface QueryPage {
  /** From 0, the newest. */
  readonly page: number
  readonly mode: QueryMode
}

/** One room that is searched: the words as terms of that room's language; a message must have all terms of all words. */
export interface QueriedRoom extends RoomIndex {
  readonly words: readonly (readonly string[])[]
}

export interface BlindQuery {
  /** Packed hashes of `TOKEN_BYTES`, real ones and decoys, sorted. */
  readonly hashes: Uint8Array
  /** Is there a further page in any of the rooms? */
  readonly more: boolean
}

const FULL = 64
/** Occurrences of a word on a page; with decoys there are never more hashes either. */
export const OCCURRENCES: Readonly<Record<QueryMode, number>> = {
  newest: FULL,
  complete: 64 * FULL,
}

/** One term in one room. */
interface Sought {
  readonly room: QueriedRoom
  readonly term: string
  id: TermId | undefined
}

/** Full pages stay; the rest goes up to a power of two. */
const filledLength = (real: number): number => {
  const rest = real % FULL
  return rest === 0 ? real : real - rest + 2 ** Math.ceil(Math.log2(rest))
}

/** The terms of each room, with those names that are remembered. Rooms of one language have the same words. */
const seek = (rooms: readonly QueriedRoom[]): readonly (readonly Sought[])[] => {
  const distinct = new Map<QueriedRoom['words'], readonly string[]>()
  return rooms.map((room) => {
    const terms = distinct.get(room.words) ?? [...new Set(room.words.flat())]
    distinct.set(room.words, terms)
    return terms.map((term) => ({ room, term, id: room.names?.get(term) }))
  })
}

/** Gives a name to each term that has none yet. Nothing is remembered: only indexing fills that memory, within its bounds. */
function* naming(rooms: readonly (readonly Sought[])[]): Tokenizing<void> {
  const unknown = rooms
    .map((terms) => terms.filter(({ id }) => id === undefined))
    .filter(({ length }) => length > 0)
  if (unknown.length === 0) return
  const named = unknown.flatMap((sought) => {
    const [first] = sought
    return first === undefined
      ? []
      : [{ key: first.room.key, terms: sought.map(({ term }) => term) }]
  })
  const ids = readTermIds(yield termIdInputs(named))
  for (const [index, sought] of unknown.flat().entries()) sought.id = ids[index] ?? 0
}

/** The rarest term says the most: messages without it cannot match. A term that never occurred is the rarest. */
const rarestOf = (terms: readonly Sought[]): (Sought & { count: number }) | undefined => {
  let rarest: Sought | undefined
  let least = Number.POSITIVE_INFINITY
  for (const each of terms) {
    const count = each.room.counters.get(each.id ?? 0)
    if (count >= least) continue
    least = count
    rarest = each
  }
  return rarest === undefined ? undefined : { ...rarest, count: least }
}

/** An occurrence that is still to come is never asked for: the core would recognise it when it comes. */
const addPage = (
  inputs: TokenInputs,
  { room, term, id = 0, count }: Sought & { count: number },
  asked: QueryPage,
): boolean => {
  const size = OCCURRENCES[asked.mode]
  const newest = count - asked.page * size
  const oldest = Math.max(0, newest - size)
  const real = Math.max(0, newest - oldest)
  inputs.under(room.key)
  for (let occurrence = newest - 1; occurrence >= oldest; occurrence -= 1) {
    addOccurrence(inputs, term, occurrence)
  }
  const isAbsent = count === 0 && asked.page === 0
  const decoys = isAbsent ? 1 : filledLength(real) - real
  for (const number of decoysFor(id, decoys, room.totals.noise)) addNoise(inputs, number)
  return oldest > 0
}

/** The computation behind `blindQuery`, for whoever makes tokens on other threads. */
export function* querying(rooms: readonly QueriedRoom[], asked: QueryPage): Tokenizing<BlindQuery> {
  const sought = seek(rooms)
  yield* naming(sought)
  const inputs = new TokenInputs()
  let more = false
  for (const terms of sought) {
    const rarest = rarestOf(terms)
    if (rarest !== undefined) more = addPage(inputs, rarest, asked) || more
  }
  return { hashes: sortedHashes(yield inputs), more }
}

/**
 * One list for all rooms. A word that never occurred in a room gets one decoy there, if the room has noise at all; a
 * query without words gets nothing. Repeated, it gives the same hashes as long as the room stays as it is.
 */
export const blindQuery = (rooms: readonly QueriedRoom[], asked: QueryPage): BlindQuery =>
  tokenizeHere(querying(rooms, asked))

/** All hashes that the terms have in this room, packed, by term and age: what only the holder of the key can know. */
export const occurrencesOf = (room: RoomIndex, terms: readonly string[]): Uint8Array => {
  const inputs = new TokenInputs().under(room.key)
  for (const [index, id] of termIdsOf([{ key: room.key, terms }]).entries()) {
    for (let occurrence = 0; occurrence < room.counters.get(id); occurrence += 1) {
      addOccurrence(inputs, terms[index] ?? '', occurrence)
    }
  }
  return tokensOf(inputs)
}
