// What reading a database out and filling it again promise, whichever database it is; and that rows only go into the
// tables they came out of.

import type { Row, Table } from '../backup/index.ts'
import { Fault } from '../fault.ts'
import type { Migration } from './migrate.ts'

/** The database as it was at one moment, however long reading takes and whatever is written meanwhile. */
export interface Snapshot {
  readonly kind: 'sqlite' | 'postgres'
  /** Names of those applied, in order. */
  readonly migrations: readonly string[]
  /** In an order in which what is referred to comes first. */
  readonly tables: readonly Table[]
  rows(table: Table): AsyncIterable<readonly Row[]>
  close(): Promise<void>
}

/** What a filling brings about: these migrations, these tables, and the mark that it is not concluded. */
export interface Wanted {
  readonly migrations: readonly Migration[]
  readonly tables: readonly Table[]
  readonly restore: string
}

/** An empty database being filled. Nothing is there before `finish` resolves, then everything. */
export interface Refill {
  insert(table: Table, rows: readonly Row[]): Promise<void>
  finish(): Promise<void>
  abandon(): Promise<void>
}

const shapeOf = (tables: readonly Table[]): string =>
  tables
    .map(({ name, columns }) => {
      const named = columns.map((column) => `${column.name} ${column.kind}`)
      return `${name}: ${named.toSorted().join(', ')}`
    })
    .toSorted()
    .join('\n')

/** Throws a Fault `store.tables-differ`. */
export const assertSameTables = (wanted: readonly Table[], found: readonly Table[]): void => {
  if (shapeOf(wanted) !== shapeOf(found)) throw new Fault('store.tables-differ')
}
