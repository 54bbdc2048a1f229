// The index terms of a text: what the realm hashes, one token per term and message.
// Keeps nothing of order, place or number: the same words in another order are the same terms.

import { termsOfAscii } from './ascii.ts'
import { type Atom, cut, isJoined } from './cut.ts'
import { bounded } from './digest.ts'
import type { Language } from './language.ts'
import { normalize } from './normalize.ts'
import { aloneIn, pairsOf } from './pairs.ts'
import { rootOf } from './root.ts'
import { indexedSegmentsOf } from './unspaced.ts'

/** The joined form of two neighbours, unstemmed: `10.0`. A longer chain has one for each of its dots. */
export const joinedTerm = (left: Atom, right: Atom): string => bounded(`${left.text}.${right.text}`)

const addTerms = (atom: Atom, language: Language, terms: Set<string>): void => {
  switch (atom.kind) {
    case 'word':
      terms.add(rootOf(atom.text, language))
      return
    case 'emoji':
      terms.add(atom.text)
      return
    case 'run':
      for (const term of pairsOf(atom.text)) terms.add(term)
      for (const term of aloneIn(atom.text)) terms.add(term)
      return
    case 'unspaced':
      for (const term of indexedSegmentsOf(atom.text)) terms.add(term)
  }
}

/**
 * The distinct index terms of one text, in order of appearance. Each is at most 40 bytes of UTF-8, well-formed, not
 * empty, and without control characters. Total: any string, of any length.
 */
export const termsOf = (text: string, language: Language): readonly string[] => {
  const fast = termsOfAscii(text, language)
  if (fast !== undefined) return fast
  const normalized = normalize(text)
  const terms = new Set<string>()
  let previous: Atom | undefined
  for (const atom of cut(normalized)) {
    addTerms(atom, language, terms)
    if (previous !== undefined && isJoined(normalized, previous, atom))
      terms.add(joinedTerm(previous, atom))
    previous = atom
  }
  return [...terms]
}
