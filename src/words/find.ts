// Decides whether a decrypted text really answers a query, and where: the exact check after the index's guess.
// Runs at the client. Decoys, pairs of characters that stand apart, and words out of order end here.

import { type Aligned, align, type Span } from './align.ts'
import { type Atom, cut, isJoined } from './cut.ts'
import type { Language } from './language.ts'
import { type Clause, readQuery } from './query.ts'
import { rootOf } from './root.ts'

const MARK = /^\p{M}/u

interface Text extends Aligned {
  readonly atoms: readonly Atom[]
}

const isUnspaced = ({ kind }: Atom): boolean => kind === 'run' || kind === 'unspaced'

/** Whether a character ends here: a mark that follows would belong to it. */
const isWhole = (text: string, end: number): boolean => !MARK.test(text.slice(end, end + 2))

/** Every place of `part` in an atom without spaces. */
const placesIn = (atom: Atom, part: string): Span[] => {
  const places: Span[] = []
  for (let at = atom.text.indexOf(part); at >= 0; at = atom.text.indexOf(part, at + 1))
    if (isWhole(atom.text, at + part.length))
      places.push({ start: atom.start + at, end: atom.start + at + part.length })
  return places
}

const placesOfWord = ({ atoms }: Text, wanted: Atom, language: Language): Span[] => {
  const alike = atoms.filter(({ kind }) => kind === wanted.kind)
  if (isUnspaced(wanted)) return alike.flatMap((atom) => placesIn(atom, wanted.text))
  const root = rootOf(wanted.text, language)
  return alike.filter(({ text }) => rootOf(text, language) === root)
}

const placesAsWritten = ({ atoms }: Text, wanted: Atom): Span[] => {
  const alike = atoms.filter(({ kind }) => kind === wanted.kind)
  return isUnspaced(wanted)
    ? alike.flatMap((atom) => placesIn(atom, wanted.text))
    : alike.filter(({ text }) => text === wanted.text)
}

/** An atom as a phrase wants it; where the phrase begins or ends, a longer run may continue. */
const placeInPhrase = (atom: Atom, wanted: Atom, edge: 'first' | 'last' | 'inner'): Span[] => {
  const { kind, text, start, end } = atom
  if (kind !== wanted.kind) return []
  if (text === wanted.text) return [atom]
  if (!isUnspaced(wanted)) return []
  const { length } = wanted.text
  if (edge === 'first' && text.endsWith(wanted.text)) return [{ start: end - length, end }]
  const isBeginning = edge === 'last' && text.startsWith(wanted.text) && isWhole(text, length)
  return isBeginning ? [{ start, end: start + length }] : []
}

const follows = ({ normalized, atoms }: Text, { kind }: Clause, at: number): boolean => {
  const before = atoms[at - 1]
  const atom = atoms[at]
  return kind !== 'chain' || (before && atom && isJoined(normalized, before, atom)) === true
}

/** The places of all atoms of the clause if they stand one after the other from here; else none. */
const sequenceAt = (text: Text, clause: Clause, from: number): Span[] => {
  const places: Span[] = []
  const last = clause.atoms.length - 1
  for (const [at, wanted] of clause.atoms.entries()) {
    const atom = text.atoms[from + at]
    if (atom === undefined || (at > 0 && !follows(text, clause, from + at))) return []
    const edge = at === 0 ? 'first' : at === last ? 'last' : 'inner'
    const found = placeInPhrase(atom, wanted, edge)
    if (found.length === 0) return []
    places.push(...found)
  }
  return places
}

const placesOf = (text: Text, clause: Clause, language: Language): Span[] => {
  const [only, ...more] = clause.atoms
  if (only === undefined) return []
  if (more.length > 0) return text.atoms.flatMap((_, from) => sequenceAt(text, clause, from))
  return clause.kind === 'word' ? placesOfWord(text, only, language) : placesAsWritten(text, only)
}

/** In order, and overlapping ones as one. */
const merge = (spans: readonly Span[]): readonly Span[] => {
  const merged: Span[] = []
  for (const span of spans.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    const last = merged.at(-1)
    if (last === undefined || span.start >= last.end) merged.push(span)
    else merged.splice(-1, 1, { start: last.start, end: Math.max(last.end, span.end) })
  }
  return merged
}

/** Undefined: this text does not answer the query. Otherwise where it does, as UTF-16 ranges of the text as it came. */
export type Finder = (text: string) => readonly Span[] | undefined

/** The same for a message of several texts, such as names of files beside it: for each text its own ranges. */
export type PartsFinder = (texts: readonly string[]) => readonly (readonly Span[])[] | undefined

const toText = (original: string): Text => {
  const aligned = align(original)
  return { ...aligned, atoms: cut(aligned.normalized) }
}

/**
 * Reads a query once, for many messages. All its words must be there, in any of the texts; a chain or a quoted phrase
 * must stand in one. A query without words finds nothing.
 */
export const partsFinderOf = (query: string, language: Language): PartsFinder => {
  const clauses = readQuery(query)
  return (originals) => {
    if (clauses.length === 0) return undefined
    const texts = originals.map(toText)
    const found = texts.map((): Span[] => [])
    for (const clause of clauses) {
      const places = texts.map((text) => placesOf(text, clause, language))
      if (places.every(({ length }) => length === 0)) return undefined
      for (const [index, part] of places.entries()) found[index]?.push(...part)
    }
    return texts.map(({ origin }, index) =>
      merge((found[index] ?? []).map(({ start, end }) => origin(start, end))),
    )
  }
}

/**
 * Reads a query once, for many texts. All its words must be there, by their roots in the room's language; chains like
 * `example.com` and quoted phrases as they are written, whatever their case and form. A query without words finds nothing.
 */
export const finderOf = (query: string, language: Language): Finder => {
  const find = partsFinderOf(query, language)
  return (text) => find([text])?.[0]
}
