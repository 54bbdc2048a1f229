// What an attacker knows from other text of the same kind: which words are how common, and which stand together.

export interface SimilarText {
  readonly messages: number
  /** The commonest first. */
  readonly words: readonly SimilarWord[]
  /** By number of terms in a message, the commonest word of such messages. */
  readonly byLength: (terms: number) => string
}

export interface SimilarWord {
  readonly term: string
  /** The messages that have it. */
  readonly holders: readonly number[]
}

/** Nobody's attack gets further down the list than this. */
const WORDS_KNOWN = 20_000
const LONGEST = 200

const commonest = (counts: ReadonlyMap<string, number>): string => {
  let best = ''
  for (const [term, count] of counts) if (count > (counts.get(best) ?? 0)) best = term
  return best
}

const countByLength = (messages: readonly (readonly string[])[]): readonly string[] => {
  const counts = Array.from({ length: LONGEST + 1 }, () => new Map<string, number>())
  for (const terms of messages) {
    const counted = counts[Math.min(LONGEST, terms.length)]
    for (const term of terms) counted?.set(term, (counted.get(term) ?? 0) + 1)
  }
  return counts.map(commonest)
}

export const learn = (messages: readonly (readonly string[])[]): SimilarText => {
  const holders = new Map<string, number[]>()
  for (const [message, terms] of messages.entries()) {
    for (const term of terms) {
      const known = holders.get(term)
      if (known === undefined) holders.set(term, [message])
      else known.push(message)
    }
  }
  const words = [...holders]
    .map(([term, its]): SimilarWord => ({ term, holders: its }))
    .sort((one, other) => other.holders.length - one.holders.length)
    .slice(0, WORDS_KNOWN)
  const byLength = countByLength(messages)
  return {
    messages: messages.length,
    words,
    byLength: (terms) => byLength[Math.min(LONGEST, terms)] || (words[0]?.term ?? ''),
  }
}
