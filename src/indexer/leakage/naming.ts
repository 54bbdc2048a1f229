// Attacks on the index at rest: each names hashes, and the share of word occurrences that it names rightly is what
// leaked. Every attack is aware of the defence: of a hash that it knows nothing about it says the likeliest word.

import { type AttackedRoom, holdersOf } from './attacked.ts'
import { nameByCoOccurrence } from './co-occurrence.ts'
import type { SimilarText } from './similar.ts'

export interface AttackScore {
  /** Occurrences of words that the attack had to name. */
  readonly asked: number
  readonly right: number
}

/** The name of a hash, undefined where the attack knows nothing. */
type Names = (hash: number, list: readonly number[]) => string | undefined

const score = (
  room: AttackedRoom,
  similar: SimilarText,
  names: Names,
  isAsked: (message: number) => boolean = () => true,
): AttackScore => {
  const likeliest = similar.words[0]?.term ?? ''
  let asked = 0
  let right = 0
  for (const [message, list] of room.lists.entries()) {
    if (!isAsked(message)) continue
    for (const hash of list) {
      const term = room.truth[hash]
      if (term === undefined) continue
      asked += 1
      if ((names(hash, list) ?? likeliest) === term) right += 1
    }
  }
  return { asked, right }
}

/** Hashes that occur more than once, the most frequent first: the only ones about which counting says anything. */
const repeated = (holders: readonly (readonly number[])[]): readonly number[] =>
  [...holders.keys()]
    .filter((hash) => (holders[hash]?.length ?? 0) > 1)
    .sort((one, other) => (holders[other]?.length ?? 0) - (holders[one]?.length ?? 0))

/** The n-th most frequent hash is the n-th most frequent word. */
export const byFrequency = (room: AttackedRoom, similar: SimilarText): AttackScore => {
  const holders = holdersOf(room.lists, room.truth.length)
  const named = new Map(repeated(holders).map((hash, rank) => [hash, similar.words[rank]?.term]))
  return score(room, similar, (hash) => named.get(hash))
}

export const byCoOccurrence = (room: AttackedRoom, similar: SimilarText): AttackScore => {
  const holders = holdersOf(room.lists, room.truth.length)
  const hashes = repeated(holders)
  const sightings = hashes.map((hash) => {
    const messages = holders[hash] ?? []
    return { messages, share: messages.length / room.lists.length }
  })
  const counts = { seen: room.lists.length, known: similar.messages }
  const named = nameByCoOccurrence(sightings, similar.words, counts)
  const byHash = new Map(
    hashes.map((hash, rank) => [hash, named.get(rank) ?? similar.words[rank]?.term]),
  )
  return score(room, similar, (hash) => byHash.get(hash))
}

/** The likeliest word of messages whose lists are as long. */
export const byLength = (room: AttackedRoom, similar: SimilarText): AttackScore =>
  score(room, similar, (_, list) => similar.byLength(list.length))

/** The word whose messages are most like the hash's, among known messages. */
const bestMatch = (
  known: readonly number[],
  terms: AttackedRoom['terms'],
  holdersOfTerm: ReadonlyMap<string, ReadonlySet<number>>,
): string | undefined => {
  let best: string | undefined
  let most = 0
  for (const term of terms[known[0] ?? -1] ?? []) {
    const holders = holdersOfTerm.get(term)
    if (holders === undefined) continue
    const both = known.filter((message) => holders.has(message)).length
    const likeness = both / (known.length + holders.size - both)
    if (likeness > most) {
      most = likeness
      best = term
    }
  }
  return best
}

/** The attacker knows what some messages say, and names hashes in the others. */
export const byKnownMessages = (
  room: AttackedRoom,
  similar: SimilarText,
  isKnown: (message: number) => boolean,
): AttackScore => {
  const holdersOfTerm = new Map<string, Set<number>>()
  for (const [message, terms] of room.terms.entries()) {
    if (!isKnown(message)) continue
    for (const term of terms) {
      const holders = holdersOfTerm.get(term)
      if (holders === undefined) holdersOfTerm.set(term, new Set([message]))
      else holders.add(message)
    }
  }
  const named = holdersOf(room.lists, room.truth.length).map((holders) => {
    const known = holders.filter(isKnown)
    // What is in no other message names nothing there.
    const isShared = known.length > 0 && known.length < holders.length
    return isShared ? bestMatch(known, room.terms, holdersOfTerm) : undefined
  })
  return score(
    room,
    similar,
    (hash) => named[hash],
    (message) => !isKnown(message),
  )
}
