// What an attack sees, and the truth that only the report knows. Hashes of a room become small numbers: an attacker can
// do no more with random strings than compare them.

import type { Lab, LabMessage } from '../lab.ts'

export interface AttackedRoom {
  readonly name: string
  /** By message: hashes in stored order, as numbers. */
  readonly lists: readonly (readonly number[])[]
  /** By hash: the term, or undefined for noise. Only for counting what an attack got right. */
  readonly truth: readonly (string | undefined)[]
  /** By message: its terms in the order of the text. Known-plaintext attackers are given some. */
  readonly terms: readonly (readonly string[])[]
  /** The number of a hash that is in the lists. */
  readonly numberOf: (hash: string) => number | undefined
}

export type TermsOf = (text: string) => readonly string[]

/** How many messages are blinded in one call. */
const BATCH = 1000

class Numbering {
  readonly #numbers = new Map<string, number>()

  of(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    this.#numbers.set(name, this.#numbers.size)
    return this.#numbers.size - 1
  }

  find(name: string): number | undefined {
    return this.#numbers.get(name)
  }

  get size(): number {
    return this.#numbers.size
  }
}

const attack = (
  lab: Lab,
  name: string,
  messages: readonly LabMessage[],
  termsOf: TermsOf,
): AttackedRoom => {
  const numbers = new Numbering()
  const lists: number[][] = []
  for (let from = 0; from < messages.length; from += BATCH) {
    for (const { hashes } of lab.index(messages.slice(from, from + BATCH))) {
      lists.push(hashes.map((hash) => numbers.of(hash)))
    }
  }
  const terms = messages.map(({ text }) => termsOf(text))
  const truth = new Array<string | undefined>(numbers.size).fill(undefined)
  for (const term of new Set(terms.flat())) {
    for (const hash of lab.expandTerms(name, [term])) truth[numbers.of(hash)] = term
  }
  return { name, lists, truth, terms, numberOf: (hash) => numbers.find(hash) }
}

/** Our index of these messages, room by room. The lab must be new: what it indexed before would be missing here. */
export const attackIndex = (
  lab: Lab,
  messages: readonly LabMessage[],
  termsOf: TermsOf,
): readonly AttackedRoom[] =>
  [...Map.groupBy(messages, ({ room }) => room)].map(([name, some]) =>
    attack(lab, name, some, termsOf),
  )

/** The same messages as most designs index them: one hash a word, no noise. It shows what the attacks can do. */
export const withRepeatedHashes = (room: AttackedRoom): AttackedRoom => {
  const numbers = new Map<string, number>()
  for (const term of new Set(room.terms.flat())) numbers.set(term, numbers.size)
  const lists = room.terms.map((terms) =>
    terms.map((term) => numbers.get(term) ?? 0).sort((a, b) => a - b),
  )
  return { ...room, lists, truth: [...numbers.keys()], numberOf: (term) => numbers.get(term) }
}

/** By hash: the messages that have it, in their order. */
export const holdersOf = (
  lists: readonly (readonly number[])[],
  hashes: number,
): readonly (readonly number[])[] => {
  const holders = Array.from({ length: hashes }, (): number[] => [])
  for (const [message, list] of lists.entries()) {
    for (const hash of list) holders[hash]?.push(message)
  }
  return holders
}
