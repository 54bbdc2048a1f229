// The languages whose words we can bring to their root: a closed list, stored with each room's index.
// It names them only; which library stems which is decided in root.ts.

/** Languages of the Latin script, and Russian. A room has one; Cyrillic words are Russian in every room. */
export const LANGUAGES = [
  'english',
  'danish',
  'dutch',
  'finnish',
  'french',
  'german',
  'italian',
  'norwegian',
  'portuguese',
  'russian',
  'spanish',
  'swedish',
] as const

export type Language = (typeof LANGUAGES)[number]

/** Undefined for anything but an exact name of the list: an unknown language is never guessed. */
export const parseLanguage = (name: string): Language | undefined =>
  LANGUAGES.find((language) => language === name)
