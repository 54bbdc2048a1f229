// The first part of a backup: whose it is, of when, by which program, and what is in it. A backup of another format
// or of a newer program is refused before anything else of it is read.

import { Fault } from '../fault.ts'
import type { Column, ColumnKind, Table } from './rows.ts'

export interface KeptFile {
  /** Of the part. */
  readonly part: string
  /** Dotted path of the setting that names it, e.g. `core.keyFile`. */
  readonly setting: string
  /** Inside the folder that the setting names, or in a folder of that one; absent where it names the file itself. */
  readonly inFolder?: string
  /** Permission bits. */
  readonly mode: number
}

export interface About {
  readonly format: 'keyrealm-backup/1'
  readonly domain: string
  /** RFC 3339, UTC. */
  readonly createdAt: string
  /** Of the program that wrote it. */
  readonly version: string
  readonly store: 'sqlite' | 'postgres'
  /** Applied to the database, in order. */
  readonly migrations: readonly string[]
  /** In an order in which what is referred to comes first. */
  readonly tables: readonly Table[]
  readonly files: readonly KeptFile[]
}

const FORMAT = 'keyrealm-backup/1'
const KINDS: Readonly<Record<string, ColumnKind>> = {
  text: 'text',
  integer: 'integer',
  bytes: 'bytes',
}
/** Names become SQL. */
const SQL_NAME = /^[a-z][a-z0-9_]{0,62}$/
const MIGRATION_NAME = /^\d{4}-[a-z-]{1,40}$/
const PART_NAME = /^files\/\d{4}$/
/** In a folder, or in a folder of that one; hidden ones are nobody's. */
const IN_FOLDER = /^(?:[^./\p{Cc}][^/\p{Cc}]{0,254}\/)?[^./\p{Cc}][^/\p{Cc}]{0,254}$/u

const damaged = (): Fault => new Fault('backup.damaged-about')

type Members = Readonly<Record<string, unknown>>

const membersOf = (raw: unknown): Members => {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw damaged()
  return { ...raw }
}

const textOf = (raw: unknown, form: RegExp): string => {
  if (typeof raw !== 'string' || !form.test(raw)) throw damaged()
  return raw
}

const listOf = <Item>(raw: unknown, parse: (item: unknown) => Item): readonly Item[] => {
  if (!Array.isArray(raw)) throw damaged()
  return raw.map(parse)
}

const parseColumn = (raw: unknown): Column => {
  const { name, kind } = membersOf(raw)
  const known = typeof kind === 'string' ? KINDS[kind] : undefined
  if (known === undefined) throw damaged()
  return { name: textOf(name, SQL_NAME), kind: known }
}

const parseTable = (raw: unknown): Table => {
  const { name, columns } = membersOf(raw)
  return { name: textOf(name, SQL_NAME), columns: listOf(columns, parseColumn) }
}

const parseFile = (raw: unknown): KeptFile => {
  const { part, setting, inFolder, mode } = membersOf(raw)
  if (typeof mode !== 'number' || !Number.isInteger(mode) || mode < 0 || mode > 0o777)
    throw damaged()
  return {
    part: textOf(part, PART_NAME),
    setting: textOf(setting, /^[A-Za-z0-9_.]{1,200}$/),
    mode,
    ...(inFolder === undefined ? {} : { inFolder: textOf(inFolder, IN_FOLDER) }),
  }
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw damaged()
  }
}

/** Throws a Fault `backup.unknown-format` or `backup.damaged-about`. */
export const parseAbout = (text: string): About => {
  const raw = membersOf(parseJson(text))
  if (raw['format'] !== FORMAT) throw new Fault('backup.unknown-format')
  const { store } = raw
  if (store !== 'sqlite' && store !== 'postgres') throw damaged()
  return {
    format: FORMAT,
    domain: textOf(raw['domain'], /^[a-z0-9.-]{1,253}$/),
    createdAt: textOf(raw['createdAt'], /^[0-9TZ:.-]{20,30}$/),
    version: textOf(raw['version'], /^[\w.+-]{1,64}$/),
    store,
    migrations: listOf(raw['migrations'], (name) => textOf(name, MIGRATION_NAME)),
    tables: listOf(raw['tables'], parseTable),
    files: listOf(raw['files'], parseFile),
  }
}

/** Could this be read again? Better known before anything is written. */
export const isReadableAbout = (about: About): boolean => {
  try {
    parseAbout(printAbout(about))
    return true
  } catch {
    return false
  }
}

export const printAbout = (about: About): string => `${JSON.stringify(about, undefined, 2)}\n`
