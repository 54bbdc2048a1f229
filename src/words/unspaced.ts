// Thai, Lao, Khmer and Myanmar by the dictionaries of Intl.Segmenter, which are part of the engine.
// Their state is part of WORDS_VERSION; only the realm segments, so that a browser's dictionaries do not matter.

import { bounded } from './digest.ts'

// A fixed locale: the machine's own must not decide what a word is. The dictionary goes by script.
const segmenter = new Intl.Segmenter('en', { granularity: 'word' })

/** NFKC takes SARA AM apart, and the dictionaries know it only in one piece. */
const recompose = (text: string): string =>
  text.replaceAll('\u0e4d\u0e32', '\u0e33').replaceAll('\u0ecd\u0eb2', '\u0eb3')

const segment = (text: string): string[] =>
  Array.from(segmenter.segment(text), ({ segment: word }) => word)

/** What a query asks for. */
export const segmentsOf = (run: string): readonly string[] => segment(recompose(run)).map(bounded)

/**
 * What is indexed: the segments, and those that a segment falls into when it stands alone, as it will in a query:
 * where a word ends depends on what is around it.
 */
export const indexedSegmentsOf = (run: string): readonly string[] => {
  const found = new Set<string>()
  const open = segment(recompose(run))
  for (let word = open.pop(); word !== undefined; word = open.pop()) {
    if (found.has(word)) continue
    found.add(word)
    for (const part of segment(word)) open.push(part)
  }
  return [...found].map(bounded)
}
