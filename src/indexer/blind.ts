// From the terms of messages to what the core stores: each occurrence of a term gets a hash that has never been used and
// never will be, so that the core holds nothing but uniform random strings. Noise fills each list to one of few lengths.

import { TOKEN_BYTES, TokenInputs, type TokenWorkers, tokensOf } from '../crypto/index.ts'
import { paddedLength, stepOf } from './noise.ts'
import { sortHashesAt } from './posting-list.ts'
import {
  addNoise,
  addOccurrence,
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

/** One term of a batch, however often it occurs there. */
interface Tally {
  readonly term: string
  id: TermId | undefined
  count: number
}

interface Tallied {
  readonly distinct: readonly Tally[]
  /** The tally of each term of each message, so that nothing is looked up twice. */
  readonly messages: readonly (readonly Tally[])[]
}

const tally = (room: RoomIndex, messages: readonly MessageTerms[]): Tallied => {
  const tallies = new Map<string, Tally>()
  const tallyOf = (term: string): Tally => {
    const known = tallies.get(term)
    if (known !== undefined) return known
    const made: Tally = { term, id: room.names?.get(term), count: 0 }
    tallies.set(term, made)
    return made
  }
  const found = messages.map((terms) => terms.map(tallyOf))
  return { distinct: [...tallies.values()], messages: found }
}

/** Gives a name to each tally that has none yet, and remembers it. */
function* naming(room: RoomIndex, tallies: readonly Tally[]): Tokenizing<void> {
  const unknown = tallies.filter(({ id }) => id === undefined)
  if (unknown.length === 0) return
  const terms = unknown.map(({ term }) => term)
  const ids = readTermIds(yield termIdInputs([{ key: room.key, terms }]))
  for (const [index, each] of unknown.entries()) {
    const id = ids[index] ?? 0
    each.id = id
    room.names?.keep(each.term, id)
  }
}

interface Planned {
  readonly inputs: TokenInputs
  /** Of each list, in hashes. */
  readonly lengths: readonly number[]
  readonly totals: RoomTotals
}

/** Counting first, hashing afterwards: the same messages give the same inputs, one at a time or all at once. */
const plan = (room: RoomIndex, messages: readonly (readonly Tally[])[]): Planned => {
  const inputs = new TokenInputs().under(room.key)
  const totals = { ...room.totals }
  const lengths = messages.map((tallies) => {
    for (const each of tallies) {
      addOccurrence(inputs, each.term, each.count)
      each.count += 1
    }
    const terms = tallies.length
    const length = paddedLength(terms, stepOf(totals))
    const noise = totals.noise + length - terms
    for (let number = totals.noise; number < noise; number += 1) addNoise(inputs, number)
    totals.messages += 1
    totals.terms += terms
    totals.noise = noise
    return length
  })
  return { inputs, lengths, totals }
}

/** The lists share one buffer. */
const cutLists = (tokens: Uint8Array, lengths: readonly number[]): readonly Uint8Array[] => {
  const view = new DataView(tokens.buffer, tokens.byteOffset, tokens.byteLength)
  let at = 0
  return lengths.map((length) => {
    const from = at
    at += length * TOKEN_BYTES
    sortHashesAt(view, from, length)
    return tokens.subarray(from, at)
  })
}

/** The computation behind `blindMessages`, for whoever makes tokens on other threads. */
export function* blinding(room: RoomIndex, messages: readonly MessageTerms[]): Tokenizing<Blinded> {
  const tallied = tally(room, messages)
  yield* naming(room, tallied.distinct)
  for (const each of tallied.distinct) each.count = room.counters.get(each.id ?? 0)
  const { inputs, lengths, totals } = plan(room, tallied.messages)
  const lists = cutLists(yield inputs, lengths)
  const counted = new Map<TermId, number>()
  // The higher one, should two terms have the same name: a number that was used must not come again.
  for (const { id = 0, count } of tallied.distinct) {
    if (count > (counted.get(id) ?? 0)) counted.set(id, count)
  }
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
