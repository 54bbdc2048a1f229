// Normalises a text and remembers where each part of it came from, so that what was found can be shown in the original.
// Browser and Node alike; positions are UTF-16 units.

import { isAscii, normalize } from './normalize.ts'

export interface Aligned {
  readonly normalized: string
  /** The range in the original of a range, not empty, of the normalised text. */
  readonly origin: (start: number, end: number) => Span
}

export interface Span {
  readonly start: number
  readonly end: number
}

/**
 * Characters that normalisation may join to the one before: marks, invisible ones, half-width voicing marks, SARA AM
 * of Thai and Lao, letters of which Hangul syllables are composed, and vowels of Kirat Rai and Tulu-Tigalari.
 */
const JOINS =
  '\\p{M}\\p{Default_Ignorable_Code_Point}\\uff9e\\uff9f\\u0e33\\u0eb3\\u1100-\\u11ff\\u3131-\\u318e\\ua960-\\ua97f\\ud7b0-\\ud7ff' +
  '\\uffa0-\\uffdc\\u{16d63}-\\u{16d6a}\\u{11380}-\\u{113cf}'
const CELL = new RegExp(`[^${JOINS}][${JOINS}]*|[${JOINS}]+`, 'gu')

/** What is normalised cell by cell is what is normalised at once: a law, tested for any text. */
export const align = (text: string): Aligned => {
  if (isAscii(text))
    return { normalized: text.toLowerCase(), origin: (start, end) => ({ start, end }) }
  let normalized = ''
  const starts: number[] = []
  const ends: number[] = []
  for (const match of text.toWellFormed().matchAll(CELL)) {
    const [cell] = match
    const form = normalize(cell)
    normalized += form
    for (let unit = 0; unit < form.length; unit++) {
      starts.push(match.index)
      ends.push(match.index + cell.length)
    }
  }
  return {
    normalized,
    origin: (start, end) => ({ start: starts[start] ?? 0, end: ends[end - 1] ?? text.length }),
  }
}
