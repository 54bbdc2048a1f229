// What PostgreSQL says in its own way: a list is an array, a table is one array a column, unnested, and
// many rows are inserted by one statement in one round trip.

import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type RawBuilder,
  type SqlBool,
  sql,
} from 'kysely'
import type { Columns, Kind, Schema } from '../schema.ts'
import { type Dialect, hole } from '../statement.ts'

const builder = new Kysely<Schema>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
})

const ARRAYS: Readonly<Record<Kind, string>> = {
  text: 'text[]',
  'text?': 'text[]',
  integer: 'bigint[]',
  'integer?': 'bigint[]',
  bytes: 'bytea[]',
}

const pick =
  (name: string) =>
  (rows: unknown): unknown =>
    // The values of a table parameter are typed where the statement is prepared.
    (rows as Record<string, unknown>[]).map((row) => row[name])

/** Arrays side by side as rows. Text is ordered and compared as in the tables, byte by byte. */
const unnested = (
  columns: Columns,
  arrays: readonly RawBuilder<unknown>[],
): RawBuilder<unknown> => {
  const names = sql.join(Object.keys(columns).map((column) => sql.ref(column)))
  const selected = Object.entries(columns).map(([column, kind]) =>
    ARRAYS[kind] === 'text[]'
      ? sql`${sql.ref(column)} collate "C" as ${sql.ref(column)}`
      : sql.ref(column),
  )
  return sql`(select ordinal - 1 as position, ${sql.join(selected)} from unnest(${sql.join(arrays)}) with ordinality as rows (${names}, ordinal))`
}

const table = (name: string, columns: Columns): RawBuilder<unknown> =>
  unnested(
    columns,
    Object.entries(columns).map(
      ([column, kind]) => sql`${hole(name, pick(column))}::${sql.raw(ARRAYS[kind])}`,
    ),
  )

const inserted = (columns: Columns): RawBuilder<unknown> =>
  unnested(
    columns,
    Object.entries(columns).map(([column, kind]) => sql`${hole(column)}::${sql.raw(ARRAYS[kind])}`),
  )

const values = (columns: Columns): RawBuilder<unknown> => {
  const names = sql.join(Object.keys(columns).map((column) => sql.ref(column)))
  // In the order given, because rows are numbered as they are inserted.
  return sql`select ${names} from ${inserted(columns)} as given order by position`
}

export const postgresDialect: Dialect = {
  kind: 'postgres',
  builder,
  list: (name) => ({
    has: (column) => sql<SqlBool>`${sql.ref(column)} = any(${hole(name)}::text[])`,
  }),
  table,
  inserted,
  values,
}
