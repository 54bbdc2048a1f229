// From the words of a query to the hashes that the core compares: for each room the newest occurrences of its rarest
// word, filled up with decoys. No hash of a query will ever be used by a later message.

import { TokenInputs, tokensOf } from '../crypto/index.ts'
import { type Tokenizing, tokenizeHere } from './blind.ts'
import { decoysFor } from './noise.ts'
import { sortedHashes } from './posting-list.ts'
import {
  noiseInput,
  occurrenceInput,
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
const OCCURRENCES: Readonly<Record<QueryMode, number>> = { newest: FULL, complete: 64 * FULL }

interface Sought {
  readonly room: QueriedRoom
  readonly term: string
  readonly id: TermId
  readonly count: number
}

/** Full pages stay; the rest goes up to a power of two. */
const filledLength = (real: number): number => {
  const rest = real % FULL
  return rest === 0 ? real : real - rest + 2 ** Math.ceil(Math.log2(rest))
}

/** The rarest term says the most: messages without it cannot match. A term that never occurred is the rarest. */
const rarestOf = (
  rooms: readonly QueriedRoom[],
  terms: readonly (readonly string[])[],
  ids: readonly TermId[],
): readonly Sought[] => {
  let at = 0
  return rooms.flatMap((room, index) => {
    const found = (terms[index] ?? []).map((term, place): Sought => {
      const id = ids[at + place] ?? 0n
      return { room, term, id, count: room.counters.get(id) }
    })
    at += found.length
    const [first, ...others] = found
    if (first === undefined) return []
    return [others.reduce((best, each) => (each.count < best.count ? each : best), first)]
  })
}

/** An occurrence that is still to come is never asked for: the core would recognise it when it comes. */
const addPage = (
  inputs: TokenInputs,
  { room, term, id, count }: Sought,
  asked: QueryPage,
): boolean => {
  const size = OCCURRENCES[asked.mode]
  const newest = count - asked.page * size
  const oldest = Math.max(0, newest - size)
  const real = Math.max(0, newest - oldest)
  inputs.under(room.key)
  for (let occurrence = newest - 1; occurrence >= oldest; occurrence -= 1) {
    inputs.add(occurrenceInput(term, occurrence))
  }
  const isAbsent = count === 0 && asked.page === 0
  const decoys = isAbsent ? 1 : filledLength(real) - real
  for (const number of decoysFor(id, decoys, room.noise)) inputs.add(noiseInput(number))
  return oldest > 0
}

/** The computation behind `blindQuery`, for whoever makes tokens on other threads. */
export function* querying(rooms: readonly QueriedRoom[], asked: QueryPage): Tokenizing<BlindQuery> {
  const terms = rooms.map(({ words }) => [...new Set(words.flat())])
  const named = rooms.map(({ key }, index) => ({ key, terms: terms[index] ?? [] }))
  const ids = readTermIds(yield termIdInputs(named))
  const inputs = new TokenInputs()
  let more = false
  for (const sought of rarestOf(rooms, terms, ids)) more = addPage(inputs, sought, asked) || more
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
      inputs.add(occurrenceInput(terms[index] ?? '', occurrence))
    }
  }
  return tokensOf(inputs)
}
