// Which rules made an index: stored with each room epoch, so that index and query never follow different ones.
// Rules are ours (the number), the libraries' and the engine's (the digest): stemmers, dictionaries, Unicode tables.

import { digestOf } from './digest.ts'
import { LANGUAGES } from './language.ts'
import { termsOf } from './terms.ts'

/** Raised by hand with every change of what a term is. */
const RULES = 1

/** Words of the languages that are stemmed, sentences that dictionaries cut, letters new in Unicode 13 to 18. */
const PROBE = [
  'generalization flying relational happily electricity adjustments knitting possibly',
  'häuser aufeinanderfolgenden continuellement malheureusement chevaux abbandonata propiedades',
  'quilométricas klaagden lichamelijkheden friskheten havnedistriktene undersøgelserne talossammekin',
  'продолжительностью вздыхающими ภาษาไทยเป็นภาษาที่มีวรรณยุกต์ ພາສາລາວເປັນພາສາທາງການ',
  'ភាសាខ្មែរជាភាសាផ្លូវការ မြန်မာဘာသာစကားသည် 日本語の本 이것은한국어 İstanbul Straße ΌΣΟΣ',
  '\u{10e80} \u{1e290} \u{1e4d0} \u{2ebf0} \u{10d4a} \u{10940} \u{a7dc} \u{1df00}',
].join(' ')

/** Changes whenever a term of any text could; two processes with the same version make the same terms. */
export const WORDS_VERSION: string = `${RULES}-${digestOf(
  LANGUAGES.flatMap((language) => termsOf(PROBE, language)).join(' '),
)}`
