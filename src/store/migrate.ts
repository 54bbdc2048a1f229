// Brings a database to this program's schema: numbered, forward only, each in one transaction. What was
// run is kept as text, so that a migration changed after it was applied, or one this program does not
// know, refuses the start instead of running on a schema that nobody wrote.

import { type Kysely, sql } from 'kysely'
import { type Migration as KyselyMigration, Migrator } from 'kysely/migration'
import { Fault } from '../fault.ts'
import { driverFault } from './failures.ts'
import { keyring } from './migrations/0001-keyring.ts'
import { keys } from './migrations/0002-keys.ts'
import { sessions } from './migrations/0003-sessions.ts'
import { audit } from './migrations/0004-audit.ts'
import { rooms } from './migrations/0005-rooms.ts'
import { search } from './migrations/0006-search.ts'
import { log } from './migrations/0007-log.ts'
import { shipping } from './migrations/0008-shipping.ts'
import { brought } from './migrations/0009-brought.ts'
import { witness } from './migrations/0010-witness.ts'
import { federation } from './migrations/0011-federation.ts'
import { betweenRealms } from './migrations/0012-between-realms.ts'
import { evidence } from './migrations/0013-evidence.ts'
import { assertNotUnfinished, RESTORE_MARK } from './restore-mark.ts'
import type { Upgrading } from './settings.ts'
import type { Dialect } from './statement.ts'

/** The few words in which the two dialects' table definitions differ. */
export interface Words {
  readonly text: string
  readonly integer: string
  readonly bytes: string
  /** A primary key that the database numbers. */
  readonly identity: string
  /** 32 zero bytes. */
  readonly zeros: string
  /** After the closing parenthesis of a table. */
  readonly end: string
}

export interface Migration {
  readonly name: string
  statements(words: Words): readonly string[]
}

const WORDS: Readonly<Record<Dialect['kind'], Words>> = {
  sqlite: {
    text: 'text',
    integer: 'integer',
    bytes: 'blob',
    identity: 'integer primary key',
    zeros: 'zeroblob(32)',
    // Values of another type than the column's are refused, as PostgreSQL does.
    end: ' strict',
  },
  postgres: {
    // Ordered byte by byte, as SQLite does, whatever the server's locale.
    text: 'text collate "C"',
    integer: 'bigint',
    bytes: 'bytea',
    identity: 'bigint generated always as identity primary key',
    zeros: `decode(repeat('00', 32), 'hex')`,
    end: '',
  },
}

/** In order; names sort as they are numbered. */
export const MIGRATIONS: readonly Migration[] = [
  keyring,
  keys,
  sessions,
  audit,
  rooms,
  search,
  log,
  shipping,
  brought,
  witness,
  federation,
  betweenRealms,
  evidence,
]

/** Tables about the database itself; they are made anew wherever the rows of the others are put. */
export const BOOKKEEPING: readonly string[] = [
  'migrations',
  'migration_lock',
  'migration_texts',
  RESTORE_MARK,
]

export interface Applied {
  readonly migrations: { readonly name: string }
  readonly migration_texts: { readonly name: string; readonly text: string }
}

const textOf = (migration: Migration, kind: Dialect['kind']): string =>
  migration.statements(WORDS[kind]).join(';\n')

const toKysely = (migration: Migration, kind: Dialect['kind']): KyselyMigration => ({
  async up(db) {
    await sql`create table if not exists migration_texts (name text primary key, text text not null)`.execute(
      db,
    )
    for (const statement of migration.statements(WORDS[kind])) await sql.raw(statement).execute(db)
    const text = textOf(migration, kind)
    await sql`insert into migration_texts (name, text) values (${migration.name}, ${text})`.execute(
      db,
    )
  },
})

/** Those applied. Refuses what is not ours, or not ours any more. */
const checkApplied = async (
  db: Kysely<Applied>,
  kind: Dialect['kind'],
  migrations: readonly Migration[],
): Promise<readonly string[]> => {
  const tables = await db.introspection.getTables()
  if (!tables.some((table) => table.name === 'migration_texts')) return []
  const applied = await db.selectFrom('migration_texts').selectAll().execute()
  for (const { name, text } of applied) {
    const migration = migrations.find((candidate) => candidate.name === name)
    if (migration === undefined) throw new Fault('store.migration-unknown', new Error(name))
    if (textOf(migration, kind) !== text)
      throw new Fault('store.migration-changed', new Error(name))
  }
  return applied.map(({ name }) => name)
}

/**
 * What this program would still run on a database that an older one made; empty for a new database, and for one that
 * is up to date. Throws a Fault like `migrate`.
 */
const pendingMigrations = async (
  db: Kysely<Applied>,
  kind: Dialect['kind'],
): Promise<readonly string[]> => {
  const applied = await checkApplied(db, kind, MIGRATIONS)
  if (applied.length === 0) return []
  return MIGRATIONS.map(({ name }) => name).filter((name) => !applied.includes(name))
}

/** What an operator can do something about keeps its own code. */
const TELLING: readonly string[] = [
  'store.full',
  'store.busy',
  'store.unavailable',
  'store.read-only',
  'store.corrupt',
]

const failureOf = (kind: Dialect['kind'], error: unknown): Fault => {
  // Without a code it is kysely's own: a history that it does not understand.
  const isDrivers = error instanceof Error && 'code' in error
  const fault = isDrivers ? driverFault(kind, error) : undefined
  return fault !== undefined && TELLING.includes(fault.code)
    ? fault
    : new Fault('store.migration-failed', error)
}

/** Runs what is missing, all of it in one transaction. Safe beside others that do the same: they wait, then find nothing to do. */
export const migrate = async (
  db: Kysely<Applied>,
  kind: Dialect['kind'],
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> => {
  await checkApplied(db, kind, migrations)
  const migrator = new Migrator({
    db,
    migrationTableName: 'migrations',
    migrationLockTableName: 'migration_lock',
    provider: {
      getMigrations: async () =>
        Object.fromEntries(
          migrations.map((migration) => [migration.name, toKysely(migration, kind)]),
        ),
    },
  })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw failureOf(kind, error)
}

export interface Forward {
  readonly upgrading: Upgrading
  /** The filling from a backup that this caller knows to be unfinished, and may see. */
  readonly restore?: string | undefined
}

/**
 * Throws a Fault `store.migration-pending` where something is to be run on a database in use, and may not be, and
 * `store.restore-unfinished` where a backup was being put back.
 */
export const bringForward = async (
  db: Kysely<Applied>,
  kind: Dialect['kind'],
  { upgrading, restore }: Forward,
): Promise<void> => {
  await assertNotUnfinished(db, restore)
  if (upgrading === 'refused') {
    const pending = await pendingMigrations(db, kind)
    if (pending.length > 0) throw new Fault('store.migration-pending', new Error(pending.join()))
  }
  await migrate(db, kind)
}
