// From the terms of messages to what the core stores: each occurrence of a term gets a hash that has never been used and
// never will be, so that the core holds nothing but uniform random strings. Noise fills each list to one of few lengths.

import { TOKEN_BYTES, TokenInputs, type TokenWorkers, tokensOf } from '../crypto/index.ts'
import { paddedLength, stepOf } from './noise.ts'
import { sortedHashes } from './posting-list.ts'
import {
  noiseInput,
  occurrenceInput,
  type RoomIndex,
  type RoomTotals,
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
  readonly totals: RoomTotals
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

interface Planned {
  readonly inputs: TokenInputs
  /** Of each list, in hashes. */
  readonly lengths: readonly number[]
  readonly totals: RoomTotals
}

/** Counting first, hashing afterwards: the same messages give the same inputs, one at a time or all at once. */
const plan = (
  room: RoomIndex,
  messages: readonly MessageTerms[],
  tallies: ReadonlyMap<string, Tally>,
): Planned => {
  const inputs = new TokenInputs().under(room.key)
  const totals = { ...room.totals }
  const lengths = messages.map((message) => {
    for (const term of message) {
      const tally = tallies.get(term)
      if (tally === undefined) continue
      inputs.add(occurrenceInput(term, tally.count))
      tally.count += 1
    }
    const length = paddedLength(message.length, stepOf(totals))
    const noise = length - message.length
    for (let added = 0; added < noise; added += 1) inputs.add(noiseInput(totals.noise + added))
    totals.messages += 1
    totals.terms += message.length
    totals.noise += noise
    return length
  })
  return { inputs, lengths, totals }
}

const cutLists = (tokens: Uint8Array, lengths: readonly number[]): readonly Uint8Array[] => {
  let at = 0
  return lengths.map((length) => {
    const from = at
    at += length * TOKEN_BYTES
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
  const { inputs, lengths, totals } = plan(room, messages, tallies)
  const lists = cutLists(yield inputs, lengths)
  const counted = new Map<TermId, number>()
  for (const { id, count } of tallies.values()) counted.set(id, count)
  return { lists, counted, totals }
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
