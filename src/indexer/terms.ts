// What is hashed, and how often it occurred. Three kinds of input under one room's key that can never be equal, because
// no term contains a control character: an occurrence of a term, a piece of noise, and the name of a term's counter.

import { TOKEN_BYTES, TokenInputs, type TokenKey, tokensOf } from '../crypto/index.ts'
import { Fault } from '../fault.ts'

/**
 * The name of a term's counter: 52 bits under the room's key. It says nothing without the key. If two terms ever have the
 * same, they count on together: numbers are skipped, nothing is lost.
 */
export type TermId = number

/** How often each term of one room has been indexed so far. */
export interface Counters {
  /** 0 if never. */
  get(term: TermId): number
}

/** What a room has had so far. It decides how the next list is filled, so it is stored with the counters. */
export interface RoomTotals {
  /** Messages indexed, those without terms too. */
  readonly messages: number
  /** Hashes made for occurrences of terms. */
  readonly terms: number
  /** Hashes made as noise. */
  readonly noise: number
}

export const NOTHING_YET: RoomTotals = { messages: 0, terms: 0, noise: 0 }

/** What the index of one room needs to go on: its key, its counters and its totals. */
export interface RoomIndex {
  readonly key: TokenKey
  readonly counters: Counters
  readonly totals: RoomTotals
  /** Where counters' names are remembered, if anywhere. */
  readonly names?: TermNames
}

const SEPARATOR = '\u001f'

/** Terms whose names are remembered in a room; then it begins anew. A few hundred bytes each at most. */
const NAMES_MOST = 4096
const NAME_BYTES = 100

/**
 * Names of counters, so that common words are named once, not with each message. Decrypted words in memory: as secret as
 * the messages, bounded, and gone with the room's key.
 */
export class TermNames {
  readonly #ids = new Map<string, TermId>()

  /** About. */
  get bytes(): number {
    return this.#ids.size * NAME_BYTES
  }

  get(term: string): TermId | undefined {
    return this.#ids.get(term)
  }

  keep(term: string, id: TermId): void {
    if (this.#ids.size >= NAMES_MOST) this.#ids.clear()
    this.#ids.set(term, id)
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): never {
    throw new Fault('crypto.secret-serialised')
  }
}

const checked = (term: string): string => {
  if (term.includes(SEPARATOR)) throw new Fault('indexer.term-with-separator')
  return term
}

/**
 * The first occurrence (0) of a term is hashed as the term itself, the second as the term, U+001F and `1` in decimal
 * without leading zeros, and so on. With a term of 40 bytes that is at most 51: one block of SHA-256.
 */
export const addOccurrence = (inputs: TokenInputs, term: string, occurrence: number): void => {
  if (occurrence === 0) inputs.add(term)
  else inputs.addNumbered(term, SEPARATOR, occurrence)
}

/** The noise hashes of a room are numbered from 0: U+001F, `n`, the number in decimal. */
export const addNoise = (inputs: TokenInputs, number: number): void =>
  inputs.addNumbered(SEPARATOR, 'n', number)

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

const readId = (view: DataView, at: number): TermId =>
  view.getUint32(at) * 2 ** 20 + (view.getUint32(at + 4) >>> 12)

/** The first 52 bits of each token: exact in a number. */
export const readTermIds = (tokens: Uint8Array): readonly TermId[] => {
  const view = new DataView(tokens.buffer, tokens.byteOffset, tokens.byteLength)
  return Array.from({ length: tokens.length / TOKEN_BYTES }, (_, index) =>
    readId(view, index * TOKEN_BYTES),
  )
}

/** The counters' names of all terms of all rooms, one after the other, in one call. */
export const termIdsOf = (rooms: readonly RoomTerms[]): readonly TermId[] => {
  const inputs = termIdInputs(rooms)
  const ids = readTermIds(tokensOf(inputs))
  inputs.wipe()
  return ids
}
