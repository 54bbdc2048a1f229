// What lists give away by their form: whether noise can be told from words, whether their order says something, how much
// of a message's length they show, and what hiding it costs.

import type { AttackedRoom } from './attacked.ts'

/** How often each value of a feature was seen, for words and for noise. */
class Split {
  readonly #seen = new Map<number, { real: number; noise: number }>()

  add(value: number, isNoise: boolean): void {
    const seen = this.#seen.get(value) ?? { real: 0, noise: 0 }
    if (isNoise) seen.noise += 1
    else seen.real += 1
    this.#seen.set(value, seen)
  }

  /** How often a random word has more of the feature than random noise: 0.5 says nothing. Given as at least 0.5. */
  auc(): number {
    let noiseBelow = 0
    let real = 0
    let wins = 0
    for (const [, seen] of [...this.#seen].sort(([one], [other]) => one - other)) {
      wins += seen.real * (noiseBelow + seen.noise / 2)
      noiseBelow += seen.noise
      real += seen.real
    }
    if (real === 0 || noiseBelow === 0) return 0.5
    const auc = wins / (real * noiseBelow)
    return Math.max(auc, 1 - auc)
  }
}

export interface NoiseAuc {
  readonly byCount: number
  readonly byPosition: number
  /** Known and accepted: short lists have a larger share of noise. */
  readonly byListLength: number
}

export const noiseAuc = (rooms: readonly AttackedRoom[]): NoiseAuc => {
  const [count, position, length] = [new Split(), new Split(), new Split()]
  for (const { lists, truth } of rooms) {
    const counts = new Uint32Array(truth.length)
    for (const hash of lists.flat()) counts[hash] = (counts[hash] ?? 0) + 1
    for (const list of lists) {
      for (const [at, hash] of list.entries()) {
        const isNoise = truth[hash] === undefined
        count.add(counts[hash] ?? 0, isNoise)
        position.add(at / Math.max(1, list.length - 1), isNoise)
        length.add(list.length, isNoise)
      }
    }
  }
  return { byCount: count.auc(), byPosition: position.auc(), byListLength: length.auc() }
}

const sharedOrder = (
  stored: readonly number[],
): { readonly same: number; readonly other: number } => {
  let same = 0
  let other = 0
  for (const [at, place] of stored.entries()) {
    for (const later of stored.slice(at + 1)) {
      if (place < later) same += 1
      else other += 1
    }
  }
  return { same, other }
}

/** Kendall's tau between the order in a list and the order in its text, over the pairs of words of all messages. */
export const orderTau = (rooms: readonly AttackedRoom[]): number => {
  let same = 0
  let other = 0
  for (const { lists, truth, terms } of rooms) {
    for (const [message, list] of lists.entries()) {
      const places = new Map((terms[message] ?? []).map((term, place) => [term, place]))
      const stored = list.flatMap((hash) => places.get(truth[hash] ?? '') ?? [])
      const pairs = sharedOrder(stored)
      same += pairs.same
      other += pairs.other
    }
  }
  return same + other === 0 ? 0 : (same - other) / (same + other)
}

const entropy = (counts: Iterable<number>, total: number): number => {
  let bits = 0
  for (const count of counts) bits -= (count / total) * Math.log2(count / total)
  return bits
}

const tallyOf = <Key>(keys: readonly Key[]): ReadonlyMap<Key, number> => {
  const tally = new Map<Key, number>()
  for (const key of keys) tally.set(key, (tally.get(key) ?? 0) + 1)
  return tally
}

/** Bits of the number of a message's terms that its list's length gives away (mutual information). */
export const lengthBits = (rooms: readonly AttackedRoom[]): number => {
  const pairs = rooms.flatMap(({ lists, terms }) =>
    lists.map((list, message) => ({ list: list.length, terms: terms[message]?.length ?? 0 })),
  )
  const bits = (keys: readonly (string | number)[]): number =>
    entropy(tallyOf(keys).values(), keys.length)
  return (
    bits(pairs.map(({ list }) => list)) +
    bits(pairs.map(({ terms }) => terms)) -
    bits(pairs.map(({ list, terms }) => `${list} ${terms}`))
  )
}

/** Hashes stored beyond one for each distinct term of a message, as a share of those. */
export const storageOverhead = (rooms: readonly AttackedRoom[]): number => {
  const hashes = rooms.flatMap(({ lists }) => lists).reduce((sum, { length }) => sum + length, 0)
  const terms = rooms.flatMap((room) => room.terms).reduce((sum, { length }) => sum + length, 0)
  return terms === 0 ? 0 : hashes / terms - 1
}

/** Share of (message, term) pairs whose list has a hash of the term. */
export const recall = (rooms: readonly AttackedRoom[]): number => {
  let pairs = 0
  let found = 0
  for (const { lists, truth, terms } of rooms) {
    for (const [message, list] of lists.entries()) {
      const there = new Set(list.map((hash) => truth[hash]))
      const wanted = terms[message] ?? []
      pairs += wanted.length
      found += wanted.filter((term) => there.has(term)).length
    }
  }
  return pairs === 0 ? 1 : found / pairs
}
