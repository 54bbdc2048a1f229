// Attacks on queries: somebody who sees first pages, and which messages they match, names the words searched for with
// the help of similar text.

import { type AttackedRoom, holdersOf } from './attacked.ts'
import { nameByCoOccurrence, type Sighting } from './co-occurrence.ts'
import type { SimilarText } from './similar.ts'

/** One searched term and the hashes of its query, as numbers of the room. */
export interface SeenQuery {
  readonly term: string
  readonly hashes: readonly number[]
}

export interface QueryScore {
  readonly queries: number
  /** Named by how many messages match. */
  readonly byVolume: number
  /** Named by how far the matches reach back: a full page of a common word is younger than that of a rare one. */
  readonly byAge: number
  /** With shares estimated either way; the better of the two. */
  readonly byCoOccurrence: number
  readonly mostHashes: number
}

/** The nearest word by its share of messages; each word once. */
const nameByShare = (
  sightings: readonly Sighting[],
  similar: SimilarText,
): ReadonlyMap<number, string> => {
  const taken = new Set<string>()
  return new Map(
    sightings.map(({ share }, index) => {
      let best = ''
      let least = Number.POSITIVE_INFINITY
      for (const { term, holders } of similar.words) {
        const far = Math.abs(Math.log(holders.length / similar.messages / share))
        if (far >= least || taken.has(term)) continue
        least = far
        best = term
      }
      taken.add(best)
      return [index, best]
    }),
  )
}

/** Shares are estimated from where the matches lie, counting from the newest message. */
const byAge = (messages: readonly number[], all: number): number =>
  messages.length / Math.max(1, all - Math.min(...messages, all))

export const attackQueries = (
  room: AttackedRoom,
  queries: readonly SeenQuery[],
  similar: SimilarText,
): QueryScore => {
  const holders = holdersOf(room.lists, room.truth.length)
  const all = room.lists.length
  const matches = queries.map(({ hashes }) => [
    ...new Set(hashes.flatMap((hash) => holders[hash] ?? [])),
  ])
  const volumes = matches.map((messages) => ({ messages, share: messages.length / all }))
  const ages = matches.map((messages) => ({ messages, share: byAge(messages, all) }))
  const right = (named: ReadonlyMap<number, string>): number =>
    queries.filter(({ term }, index) => named.get(index) === term).length /
    Math.max(1, queries.length)
  const counts = { seen: all, known: similar.messages }
  const together = (sightings: readonly Sighting[]): number =>
    right(nameByCoOccurrence(sightings, similar.words, counts))
  return {
    queries: queries.length,
    byVolume: right(nameByShare(volumes, similar)),
    byAge: right(nameByShare(ages, similar)),
    byCoOccurrence: Math.max(together(volumes), together(ages)),
    mostHashes: Math.max(0, ...queries.map(({ hashes }) => hashes.length)),
  }
}
