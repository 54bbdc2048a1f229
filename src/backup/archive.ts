// A backup as parts, written and read: about.json, settings.json, files, rows of each table, and at the end the digest
// of everything before. It refuses parts out of order, missing, twice, unknown or changed. Encryption is around it.

import { sha256Hex } from '../crypto/index.ts'
import { Fault } from '../fault.ts'
import { type About, parseAbout, printAbout } from './about.ts'
import { parseRows, printRows, type Row, type Table } from './rows.ts'
import { type Part, readTar, writeTar } from './tar.ts'

export interface BackupSource {
  readonly about: About
  /** The settings file, byte for byte. */
  readonly settings: Uint8Array
  /** Of a part that `about.files` names. */
  file(part: string): Promise<Uint8Array>
  /** All rows of a table, in pieces. */
  rows(table: Table): AsyncIterable<readonly Row[]>
}

/** What comes out of a backup, in this order; rows of a table may come in several pieces. */
export type BackupItem =
  | { readonly kind: 'settings'; readonly content: Uint8Array }
  | { readonly kind: 'file'; readonly part: string; readonly content: Uint8Array }
  | { readonly kind: 'rows'; readonly table: Table; readonly rows: readonly Row[] }

export interface ReadBackup {
  readonly about: About
  /** Ends only if the backup is whole. */
  readonly items: AsyncIterable<BackupItem>
}

const ABOUT = 'about.json'
const SETTINGS = 'settings.json'
const DIGESTS = 'SHA256SUMS'
const ROWS_BYTES = 1024 * 1024
const utf8 = new TextEncoder()

const digestLine = ({ name, content }: Part): string => `${sha256Hex(content)}  ${name}\n`

async function* tableParts(table: Table, source: BackupSource): AsyncGenerator<Part> {
  let piece = 1
  let text = ''
  const part = (): Part => {
    const name = `tables/${table.name}/${String(piece).padStart(6, '0')}.jsonl`
    return { name, content: utf8.encode(text) }
  }
  for await (const rows of source.rows(table)) {
    text += printRows(rows)
    if (text.length < ROWS_BYTES) continue
    yield part()
    piece += 1
    text = ''
  }
  if (text !== '') yield part()
}

async function* partsOf(source: BackupSource): AsyncGenerator<Part> {
  yield { name: ABOUT, content: utf8.encode(printAbout(source.about)) }
  yield { name: SETTINGS, content: source.settings }
  for (const { part } of source.about.files) yield { name: part, content: await source.file(part) }
  for (const table of source.about.tables) yield* tableParts(table, source)
}

async function* withDigests(parts: AsyncIterable<Part>): AsyncGenerator<Part> {
  let digests = ''
  for await (const part of parts) {
    digests += digestLine(part)
    yield part
  }
  yield { name: DIGESTS, content: utf8.encode(digests) }
}

/** The bytes of a backup, not yet encrypted. */
export const writeBackup = (source: BackupSource): AsyncIterable<Uint8Array> =>
  writeTar(withDigests(partsOf(source)))

const damaged = (): Fault => new Fault('backup.damaged')

const textOf = (content: Uint8Array): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch {
    throw damaged()
  }
}

/** Which item a part is; parts must come in the order in which they are written. */
const itemReader = (about: About) => {
  let filesRead = 0
  let hasSettings = false
  let at = { table: 0, piece: 0 }
  const rowsOf = ({ name, content }: Part): BackupItem => {
    const [, tableName, pieceName] = /^tables\/(\w+)\/(\d{6,})\.jsonl$/.exec(name) ?? []
    const index = about.tables.findIndex((table) => table.name === tableName)
    const table = about.tables[index]
    const piece = Number(pieceName)
    const isNext = index > at.table ? piece === 1 : index === at.table && piece === at.piece + 1
    if (table === undefined || !isNext || filesRead < about.files.length) throw damaged()
    at = { table: index, piece }
    return { kind: 'rows', table, rows: parseRows(table, textOf(content)) }
  }
  return {
    read(part: Part): BackupItem {
      const { name, content } = part
      if (!hasSettings) {
        if (name !== SETTINGS) throw damaged()
        hasSettings = true
        return { kind: 'settings', content }
      }
      if (name.startsWith('tables/')) return rowsOf(part)
      if (about.files[filesRead]?.part !== name) throw damaged()
      filesRead += 1
      return { kind: 'file', part: name, content }
    },
    isComplete: (): boolean => hasSettings && filesRead === about.files.length,
  }
}

async function* itemsOf(
  about: About,
  first: Part,
  parts: AsyncIterator<Part>,
): AsyncGenerator<BackupItem> {
  const items = itemReader(about)
  let digests = digestLine(first)
  for (;;) {
    const next = await parts.next()
    if (next.done === true) throw damaged()
    const part: Part = next.value
    if (part.name === DIGESTS) {
      if (textOf(part.content) !== digests || !items.isComplete()) throw damaged()
      break
    }
    digests += digestLine(part)
    yield items.read(part)
  }
  if ((await parts.next()).done !== true) throw damaged()
}

/** Reads as far as `about`; the rest comes as it is asked for. Throws Faults `backup.…`. */
export const readBackup = async (source: AsyncIterable<Uint8Array>): Promise<ReadBackup> => {
  const parts = readTar(source)[Symbol.asyncIterator]()
  const first = await parts.next()
  if (first.done === true || first.value.name !== ABOUT) throw damaged()
  const about = parseAbout(textOf(first.value.content))
  return { about, items: itemsOf(about, first.value, parts) }
}
