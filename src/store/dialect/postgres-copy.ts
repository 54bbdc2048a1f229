// A PostgreSQL database read out row by row through a cursor in one repeatable-read snapshot, and filled again in one
// transaction. By the product's own driver: what it reads is what the program knows, over the TLS that is set up.

import pg from 'pg'
import type { ColumnKind, Row, Table, Value } from '../../backup/index.ts'
import { Fault } from '../../fault.ts'
import { postgresFault } from '../failures.ts'
import { BOOKKEEPING, type Migration, migrate } from '../migrate.ts'
import { markStatements, RESTORE_MARK } from '../restore-mark.ts'
import { assertSameTables, type Refill, type Snapshot, type Wanted } from '../row-copy.ts'
import type { PostgresSettings } from '../settings.ts'
import { whileMigrating } from './postgres-migrating.ts'
import { toPoolConfig } from './postgres-settings.ts'

const KINDS: Readonly<Record<string, ColumnKind>> = {
  text: 'text',
  bigint: 'integer',
  bytea: 'bytes',
}
const ARRAYS: Readonly<Record<ColumnKind, string>> = {
  text: 'text[]',
  integer: 'bigint[]',
  bytes: 'bytea[]',
}
const ROWS_AT_ONCE = 500

const COLUMNS = `select c.relname as table, a.attname as name,
    format_type(a.atttypid, null) as type, a.attidentity <> '' as numbered
  from pg_class c join pg_attribute a on a.attrelid = c.oid
  where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'
    and a.attnum > 0 and not a.attisdropped
  order by c.oid, a.attnum`

interface ColumnRow {
  readonly table: string
  readonly name: string
  readonly type: string
  readonly numbered: boolean
}

const columnRows = async (client: pg.ClientBase): Promise<readonly ColumnRow[]> => {
  const { rows } = await client.query<ColumnRow>(COLUMNS)
  return rows.filter(({ table }) => !BOOKKEEPING.includes(table))
}

const kindOf = (type: string): ColumnKind => {
  const kind = KINDS[type]
  if (kind === undefined) throw new Fault('store.unreadable')
  return kind
}

const toTables = (rows: readonly ColumnRow[]): readonly Table[] =>
  [...Map.groupBy(rows, ({ table }) => table)].map(([name, columns]) => ({
    name,
    columns: columns.map((column) => ({ name: column.name, kind: kindOf(column.type) })),
  }))

const hasTable = async (client: pg.ClientBase, name: string): Promise<boolean> => {
  const { rows } = await client.query('select to_regclass(quote_ident($1)) is not null as known', [
    name,
  ])
  return rows[0]?.known === true
}

const migrationsOf = async (client: pg.ClientBase): Promise<readonly string[]> => {
  const { rows } = await client.query<{ name: string }>(
    'select name from migration_texts order by name',
  )
  return rows.map(({ name }) => name)
}

const columnsOf = ({ columns }: Table): string => columns.map(({ name }) => `"${name}"`).join(', ')

const toValue = (kind: ColumnKind, raw: unknown): Value => {
  if (raw === null) return null
  if (kind === 'integer') {
    const value = Number(raw)
    if (!Number.isSafeInteger(value)) throw new Fault('store.unreadable')
    return value
  }
  if (typeof raw === 'string' || raw instanceof Uint8Array) return raw
  throw new Fault('store.unreadable')
}

async function* rowsOf(client: pg.ClientBase, table: Table): AsyncGenerator<readonly Row[]> {
  try {
    await client.query(
      `declare reading no scroll cursor for select ${columnsOf(table)} from "${table.name}"`,
    )
    for (;;) {
      const { rows } = await client.query<unknown[]>({
        text: `fetch ${ROWS_AT_ONCE} from reading`,
        rowMode: 'array',
      })
      if (rows.length === 0) break
      yield rows.map((row) => table.columns.map(({ kind }, index) => toValue(kind, row[index])))
    }
    await client.query('close reading')
  } catch (error) {
    throw postgresFault(error)
  }
}

/** One connection of its own, that may wait for whoever writes the backup down, or reads it. */
const connect = async (settings: PostgresSettings): Promise<pg.Client> => {
  const client = new pg.Client({ ...toPoolConfig(settings), statement_timeout: 0 })
  client.on('error', () => undefined)
  await client.connect()
  await client.query('set idle_in_transaction_session_timeout = 0')
  return client
}

/** Throws a Fault if there is no such database, or none of ours. */
export const openPostgresSnapshot = async (settings: PostgresSettings): Promise<Snapshot> => {
  let client: pg.Client | undefined
  try {
    const connected = await connect(settings)
    client = connected
    await client.query('begin isolation level repeatable read read only')
    if (!(await hasTable(client, 'migration_texts'))) throw new Fault('store.no-realm')
    return {
      kind: 'postgres',
      migrations: await migrationsOf(client),
      tables: toTables(await columnRows(client)),
      rows: (table) => rowsOf(connected, table),
      close: () => connected.end(),
    }
  } catch (error) {
    await client?.end()
    throw postgresFault(error)
  }
}

/** Nothing there, or what a filling that failed leaves: our tables, in which nothing was ever recorded. */
const assertEmpty = async (client: pg.ClientBase, migrations: readonly Migration[]) => {
  const tables = await columnRows(client)
  if (tables.length === 0) return
  const isOurs =
    tables.some(({ table }) => table === 'audit_entries') &&
    (await hasTable(client, 'migration_texts'))
  const applied = isOurs ? await migrationsOf(client) : []
  const isSame = applied.join() === migrations.map(({ name }) => name).join()
  if (!isSame) throw new Fault('store.not-empty')
  const { rows } = await client.query('select exists (select from audit_entries) as used')
  if (rows[0]?.used !== false) throw new Fault('store.not-empty')
}

const insert = async (client: pg.ClientBase, table: Table, rows: readonly Row[]): Promise<void> => {
  const arrays = table.columns.map(({ kind }, index) => `$${index + 1}::${ARRAYS[kind]}`)
  try {
    await client.query(
      `insert into "${table.name}" (${columnsOf(table)}) overriding system value
        select * from unnest(${arrays.join(', ')})`,
      table.columns.map((_, index) => rows.map((row) => row[index])),
    )
  } catch (error) {
    throw postgresFault(error)
  }
}

/** Numbers that the database gives out go on after the largest. */
const continueNumbers = async (client: pg.ClientBase): Promise<void> => {
  for (const { table, name } of (await columnRows(client)).filter(({ numbered }) => numbered)) {
    await client.query(
      `select setval(pg_get_serial_sequence($1, $2), coalesce(max("${name}"), 0) + 1, false)
        from "${table}"`,
      [table, name],
    )
  }
}

const refillOf = (client: pg.Client): Refill => ({
  insert: (table, rows) => insert(client, table, rows),
  async finish() {
    try {
      await continueNumbers(client)
      const { command } = await client.query('commit')
      if (command !== 'COMMIT') throw new Fault('store.not-committed')
    } catch (error) {
      throw postgresFault(error)
    } finally {
      await client.end()
    }
  },
  // The transaction ends with its connection.
  abandon: () => client.end(),
})

const TABLES = `select relname as name from pg_class
  where relnamespace = current_schema()::regnamespace and relkind = 'r'`

/** What a filling that was not concluded left is taken out: the database was empty before it. */
const emptyUnfinished = async (client: pg.ClientBase): Promise<void> => {
  if (!(await hasTable(client, RESTORE_MARK))) return
  const { rows } = await client.query<{ name: string }>(TABLES)
  await client.query(`drop table ${rows.map(({ name }) => `"${name}"`).join(', ')}`)
}

/** A database at these migrations, its tables empty, in a transaction that ends with `finish`. */
export const openPostgresRefill = async (
  settings: PostgresSettings,
  { migrations, tables, restore }: Wanted,
): Promise<Refill> => {
  let client: pg.Client | undefined
  try {
    client = await connect(settings)
    await emptyUnfinished(client)
    await assertEmpty(client, migrations)
    await whileMigrating(settings, (db) => migrate(db, 'postgres', migrations))
    await client.query('begin')
    await client.query('lock table audit_head in exclusive mode')
    await assertEmpty(client, migrations)
    assertSameTables(tables, toTables(await columnRows(client)))
    for (const { name } of tables.toReversed()) await client.query(`delete from "${name}"`)
    for (const statement of markStatements(restore)) await client.query(statement)
    return refillOf(client)
  } catch (error) {
    await client?.end()
    throw postgresFault(error)
  }
}
