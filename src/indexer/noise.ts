// Noise: hashes that stand for nothing and cannot be told from those that do. In a posting list they hide how many words
// a message has; in a query they hide how many of its hashes are real.

import type { RoomTotals, TermId } from './terms.ts'

/**
 * Lengths of lists lie half a mean message of the room apart: then they give away the same few bits for the same storage
 * whether people write three words or forty (measured in README.md). Steps are whole or half hashes, so that they seldom
 * change; a new room begins as if it had `EXPECTED` messages already, of a length that chat has.
 */
const EXPECTED = { messages: 50, terms: 450 }
const SHORTEST_STEP = 2
/** On twice the step. A little short: storage is kept below a quarter also by a count that knows no joined terms. */
const ROUNDING = -0.1

export const stepOf = ({ messages, terms }: Pick<RoomTotals, 'messages' | 'terms'>): number => {
  const mean = (EXPECTED.terms + terms) / (EXPECTED.messages + messages)
  return Math.max(SHORTEST_STEP, Math.round(mean + ROUNDING) / 2)
}

/** Beyond so many steps there are few messages: what would hide them must be longer. */
const SHORT_STEPS = 30
const LONGER = 4

/** How long the list of a message with so many terms is; without any it is as long as the shortest. */
export const paddedLength = (terms: number, step: number): number => {
  const size = terms > SHORT_STEPS * step ? LONGER * step : step
  return Math.floor(Math.max(1, Math.ceil(terms / size)) * size)
}

/** SplitMix32: a number in [0, 1) for each state; only spread matters, the choice hides nothing by itself. */
const GOLDEN = 0x9e3779b9
const fraction = (state: number): number => {
  let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
  return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
}

/**
 * One of `count` noise numbers, all equally likely. When there are more, it stays the same or becomes one of the new
 * ones, which is as rare as it can be (jump consistent hash; Lamping and Veach, arXiv:1406.2294).
 */
const draw = (seed: number, count: number): number => {
  let state = seed
  let chosen = 0
  for (let next = 0; next < count; ) {
    chosen = next
    state = (state + GOLDEN) | 0
    next = Math.floor((chosen + 1) / (1 - fraction(state)))
  }
  return chosen
}

/** Draws that fall on a number already chosen are tried again so often; then there are fewer decoys. */
const DRAWS_FOR_ONE = 16

/**
 * At most `wanted` different noise numbers below `noise`, the same for a term each time it is searched: whoever sees
 * both searches learns nothing by comparing them. A longer list begins with the shorter one.
 */
export const decoysFor = (term: TermId, wanted: number, noise: number): readonly number[] => {
  const low = term >>> 0
  const step = Math.floor(term / 2 ** 32) | 1
  const enough = Math.min(wanted, noise)
  const chosen = new Set<number>()
  for (let tried = 0; chosen.size < enough && tried < DRAWS_FOR_ONE * enough; tried += 1) {
    chosen.add(draw((low + Math.imul(step, tried)) | 0, noise))
  }
  return [...chosen]
}
