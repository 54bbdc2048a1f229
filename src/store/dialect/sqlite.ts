// What SQLite says in its own way: a list or a table is one JSON text opened by json_each, and rows are
// inserted one by one by a prepared statement, which is faster there than any bulk form (measured).

import {
  DummyDriver,
  Kysely,
  type RawBuilder,
  type SqlBool,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely'
import type { Columns, Schema } from '../schema.ts'
import { type Dialect, hole } from '../statement.ts'

const builder = new Kysely<Schema>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
})

const toJson = (value: unknown): string => JSON.stringify(value)

/** Rows as arrays: shorter, and quicker to take apart, than rows as objects. */
const rowsToJson =
  (names: readonly string[]) =>
  (rows: unknown): string =>
    // The values of a table parameter are typed where the statement is prepared.
    JSON.stringify((rows as Record<string, unknown>[]).map((row) => names.map((name) => row[name])))

const table = (name: string, columns: Columns): RawBuilder<unknown> => {
  const names = Object.keys(columns)
  const fields = names.map(
    (column, index) => sql`value ->> ${sql.lit(index)} as ${sql.ref(column)}`,
  )
  const json = hole(name, rowsToJson(names))
  return sql`(select key as position, ${sql.join(fields)} from json_each(${json}))`
}

const inserted = (columns: Columns): RawBuilder<unknown> => {
  const fields = Object.keys(columns).map((column) => sql`${hole(column)} as ${sql.ref(column)}`)
  return sql`(select ${sql.join(fields)})`
}

const values = (columns: Columns): RawBuilder<unknown> =>
  sql`values (${sql.join(Object.keys(columns).map((column) => hole(column)))})`

export const sqliteDialect: Dialect = {
  kind: 'sqlite',
  builder,
  list: (name) => ({
    has: (column) =>
      sql<SqlBool>`${sql.ref(column)} in (select value from json_each(${hole(name, toJson)}))`,
  }),
  table,
  inserted,
  values,
}
