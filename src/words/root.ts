// Brings a word to its root. Libraries do it, one per language, chosen by measurement: the table is in README.md.
// Words with digits are names and numbers, and stay as they are; so does every script without a stemmer here.

import { stemmer as danish } from '@orama/stemmers/danish'
import { stemmer as finnish } from '@orama/stemmers/finnish'
import { stemmer as french } from '@orama/stemmers/french'
import { stemmer as russian } from '@orama/stemmers/russian'
import english from 'natural/lib/natural/stemmers/porter_stemmer.js'
import german from 'natural/lib/natural/stemmers/porter_stemmer_de.js'
import spanish from 'natural/lib/natural/stemmers/porter_stemmer_es.js'
import italian from 'natural/lib/natural/stemmers/porter_stemmer_it.js'
import dutch from 'natural/lib/natural/stemmers/porter_stemmer_nl.js'
import norwegian from 'natural/lib/natural/stemmers/porter_stemmer_no.js'
import portuguese from 'natural/lib/natural/stemmers/porter_stemmer_pt.js'
import swedish from 'natural/lib/natural/stemmers/porter_stemmer_sv.js'
import { bounded } from './digest.ts'
import type { Language } from './language.ts'
import { HASH_START, hashOn, WordCache } from './word-cache.ts'

type Stem = (word: string) => string

/** The bare stemmers, for the test that holds them against Snowball's own lists. */
export const STEMMERS: Readonly<Record<Language, Stem>> = {
  english: (word) => english.stem(word),
  danish,
  dutch: (word) => dutch.stem(word),
  finnish,
  french,
  german: (word) => german.stem(word),
  italian: (word) => italian.stem(word),
  norwegian: (word) => norwegian.stem(word),
  portuguese: (word) => portuguese.stem(word),
  russian,
  spanish: (word) => spanish.stem(word),
  swedish: (word) => swedish.stem(word),
}

const LATIN = /^[\p{Script=Latin}\p{M}']+$/u
const CYRILLIC = /^[\p{Script=Cyrillic}\p{M}']+$/u
const POSSESSIVE = /'s$/
/** What French and Italian write together with the next word; the word that people look for comes after it. */
const ELISIONS: Partial<Record<Language, RegExp>> = {
  french: /^(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quoiqu)'/,
  italian: /^(?:[cdlmnstv]|un|gl|[dn]?all|[dns][eu]ll|coll|quell|quest|sant|tutt)'/,
}
/** No natural language has such words; stemmers are made for those that it has. */
const LONGEST_STEMMED = 64

const stemmerFor = (word: string, language: Language): Stem | undefined => {
  if (CYRILLIC.test(word)) return STEMMERS.russian
  return LATIN.test(word) && language !== 'russian' ? STEMMERS[language] : undefined
}

const computeRoot = (word: string, language: Language): string => {
  const elision = ELISIONS[language]
  const bare = (elision === undefined ? word : word.replace(elision, '')).replace(POSSESSIVE, '')
  const stem = bare.length > LONGEST_STEMMED ? undefined : stemmerFor(bare, language)
  return bounded(stem?.(bare) || bare)
}

/** Longer words are rare; remembering them would let strangers fill the memory. */
const LONGEST_CACHED = 40

/** Finds roots of words of normalised texts, by position and by the hash of their units (word-cache.ts). */
export type RootAt = (text: string, start: number, end: number, hash: number) => string

const rootsIn = new Map<Language, RootAt>()

const withCache = (language: Language): RootAt => {
  const cache = new WordCache()
  return (text, start, end, hash) => {
    const known = cache.find(text, start, end, hash)
    if (known !== undefined) return known
    const word = text.slice(start, end)
    const root = computeRoot(word, language)
    if (word.length <= LONGEST_CACHED) cache.keep(word, hash, root)
    return root
  }
}

/** One cache per language, made when it is first needed. */
export const rootsOf = (language: Language): RootAt => {
  const known = rootsIn.get(language)
  if (known !== undefined) return known
  const rootAt = withCache(language)
  rootsIn.set(language, rootAt)
  return rootAt
}

/** The index term of one normalised word, at most 40 bytes of UTF-8. */
export const rootOf = (word: string, language: Language): string => {
  let hash = HASH_START
  for (let at = 0; at < word.length; at++) hash = hashOn(hash, word.charCodeAt(at))
  return rootsOf(language)(word, 0, word.length, hash)
}
