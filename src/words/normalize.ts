// One form for all the ways of writing the same text: compatibility forms, case, apostrophes, invisible characters.
// Follows Unicode's NFKC_Casefold (UAX #31, section 5.1; UAX #15), with the differences that README.md names.

const ONLY_ASCII = /^\p{ASCII}*$/u
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu
/** Longer heaps of marks take quadratic time to put in order; UAX #15, section 13, takes 30 for more than enough. */
const HEAPS_OF_MARKS = /([\p{M}\uff9e\uff9f]{30})[\p{M}\uff9e\uff9f]+/gu
const APOSTROPHES = /[\u2018\u2019\u02bc]/g
const FINAL_SIGMA = /\u03c2/g
const DOTS_AFTER_I = /i\u0307+/g

export const isAscii = (text: string): boolean => ONLY_ASCII.test(text)

/** Lower case alone misses the sharp s, ligatures and Greek: up and down again is full case folding. */
const foldCase = (text: string): string =>
  text.toLowerCase().toUpperCase().toLowerCase().replace(FINAL_SIGMA, '\u03c3')

/**
 * The form in which texts are compared. Idempotent, total: a lone surrogate becomes U+FFFD, which belongs to no word.
 * Punctuation, spaces and control characters stay.
 */
export const normalize = (text: string): string => {
  if (isAscii(text)) return text.toLowerCase()
  const visible = text.toWellFormed().replace(INVISIBLE, '').replace(HEAPS_OF_MARKS, '$1')
  return foldCase(visible.normalize('NFKC'))
    .replace(APOSTROPHES, "'")
    .normalize('NFKC')
    .replace(DOTS_AFTER_I, 'i')
    .replace(HEAPS_OF_MARKS, '$1')
    .normalize('NFC')
}
