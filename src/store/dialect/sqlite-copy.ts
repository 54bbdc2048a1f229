// A SQLite database read out row by row, and filled again. Reading is one read transaction: a snapshot beside any
// writer, with nothing of it put on a disk. Filling is one transaction on a new file.

import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import Sqlite from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import type { ColumnKind, Row, Table, Value } from '../../backup/index.ts'
import { Fault } from '../../fault.ts'
import { sqliteFault } from '../failures.ts'
import { BOOKKEEPING, migrate } from '../migrate.ts'
import { markStatements, RESTORE_MARK, unmark } from '../restore-mark.ts'
import { assertSameTables, type Refill, type Snapshot, type Wanted } from '../row-copy.ts'
import type { SqliteSettings } from '../settings.ts'
import { makeFile } from './sqlite-database.ts'

const KINDS: Readonly<Record<string, ColumnKind>> = {
  TEXT: 'text',
  INTEGER: 'integer',
  BLOB: 'bytes',
}
const ROWS_AT_ONCE = 500

const kindOf = (declared: string): ColumnKind => {
  const kind = KINDS[declared.toUpperCase()]
  if (kind === undefined) throw new Fault('store.unreadable')
  return kind
}

/** In the order of their making, so that what is referred to comes first. */
const namesOf = (database: Sqlite.Database): readonly string[] =>
  database
    .prepare<[], { name: string }>(
      `select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by rowid`,
    )
    .all()
    .map(({ name }) => name)

const tablesOf = (database: Sqlite.Database): readonly Table[] =>
  namesOf(database)
    .filter((name) => !BOOKKEEPING.includes(name))
    .map((name) => ({
      name,
      columns: database
        .prepare<[string], { name: string; type: string }>(
          'select name, type from pragma_table_info(?) order by cid',
        )
        .all(name)
        .map((column) => ({ name: column.name, kind: kindOf(column.type) })),
    }))

const migrationsOf = (database: Sqlite.Database): readonly string[] =>
  database
    .prepare<[], { name: string }>('select name from migration_texts order by name')
    .all()
    .map(({ name }) => name)

const columnsOf = ({ columns }: Table): string => columns.map(({ name }) => `"${name}"`).join(', ')

async function* rowsOf(database: Sqlite.Database, table: Table): AsyncGenerator<readonly Row[]> {
  const all = database.prepare<[], Value[]>(`select ${columnsOf(table)} from "${table.name}"`).raw()
  let rows: Row[] = []
  for (const row of all.iterate()) {
    rows.push(row)
    if (rows.length < ROWS_AT_ONCE) continue
    yield rows
    rows = []
  }
  if (rows.length > 0) yield rows
}

/** Throws a Fault if there is no such database, or none of ours. */
export const openSqliteSnapshot = async (settings: SqliteSettings): Promise<Snapshot> => {
  let opened: Sqlite.Database | undefined
  try {
    const database = new Sqlite(resolve(settings.file), { readonly: true, fileMustExist: true })
    opened = database
    database.exec('begin')
    // The first read takes the snapshot.
    const migrations = migrationsOf(database)
    return {
      kind: 'sqlite',
      migrations,
      tables: tablesOf(database),
      rows: (table) => rowsOf(database, table),
      close: async () => void database.close(),
    }
  } catch (error) {
    opened?.close()
    throw sqliteFault(error)
  }
}

const refillOf = (database: Sqlite.Database): Refill => ({
  async insert(table, rows) {
    const places = table.columns.map(() => '?').join(', ')
    const insertion = database.prepare(
      `insert into "${table.name}" (${columnsOf(table)}) values (${places})`,
    )
    try {
      for (const row of rows) insertion.run(...row)
    } catch (error) {
      throw sqliteFault(error)
    }
  },
  async finish() {
    try {
      database.exec('commit')
      const found = database.pragma('integrity_check', { simple: true })
      if (found !== 'ok') throw new Fault('store.corrupt')
    } catch (error) {
      throw sqliteFault(error)
    } finally {
      database.close()
    }
  },
  async abandon() {
    if (database.open) database.close()
  },
})

/** Nothing there, or what a filling that was not concluded left: all that is taken out. */
const assertEmpty = (database: Sqlite.Database): void => {
  const names = namesOf(database)
  if (names.length === 0) return
  if (!names.includes(RESTORE_MARK)) throw new Fault('store.not-empty')
  for (const name of names.toReversed()) database.exec(`drop table "${name}"`)
}

const kyselyOn = <Tables>(database: Sqlite.Database): Kysely<Tables> =>
  new Kysely({ dialect: new SqliteDialect({ database }) })

/** A file at these migrations, its tables empty, in a transaction that ends with `finish`. */
export const openSqliteRefill = async (
  settings: SqliteSettings,
  { migrations, tables, restore }: Wanted,
): Promise<Refill> => {
  const file = resolve(settings.file)
  let opened: Sqlite.Database | undefined
  try {
    if (!existsSync(file)) makeFile(file)
    const database = new Sqlite(file)
    opened = database
    for (const pragma of ['synchronous = full', 'foreign_keys = on', 'trusted_schema = off']) {
      database.pragma(pragma)
    }
    database.exec('begin immediate')
    assertEmpty(database)
    await migrate(kyselyOn(database), 'sqlite', migrations)
    assertSameTables(tables, tablesOf(database))
    for (const { name } of tables.toReversed()) database.exec(`delete from "${name}"`)
    for (const statement of markStatements(restore)) database.exec(statement)
    return refillOf(database)
  } catch (error) {
    opened?.close()
    throw sqliteFault(error)
  }
}

export const finishSqliteRefill = async (
  settings: SqliteSettings,
  restore: string,
): Promise<void> => {
  let opened: Sqlite.Database | undefined
  try {
    opened = new Sqlite(resolve(settings.file), { fileMustExist: true })
    // Flushed within the commit: whoever is told goes on to forget which filling it was.
    opened.pragma('synchronous = full')
    await unmark(kyselyOn(opened), restore)
  } catch (error) {
    throw sqliteFault(error)
  } finally {
    opened?.close()
  }
}
