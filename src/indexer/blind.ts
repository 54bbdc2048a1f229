// From the terms of messages to what the core stores: each occurrence of a term gets a hash that has never been used and
// never will be, so that the core holds nothing but uniform random strings. Noise fills each list to one of few lengths.

import { TOKEN_BYTES, TokenInputs, type TokenWorkers, tokensOf } from '../crypto/index.ts'
import { paddedLength } from './noise.ts'
import { sortedHashes } from './posting-list.ts'
import {
  noiseInput,
  occurrenceInput,
  type RoomIndex,
  readTermIds,
  type TermId,
  termIdInputs,
} from './terms.ts'

/** What came of some messages, to be stored together: the lists to send, and where counting goes on. */
export interface Blinded {
  /** One for each message, in their order: packed hashes of `TOKEN_BYTES`, padded with noise, sorted. */
  readonly lists: readonly Uint8Array[]
  /** New values of those counters that changed. */
  readonly counted: ReadonlyMap<TermId, number>
  /** How many noise hashes the room has made now. */
  readonly noise: number
}

/** The distinct terms of a message, each of at most 40 bytes and without control characters. */
export type MessageTerms = readonly string[]

/**
 * A computation that needs tokens: it hands out inputs and goes on with their tokens, so that it does not matter on
 * which thread they are made. Whoever makes them wipes the inputs.
 */
export type Tokenizing<Result> = Generator<TokenInputs, Result, Uint8Array>

interface Tally {
  readonly id: TermId
  count: number
}

const distinctTerms = (messages: readonly MessageTerms[]): readonly string[] => [
  ...new Set(messages.flat()),
]

/** Counting first, hashing afterwards: the same messages give the same inputs, one at a time or all at once. */
const listInputs = (
  room: RoomIndex,
  messages: readonly MessageTerms[],
  tallies: ReadonlyMap<string, Tally>,
): TokenInputs => {
  const inputs = new TokenInputs().under(room.key)
  let { noise } = room
  for (const terms of messages) {
    for (const term of terms) {
      const tally = tallies.get(term)
      if (tally === undefined) continue
      inputs.add(occurrenceInput(term, tally.count))
      tally.count += 1
    }
    const missing = paddedLength(terms.length) - terms.length
    for (let added = 0; added < missing; added += 1) inputs.add(noiseInput(noise + added))
    noise += missing
  }
  return inputs
}

const noiseOf = (messages: readonly MessageTerms[]): number =>
  messages.reduce((sum, { length }) => sum + paddedLength(length) - length, 0)

const cutLists = (tokens: Uint8Array, messages: readonly MessageTerms[]): readonly Uint8Array[] => {
  let at = 0
  return messages.map((terms) => {
    const from = at
    at += paddedLength(terms.length) * TOKEN_BYTES
    return sortedHashes(tokens.subarray(from, at))
  })
}

/** The computation behind `blindMessages`, for whoever makes tokens on other threads. */
export function* blinding(room: RoomIndex, messages: readonly MessageTerms[]): Tokenizing<Blinded> {
  const terms = distinctTerms(messages)
  const ids = readTermIds(yield termIdInputs([{ key: room.key, terms }]))
  const tallies = new Map<string, Tally>()
  for (const [index, id] of ids.entries()) {
    tallies.set(terms[index] ?? '', { id, count: room.counters.get(id) })
  }
  const lists = cutLists(yield listInputs(room, messages, tallies), messages)
  const counted = new Map<TermId, number>()
  for (const { id, count } of tallies.values()) counted.set(id, count)
  return { lists, counted, noise: room.noise + noiseOf(messages) }
}

/** Makes all tokens here and now. */
export const tokenizeHere = <Result>(work: Tokenizing<Result>): Result => {
  let step = work.next()
  while (step.done !== true) {
    const inputs = step.value
    const tokens = tokensOf(inputs)
    inputs.wipe()
    step = work.next(tokens)
  }
  return step.value
}

/** Makes large amounts of tokens on other threads. Meanwhile nothing else may count in the rooms of `work`. */
export const tokenizeOn = async <Result>(
  workers: Pick<TokenWorkers, 'tokens'>,
  work: Tokenizing<Result>,
): Promise<Result> => {
  let step = work.next()
  while (step.done !== true) step = work.next(await workers.tokens(step.value))
  return step.value
}

/**
 * Messages of one room, in the order they are counted. A message without terms gets a list of noise like any other. The
 * result holds for exactly this state: store it together with the lists, keyed by message, before anything else of the
 * room is blinded; then a repetition sends the same list again. A gap in the counting does no harm.
 */
export const blindMessages = (room: RoomIndex, messages: readonly MessageTerms[]): Blinded =>
  tokenizeHere(blinding(room, messages))
