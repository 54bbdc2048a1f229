// Rows of tables as JSON lines: an array for each row, bytes as base64url. Every value is held against its column's
// kind when it is read back; nothing is coerced.

import { decodeB64u, encodeB64u } from '../crypto/index.ts'
import { Fault } from '../fault.ts'

export type ColumnKind = 'text' | 'integer' | 'bytes'

export interface Column {
  readonly name: string
  readonly kind: ColumnKind
}

export interface Table {
  readonly name: string
  readonly columns: readonly Column[]
}

export type Value = string | number | null | Uint8Array
/** In the order of the table's columns. */
export type Row = readonly Value[]

const toJson = (value: Value): string | number | null =>
  value instanceof Uint8Array ? encodeB64u(value) : value

/** One line for each row. */
export const printRows = (rows: readonly Row[]): string =>
  rows.map((row) => `${JSON.stringify(row.map(toJson))}\n`).join('')

const damaged = (): Fault => new Fault('backup.damaged-rows')

const fromJson = (kind: ColumnKind, raw: unknown): Value => {
  if (raw === null) return null
  if (kind === 'integer') {
    if (typeof raw === 'number' && Number.isSafeInteger(raw)) return raw
    throw damaged()
  }
  if (typeof raw !== 'string') throw damaged()
  if (kind === 'text') return raw
  const bytes = decodeB64u(raw)
  if (bytes === undefined) throw damaged()
  return bytes
}

const parseLine = (line: string): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    throw damaged()
  }
}

/** Throws a Fault `backup.damaged-rows`. */
export const parseRows = ({ columns }: Table, text: string): readonly Row[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const raw = parseLine(line)
      if (!Array.isArray(raw) || raw.length !== columns.length) throw damaged()
      return columns.map(({ kind }, index) => fromJson(kind, raw[index]))
    })
