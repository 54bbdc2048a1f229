// Chinese, Japanese and Korean by pairs of characters: no dictionary, and nothing is ever cut wrongly.
// A pair is found wherever it stands; that the pairs of a word stand together is checked by find.ts.

import { bounded } from './digest.ts'

const CHARACTER = /\P{M}\p{M}*|\p{M}+/gu
const HAN = /^\p{Script=Han}/u

/** With its combining marks, a character is one. */
export const charactersOf = (run: string): readonly string[] => run.match(CHARACTER) ?? []

/** A single Chinese character between kana, or at an end, is nearly always a word of its own. */
const isAlone = (characters: readonly string[], at: number): boolean =>
  HAN.test(characters[at] ?? '') &&
  !HAN.test(characters[at - 1] ?? '') &&
  !HAN.test(characters[at + 1] ?? '')

/** What a query asks for: every pair, or the one character there is. */
export const pairsOf = (run: string): readonly string[] => {
  const characters = charactersOf(run)
  if (characters.length < 2) return characters.map(bounded)
  return characters.slice(1).map((character, at) => bounded((characters[at] ?? '') + character))
}

/** What is indexed beside the pairs, so that words of one character can be found. */
export const aloneIn = (run: string): readonly string[] => {
  const characters = charactersOf(run)
  return characters.filter((_, at) => isAlone(characters, at)).map(bounded)
}
