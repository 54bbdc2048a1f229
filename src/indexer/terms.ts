// What is hashed, and how often it occurred. Three kinds of input under one room's key that can never be equal, because
// no term contains a control character: an occurrence of a term, a piece of noise, and the name of a term's counter.

import { TOKEN_BYTES, TokenInputs, type TokenKey, tokensOf } from '../crypto/index.ts'
import { Fault } from '../fault.ts'

/** The name of a term's counter: 64 bits under the room's key, unsigned. It says nothing without the key. */
export type TermId = bigint

/** How often each term of one room has been indexed so far. */
export interface Counters {
  /** 0 if never. */
  get(term: TermId): number
}

/** What the index of one room needs to go on: its key, its counters, and how many noise hashes it has made. */
export interface RoomIndex {
  readonly key: TokenKey
  readonly counters: Counters
  readonly noise: number
}

const SEPARATOR = '\u001f'

const checked = (term: string): string => {
  if (term.includes(SEPARATOR)) throw new Fault('indexer.term-with-separator')
  return term
}

/**
 * The first occurrence (0) of a term is hashed as the term itself, the second as the term, U+001F and `1` in decimal
 * without leading zeros, and so on. With a term of 40 bytes that is at most 51: one block of SHA-256.
 */
export const occurrenceInput = (term: string, occurrence: number): string =>
  occurrence === 0 ? term : `${term}${SEPARATOR}${occurrence}`

/** The noise hashes of a room are numbered from 0: U+001F, `n`, the number in decimal. */
export const noiseInput = (number: number): string => `${SEPARATOR}n${number}`

const termIdInput = (term: string): string => `${SEPARATOR}t${checked(term)}`

/** Terms of one room. */
export interface RoomTerms {
  readonly key: TokenKey
  readonly terms: readonly string[]
}

export const termIdInputs = (rooms: readonly RoomTerms[]): TokenInputs => {
  const inputs = new TokenInputs()
  for (const { key, terms } of rooms) {
    inputs.under(key)
    for (const term of terms) inputs.add(termIdInput(term))
  }
  return inputs
}

/** The first 64 bits of each token. */
export const readTermIds = (tokens: Uint8Array): readonly TermId[] => {
  const view = new DataView(tokens.buffer, tokens.byteOffset, tokens.byteLength)
  return Array.from({ length: tokens.length / TOKEN_BYTES }, (_, index) =>
    view.getBigUint64(index * TOKEN_BYTES),
  )
}

/** The counters' names of all terms of all rooms, one after the other, in one call. */
export const termIdsOf = (rooms: readonly RoomTerms[]): readonly TermId[] => {
  const inputs = termIdInputs(rooms)
  const ids = readTermIds(tokensOf(inputs))
  inputs.wipe()
  return ids
}
