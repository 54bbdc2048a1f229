// A statement is built once by kysely, checked against the schema, and compiled to SQL text; after that
// a call only binds values, because building costs about fifteen times what a point read costs.
// The dialect fills three gaps: a list, a table of rows, and many rows inserted. No SQL is run here.

import {
  type CompiledQuery,
  type Expression,
  type Kysely,
  type QueryExecutorProvider,
  type RawBuilder,
  type SqlBool,
  sql,
} from 'kysely'
import type { Columns, Kind, RowOf, Schema, TypeOf } from './schema.ts'

/** What a parameter is: one value, a list of texts, or a table of rows. */
export type ParameterKind = Kind | 'texts' | Columns
export type ParameterKinds = Readonly<Record<string, ParameterKind>>

type ValueOf<K extends ParameterKind> = K extends Kind
  ? TypeOf<K>
  : K extends 'texts'
    ? readonly string[]
    : K extends Columns
      ? readonly RowOf<K>[]
      : never
export type ValuesOf<Ks extends ParameterKinds> = { readonly [Name in keyof Ks]: ValueOf<Ks[Name]> }

/** A list parameter: true where the column holds one of its texts. */
export interface List {
  has(column: string): Expression<SqlBool>
}

/** A table parameter: its rows, numbered from 0 in the order given. */
type Table<C extends Columns> = RawBuilder<RowOf<C> & { readonly position: number }>

type PlaceholderOf<K extends ParameterKind> = K extends Kind
  ? RawBuilder<TypeOf<K>>
  : K extends 'texts'
    ? List
    : K extends Columns
      ? Table<K>
      : never
type PlaceholdersOf<Ks extends ParameterKinds> = {
  readonly [Name in keyof Ks]: PlaceholderOf<Ks[Name]>
}

/** Stands in a built query where a value will be bound. */
export class Hole {
  readonly name: string
  readonly encode: (value: unknown) => unknown

  constructor(name: string, encode: (value: unknown) => unknown) {
    this.name = name
    this.encode = encode
  }
}

const asItIs = (value: unknown): unknown => value ?? null

export const hole = (name: string, encode = asItIs): RawBuilder<unknown> =>
  sql`${new Hole(name, encode)}`

/** What SQLite and PostgreSQL say differently. */
export interface Dialect {
  readonly kind: 'sqlite' | 'postgres'
  /** Builds and compiles queries; it has no connection. */
  readonly builder: Kysely<Schema>
  list(name: string): List
  table(name: string, columns: Columns): RawBuilder<unknown>
  /** The rows of an insertion as a table: one at a time on SQLite, all at once on PostgreSQL. */
  inserted(columns: Columns): RawBuilder<unknown>
  /** The same as the end of `insert into … (…)`, where nothing is looked up on the way. */
  values(columns: Columns): RawBuilder<unknown>
}

export interface Statement<Values, Row> {
  /** `keys.find`; also the name of the prepared statement on PostgreSQL. */
  readonly name: string
  readonly sql: string
  bind(values: Values): unknown[]
  /** Never set: it carries the type of a row. */
  readonly row?: Row
}

/** Bound to one row at a time (SQLite) or to all of them at once (PostgreSQL). */
export interface Insertion<Row> {
  readonly name: string
  readonly sql: string
  bindOne(row: Row): unknown[]
  bindAll(rows: readonly Row[]): unknown[]
}

const placeholder = (dialect: Dialect, name: string, kind: ParameterKind): unknown => {
  if (kind === 'texts') return dialect.list(name)
  return typeof kind === 'string' ? hole(name) : dialect.table(name, kind)
}

type Holder = (from: (name: string) => unknown) => unknown

const holders = (parameters: readonly unknown[]): readonly Holder[] =>
  parameters.map((parameter) =>
    parameter instanceof Hole ? (from) => parameter.encode(from(parameter.name)) : () => parameter,
  )

/** A built query, whether by kysely's builder or as text by its `sql` tag. */
interface Query<Row> {
  compile(executor: QueryExecutorProvider): CompiledQuery<Row>
}

/** Builds `name` once for a dialect. Values and rows are typed by `kinds` and by what is selected. */
export const prepare = <const Ks extends ParameterKinds, Row>(
  dialect: Dialect,
  name: string,
  kinds: Ks,
  build: (db: Kysely<Schema>, parameters: PlaceholdersOf<Ks>) => Query<Row>,
): Statement<ValuesOf<Ks>, Row> => {
  const entries = Object.entries(kinds).map(([key, kind]) => [key, placeholder(dialect, key, kind)])
  // Object.fromEntries forgets which name has which kind; `kinds` says it.
  const query = build(dialect.builder, Object.fromEntries(entries) as PlaceholdersOf<Ks>)
  const compiled = query.compile(dialect.builder)
  const bound = holders(compiled.parameters)
  return {
    name,
    sql: compiled.sql,
    bind: (values) => bound.map((holder) => holder((key) => values[key])),
  }
}

/** An insertion as text by kysely's `sql` tag, its rows asked of the dialect. */
export const prepareInsertion = <const C extends Columns>(
  dialect: Dialect,
  name: string,
  _columns: C,
  query: RawBuilder<unknown>,
): Insertion<RowOf<C>> => {
  const compiled = query.compile(dialect.builder)
  const bound = holders(compiled.parameters)
  return {
    name,
    sql: compiled.sql,
    bindOne: (row) => bound.map((holder) => holder((key) => row[key])),
    bindAll: (rows) => bound.map((holder) => holder((key) => rows.map((row) => row[key]))),
  }
}

/** The ordinary insertion: every column of one table, as given. */
export const prepareInsert = <const C extends Columns>(
  dialect: Dialect,
  table: keyof Schema,
  columns: C,
  conflict: RawBuilder<unknown> = sql``,
): Insertion<RowOf<C>> => {
  const names = sql.join(Object.keys(columns).map((column) => sql.ref(column)))
  const rows = dialect.values(columns)
  const query = sql`insert into ${sql.table(table)} (${names}) ${rows} ${conflict}`
  return prepareInsertion(dialect, `${table}.insert`, columns, query)
}

/** One connection inside one transaction. Throws Faults only. */
export interface Link {
  /** The audit head as read when the transaction took its lock, where taking it reads it. */
  readonly lockedHead?: { readonly sequence: number; readonly recorded_at: number }
  all<Values, Row>(statement: Statement<Values, Row>, values: Values): Promise<readonly Row[]>
  /** How many rows changed. */
  run<Values, Row>(statement: Statement<Values, Row>, values: Values): Promise<number>
  /** How many rows were inserted or, on conflict, updated. */
  insertAll<Row>(insertion: Insertion<Row>, rows: readonly Row[]): Promise<number>
}
