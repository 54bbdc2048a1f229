// What a query means: words that must all be there, and "phrases" whose words must follow each other as written.
// It asks the index for no more than is needed; find.ts decides whether a text really answers.

import { type Atom, cut, isJoined } from './cut.ts'
import type { Language } from './language.ts'
import { normalize } from './normalize.ts'
import { charactersOf, pairsOf } from './pairs.ts'
import { rootOf } from './root.ts'
import { joinedTerm } from './terms.ts'
import { segmentsOf } from './unspaced.ts'

/** `word`: one atom, found by its root. `chain`: `example.com`, as written. `phrase`: as written, in this order. */
export interface Clause {
  readonly kind: 'word' | 'chain' | 'phrase'
  readonly atoms: readonly Atom[]
}

const QUOTES = /["\u201c\u201d\u201e\u201f\u00ab\u00bb]/

/** Neighbours that are joined by a dot stay together; everything else stands alone. */
const chainsOf = (text: string): Clause[] => {
  const chains: Atom[][] = []
  for (const atom of cut(text)) {
    const open = chains.at(-1)
    const last = open?.at(-1)
    if (open !== undefined && last !== undefined && isJoined(text, last, atom)) open.push(atom)
    else chains.push([atom])
  }
  return chains.map((atoms) => ({ kind: atoms.length > 1 ? 'chain' : 'word', atoms }))
}

const phraseOf = (text: string): Clause[] => {
  const atoms = cut(text)
  return atoms.length === 0 ? [] : [{ kind: 'phrase', atoms }]
}

/** A quote that is not closed is no quote. */
export const readQuery = (query: string): readonly Clause[] => {
  const parts = normalize(query).split(QUOTES)
  return parts.flatMap((part, at) => {
    const isQuoted = at % 2 === 1 && at < parts.length - 1
    return isQuoted ? phraseOf(part) : chainsOf(part)
  })
}

const termsOfAtom = (atom: Atom, language: Language): readonly string[] => {
  switch (atom.kind) {
    case 'word':
      return [rootOf(atom.text, language)]
    case 'emoji':
      return [atom.text]
    case 'run':
      return pairsOf(atom.text)
    case 'unspaced':
      return segmentsOf(atom.text)
  }
}

/** A character that in a text may be the half of two pairs: it finds where it stands alone, and must not exclude. */
const isWeak = ({ kind, text }: Atom): boolean => kind === 'run' && charactersOf(text).length < 2

const termsOfClause = ({ kind, atoms }: Clause, language: Language): readonly string[] => {
  if (kind === 'chain')
    return atoms.slice(1).flatMap((right, at) => {
      const left = atoms[at]
      return left === undefined ? [] : [joinedTerm(left, right)]
    })
  const strong = atoms.filter((atom) => !isWeak(atom))
  const asked = strong.length > 0 ? strong : atoms
  return asked.flatMap((atom) => termsOfAtom(atom, language))
}

/**
 * For each word, chain or phrase of the query the terms that a message must have, all of them; distinct, in order.
 * Empty if nothing can be searched. Single characters of Chinese, Japanese or Korean are asked for only if the query
 * has nothing else.
 */
export const queryTermsOf = (query: string, language: Language): readonly (readonly string[])[] => {
  const clauses = readQuery(query)
  const strong = clauses.filter(({ atoms }) => !atoms.every(isWeak))
  const asked = strong.length > 0 ? strong : clauses
  const words = asked.map((clause) => [...new Set(termsOfClause(clause, language))])
  return [...new Map(words.map((terms) => [terms.join(' '), terms])).values()]
}
