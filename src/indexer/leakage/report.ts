// Our own report on what an index gives away. Beside each attack on it stands the same attack on the same messages
// indexed as usual, one hash a word: an attack that cannot hurt that one would prove nothing about ours.

import type { SecretBytes } from '../../crypto/index.ts'
import { type Language, termsOf } from '../../words/index.ts'
import { Lab, type LabMessage } from '../lab.ts'
import { type AttackedRoom, attackIndex, withRepeatedHashes } from './attacked.ts'
import { choose, drawsFrom } from './draws.ts'
import {
  type AttackScore,
  byCoOccurrence,
  byFrequency,
  byKnownMessages,
  byLength,
} from './naming.ts'
import { attackQueries, type QueryScore, type SeenQuery } from './queries.ts'
import { lengthBits, type NoiseAuc, noiseAuc, orderTau, recall, storageOverhead } from './shape.ts'
import { learn, type SimilarText } from './similar.ts'

export interface LeakageOptions {
  readonly messages: readonly LabMessage[]
  /** Text of the same kind that the attacker has. */
  readonly similar: readonly string[]
  readonly seed: SecretBytes
  readonly language: Language
  /** Told what begins. */
  readonly progress: (what: string) => void
}

/** Shares of word occurrences that each attack names rightly. */
export interface Named {
  readonly byFrequency: number
  readonly byCoOccurrence: number
  readonly byListLength: number
  /** A fifth of the messages are known; what is named in the others. */
  readonly byKnownMessages: number
}

export interface LeakageReport {
  readonly messages: number
  readonly rooms: number
  readonly hashes: number
  /** Always saying the commonest word. */
  readonly chance: number
  /** The best attack on our index, less chance, in shares. */
  readonly aboveChance: number
  readonly named: Named
  readonly namedIfRepeated: Named
  readonly noise: NoiseAuc
  readonly orderTau: number
  readonly lengthBits: number
  readonly storageOverhead: number
  readonly recall: number
  readonly queries: QueryScore
  readonly queriesIfRepeated: QueryScore
}

const KNOWN_ONE_IN = 5
const QUERIES = 200
/** Words searched for are drawn from so many of the commonest of the largest room. */
const SEARCHED = 1000

const shareOf = (scores: readonly AttackScore[]): number => {
  const asked = scores.reduce((sum, score) => sum + score.asked, 0)
  return asked === 0 ? 0 : scores.reduce((sum, score) => sum + score.right, 0) / asked
}

const countTerms = (rooms: readonly AttackedRoom[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const { terms } of rooms) {
    for (const term of terms.flat()) counts.set(term, (counts.get(term) ?? 0) + 1)
  }
  return counts
}

const chanceOf = (rooms: readonly AttackedRoom[]): number => {
  const counts = [...countTerms(rooms).values()]
  const all = counts.reduce((sum, count) => sum + count, 0)
  return counts.reduce((most, count) => Math.max(most, count), 0) / Math.max(1, all)
}

const nameAll = (
  rooms: readonly AttackedRoom[],
  similar: SimilarText,
  known: readonly (readonly boolean[])[],
): Named => {
  const knownOf = (room: number) => (message: number) => known[room]?.[message] === true
  return {
    byFrequency: shareOf(rooms.map((room) => byFrequency(room, similar))),
    byCoOccurrence: shareOf(rooms.map((room) => byCoOccurrence(room, similar))),
    byListLength: shareOf(rooms.map((room) => byLength(room, similar))),
    byKnownMessages: shareOf(
      rooms.map((room, index) => byKnownMessages(room, similar, knownOf(index))),
    ),
  }
}

const largestOf = (rooms: readonly AttackedRoom[]): AttackedRoom | undefined =>
  [...rooms].sort((one, other) => other.lists.length - one.lists.length)[0]

const searchedTerms = (room: AttackedRoom, seed: SecretBytes): readonly string[] => {
  const common = [...countTerms([room])]
    .sort(([, one], [, other]) => other - one)
    .slice(0, SEARCHED)
    .map(([term]) => term)
  return choose(common, QUERIES, drawsFrom(seed, 'queries'))
}

const seen = (room: AttackedRoom, term: string, hashes: readonly string[]): SeenQuery => ({
  term,
  hashes: hashes.flatMap((hash) => room.numberOf(hash) ?? []),
})

/** Deterministic for a seed. Throws nothing for empty input; its shares are then 0. */
export const reportLeakage = (options: LeakageOptions): LeakageReport => {
  const { messages, seed, language, progress } = options
  const cut = (text: string): readonly string[] => termsOf(text, language)
  progress('indexing')
  const lab = new Lab({ seed, language })
  const rooms = attackIndex(lab, messages, cut)
  const repeated = rooms.map(withRepeatedHashes)
  progress('learning from similar text')
  const similar = learn(options.similar.map(cut))
  const draw = drawsFrom(seed, 'known')
  const known = rooms.map(({ lists }) => lists.map(() => draw(KNOWN_ONE_IN) === 0))
  progress('attacking the index')
  const named = nameAll(rooms, similar, known)
  progress('attacking an index that repeats its hashes')
  const namedIfRepeated = nameAll(repeated, similar, known)
  progress('attacking queries')
  const largest = largestOf(rooms) ?? {
    name: '',
    lists: [],
    truth: [],
    terms: [],
    numberOf: () => undefined,
  }
  const plain = withRepeatedHashes(largest)
  const terms = searchedTerms(largest, seed)
  const traced = terms.map((term) => seen(largest, term, lab.traceTerms(largest.name, [[term]])))
  const chance = chanceOf(rooms)
  return {
    messages: messages.length,
    rooms: rooms.length,
    hashes: rooms.flatMap(({ lists }) => lists).reduce((sum, { length }) => sum + length, 0),
    chance,
    aboveChance: Math.max(...Object.values(named)) - chance,
    named,
    namedIfRepeated,
    noise: noiseAuc(rooms),
    orderTau: orderTau(rooms),
    lengthBits: lengthBits(rooms),
    storageOverhead: storageOverhead(rooms),
    recall: recall(rooms),
    queries: attackQueries(largest, traced, similar),
    queriesIfRepeated: attackQueries(
      plain,
      terms.map((term) => seen(plain, term, [term])),
      similar,
    ),
  }
}
