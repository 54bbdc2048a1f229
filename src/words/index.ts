// The door of words: what a word is, to the index, to a query and to whoever shows what was found.
// No keys, no I/O, nothing of Node: indexer and client use the same rules.

export type { Span } from './align.ts'
export { type Atom, cut, type Kind } from './cut.ts'
export { type Finder, finderOf, type PartsFinder, partsFinderOf } from './find.ts'
export { LANGUAGES, type Language, parseLanguage } from './language.ts'
export { normalize } from './normalize.ts'
export { queryTermsOf } from './query.ts'
export { termsOf } from './terms.ts'
export { WORDS_VERSION } from './version.ts'
