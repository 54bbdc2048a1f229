// Cuts normalised text into atoms: words, runs of scripts that are written without spaces, emoji.
// It decides where, not what is indexed. Unicode's own properties; no dictionary.

import { isAscii } from './normalize.ts'

/** `run`: Chinese, Japanese, Korean. `unspaced`: Thai, Lao, Khmer, Myanmar. */
export type Kind = 'word' | 'run' | 'unspaced' | 'emoji'

export interface Atom {
  readonly kind: Kind
  readonly text: string
  /** UTF-16 positions in the normalised text; `end` is the first one after it. */
  readonly start: number
  readonly end: number
}

const ASCII_WORD = /[a-z0-9]+(?:'[a-z0-9]+)*/g

const RUN =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}\\p{Script=Bopomofo}\\u30fc'
const UNSPACED = '\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}'
const LETTERS = "[\\p{L}\\p{N}\\p{M}]+(?:'[\\p{L}\\p{N}][\\p{L}\\p{N}\\p{M}]*)*"
const EMOJI = '\\p{Regional_Indicator}{2}|\\p{Extended_Pictographic}'

const PIECE = new RegExp(`${LETTERS}|${EMOJI}`, 'gu')
const STARTS_AS_EMOJI = new RegExp(`^(?:${EMOJI})`, 'u')
const HAS_OTHER_KINDS = new RegExp(`[${RUN}${UNSPACED}]`, 'u')
const BY_KIND = new RegExp(
  `(?<run>[${RUN}][${RUN}\\p{M}]*)|(?<unspaced>[${UNSPACED}][${UNSPACED}\\p{M}]*)` +
    `|(?<word>[^${RUN}${UNSPACED}']+(?:'[^${RUN}${UNSPACED}']+)*)`,
  'gu',
)

const kindOf = (groups: Readonly<Record<string, string | undefined>> | undefined): Kind =>
  groups?.['run'] !== undefined ? 'run' : groups?.['unspaced'] !== undefined ? 'unspaced' : 'word'

const pushByKind = (piece: string, offset: number, atoms: Atom[]): void => {
  for (const match of piece.matchAll(BY_KIND)) {
    const [text] = match
    const start = offset + match.index
    atoms.push({ kind: kindOf(match.groups), text, start, end: start + text.length })
  }
}

const cutAscii = (text: string): Atom[] => {
  const atoms: Atom[] = []
  ASCII_WORD.lastIndex = 0
  for (let match = ASCII_WORD.exec(text); match !== null; match = ASCII_WORD.exec(text))
    atoms.push({ kind: 'word', text: match[0], start: match.index, end: ASCII_WORD.lastIndex })
  return atoms
}

/** The atoms of a normalised text, in order. Never empty ones; what is between them is not searched. */
export const cut = (normalized: string): readonly Atom[] => {
  if (isAscii(normalized)) return cutAscii(normalized)
  const atoms: Atom[] = []
  for (const match of normalized.matchAll(PIECE)) {
    const [text] = match
    const start = match.index
    if (HAS_OTHER_KINDS.test(text)) pushByKind(text, start, atoms)
    else {
      const kind = STARTS_AS_EMOJI.test(text) ? 'emoji' : 'word'
      atoms.push({ kind, text, start, end: start + text.length })
    }
  }
  return atoms
}

/** Whether two atoms that follow each other are joined as in `example.com`, `v1.2`, `10.0`. */
export const isJoined = (normalized: string, left: Atom, right: Atom): boolean =>
  left.kind === 'word' &&
  right.kind === 'word' &&
  left.end + 1 === right.start &&
  normalized.charCodeAt(left.end) === 0x2e
