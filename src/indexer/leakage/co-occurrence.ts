// Names things by what they stand together with: hashes of an index or queries of a trace against words of similar text.
// A first guess by frequency is improved in rounds, each time comparing with the things named best.

import type { SimilarWord } from './similar.ts'

/** A hash or a query: the messages it belongs to, and how frequent it seems, as a share of all messages. */
export interface Sighting {
  readonly messages: readonly number[]
  readonly share: number
}

const WORDS = 400
const SIGHTINGS = 200
const ANCHORS = 40
const ROUNDS = 6
/** Of how much a share counts beside the forty neighbours. */
const SHARE_WEIGHT = 8

const byMessage = (all: readonly (readonly number[])[]): Iterable<readonly number[]> => {
  const there = new Map<number, number[]>()
  for (const [index, holders] of all.entries()) {
    for (const message of holders) there.set(message, [...(there.get(message) ?? []), index])
  }
  return there.values()
}

/** `together[i][j]`: the root of the share of messages that have both; roots, so that rare pairs count too. */
const togetherOf = (all: readonly (readonly number[])[], messages: number): Float64Array[] => {
  const counts = all.map(() => new Float64Array(all.length))
  for (const there of byMessage(all)) {
    for (const row of there.flatMap((one) => counts[one] ?? [])) {
      for (const other of there) row[other] = (row[other] ?? 0) + 1
    }
  }
  return counts.map((row) => row.map((count) => Math.sqrt(count / Math.max(1, messages))))
}

interface Tables {
  readonly seen: readonly Float64Array[]
  readonly known: readonly Float64Array[]
  readonly seenShare: readonly number[]
  readonly knownShare: readonly number[]
}

const distance = (
  tables: Tables,
  sighting: number,
  word: number,
  named: readonly number[],
): number => {
  const seen = tables.seen[sighting]
  const known = tables.known[word]
  if (seen === undefined || known === undefined) return Number.POSITIVE_INFINITY
  const shares = Math.log((tables.seenShare[sighting] ?? 0) / (tables.knownShare[word] ?? 1))
  let sum = (SHARE_WEIGHT * shares * shares) / 1000
  for (let anchor = 0; anchor < Math.min(ANCHORS, named.length); anchor += 1) {
    const gap = (seen[anchor] ?? 0) - (known[named[anchor] ?? 0] ?? 0)
    sum += gap * gap
  }
  return sum
}

/** Each sighting in turn takes the nearest word that is still free. */
const nameAll = (tables: Tables, named: readonly number[]): number[] => {
  const taken = new Set<number>()
  return tables.seen.map((_, sighting) => {
    let best = 0
    let least = Number.POSITIVE_INFINITY
    for (let word = 0; word < tables.known.length; word += 1) {
      if (taken.has(word)) continue
      const far = distance(tables, sighting, word, named)
      if (far < least) {
        least = far
        best = word
      }
    }
    taken.add(best)
    return best
  })
}

/**
 * A word for each of the most frequent sightings, by their place in `sightings`. `messages`: how many there are on the
 * side of the sightings and on that of the similar text.
 */
export const nameByCoOccurrence = (
  sightings: readonly Sighting[],
  words: readonly SimilarWord[],
  messages: { readonly seen: number; readonly known: number },
): ReadonlyMap<number, string> => {
  const order = [...sightings.keys()]
    .sort((one, other) => (sightings[other]?.share ?? 0) - (sightings[one]?.share ?? 0))
    .slice(0, SIGHTINGS)
  const chosen = words.slice(0, WORDS)
  const tables: Tables = {
    seen: togetherOf(
      order.map((index) => sightings[index]?.messages ?? []),
      messages.seen,
    ),
    known: togetherOf(
      chosen.map(({ holders }) => holders),
      messages.known,
    ),
    seenShare: order.map((index) => sightings[index]?.share ?? 0),
    knownShare: chosen.map(({ holders }) => holders.length / Math.max(1, messages.known)),
  }
  if (chosen.length === 0) return new Map()
  let named = nameAll(tables, [])
  for (let round = 0; round < ROUNDS; round += 1) named = nameAll(tables, named)
  return new Map(order.map((index, rank) => [index, chosen[named[rank] ?? 0]?.term ?? '']))
}
