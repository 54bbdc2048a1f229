// What must be true of a database whose upgrade was interrupted, whenever that was: it has the schema of the old program
// or of the new one, and nothing in between; once the upgrade has been asked for again, every key opens, every row is what
// it was, the log is whole, and it says what was done.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import pg from 'pg'
import type { Row, Table } from '../../../src/backup/index.ts'
import { loadSettings } from '../../../src/config/index.ts'
import { isOpenable, type Keyring } from '../../../src/kms/index.ts'
import { configuredPassphrase, openRealm, unlockRealm } from '../../../src/main/assembly.ts'
import { storeSettings } from '../../../src/main/store-settings.ts'
import type { StoreSettings } from '../../../src/store/index.ts'
import { urlOf } from '../../contract/store/execute.ts'
import { good, keyrealm } from '../../support/made-realm.ts'
import { type Filled, type OldRealm, readAll } from '../../support/old-realm.ts'

export const storeOf = ({ config }: OldRealm): StoreSettings => storeSettings(loadSettings(config))

const SQLITE_SCHEMA = `select type, name, sql from sqlite_schema where name not like 'sqlite_%'
  order by type, name`

const POSTGRES_SCHEMA = `select table_name, column_name, data_type, is_nullable, column_default
    from information_schema.columns where table_schema = 'public'
  union all select tablename, indexname, indexdef, '', '' from pg_indexes where schemaname = 'public'
  order by 1, 2`
const MIGRATIONS_RUN = 'select name, text from migration_texts order by name'

/** Somebody who was killed may have left a statement that the server still runs. */
const alone = async (client: pg.Client): Promise<void> => {
  const others = `select count(*) as n from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`
  for (let tried = 0; tried < 500; tried += 1) {
    const { rows } = await client.query(others)
    if (Number(rows[0]?.n) === 0) return
    await client.query('select pg_sleep(0.02)')
  }
  assert.fail('a connection of somebody dead stays')
}

/** Everything that makes the schema, and what is said to have made it; two programs' differ. */
export const schemaOf = async (settings: StoreSettings): Promise<string> => {
  if (settings.kind === 'sqlite') {
    const database = new Sqlite(settings.file)
    try {
      assert.equal(database.pragma('integrity_check', { simple: true }), 'ok')
      const [schema, run] = [SQLITE_SCHEMA, MIGRATIONS_RUN].map((sql) =>
        database.prepare(sql).all(),
      )
      return JSON.stringify([schema, run])
    } finally {
      database.close()
    }
  }
  const client = new pg.Client({ connectionString: urlOf(settings) })
  await client.connect()
  try {
    await alone(client)
    const [schema, run] = [await client.query(POSTGRES_SCHEMA), await client.query(MIGRATIONS_RUN)]
    return JSON.stringify([schema.rows, run.rows])
  } finally {
    await client.end()
  }
}

const UNCHANGED = ['keys', 'resources', 'authorizations', 'people', 'static_keys', 'main_keys']

const printed = ({ table, rows }: Filled, wanted: Table): readonly string[] => {
  const places = wanted.columns
    .map(({ name }) => table.columns.findIndex((one) => one.name === name))
    .filter((place) => place >= 0)
  return rows.map((row) => JSON.stringify(places.map((place) => row[place]))).toSorted()
}

const bodiesOf = ({ table, rows }: Filled): readonly unknown[] => {
  const at = (wanted: string) => table.columns.findIndex(({ name }) => name === wanted)
  const [sequence, body] = [at('sequence'), at('body')]
  return rows
    .toSorted((a, b) => Number(a[sequence]) - Number(b[sequence]))
    .map((row) => [Number(row[sequence]), row[body]])
}

const tableOf = (all: ReadonlyMap<string, Filled>, name: string): Filled => {
  const found = all.get(name)
  assert.ok(found, name)
  return found
}

const opensEvery = (keyring: Keyring, { table, rows }: Filled): number => {
  const at = (row: Row, wanted: string) => row[table.columns.findIndex((c) => c.name === wanted)]
  for (const row of rows) {
    const bytes = at(row, 'wrapped')
    assert.ok(bytes instanceof Uint8Array)
    const keyEncryptionKeyId = String(at(row, 'key_encryption_key_id'))
    const wrapped = { keyEncryptionKeyId, bytes, version: Number(at(row, 'wrap_version')) }
    assert.ok(isOpenable(keyring, String(at(row, 'uri')), wrapped))
  }
  return rows.length
}

/** Nothing that was there is lost or changed, and every key opens. */
export const keepsAll = async (realm: OldRealm, before: ReadonlyMap<string, Filled>) => {
  const after = await readAll(storeOf(realm))
  for (const name of UNCHANGED) {
    const [was, is] = [tableOf(before, name), tableOf(after, name)]
    assert.deepEqual(printed(is, was.table), printed(was, is.table), name)
  }
  const entries = bodiesOf(tableOf(before, 'audit_entries'))
  assert.deepEqual(bodiesOf(tableOf(after, 'audit_entries')).slice(0, entries.length), entries)
  assert.ok(opensEvery(realm.keyring, tableOf(after, 'keys')) > 0)
  assert.ok(opensEvery(realm.keyring, tableOf(after, 'static_keys')) > 0)
}

/** The new program unlocks it, signs what is new in its log, and finds the log whole. */
const serves = async ({ config }: OldRealm): Promise<void> => {
  const settings = loadSettings(config)
  const realm = await openRealm(settings)
  try {
    const passphrase = configuredPassphrase(settings)
    assert.ok(passphrase)
    await unlockRealm(realm, passphrase)
    await realm.log.publishAll()
    const { verdict, size } = await realm.log.check()
    const { sequence } = await realm.store.read((tx) => tx.audit.head())
    assert.deepEqual({ verdict, size }, { verdict: 'whole', size: sequence })
  } finally {
    await realm.store.close()
  }
}

/** An auditor's look at all of it. */
export const verifies = async ({ config, path }: OldRealm): Promise<void> => {
  await serves({ config } as OldRealm)
  const [vkey = ''] = (await good('audit', 'key', '--config', config)).split('\n')
  writeFileSync(path('vkey'), vkey)
  await good('audit', 'export', '--config', config, '--to', path('log'))
  const verdict = await keyrealm('audit', 'verify', path('log'), '--key', path('vkey'))
  assert.equal(verdict.code, 0, verdict.out)
}

const digestOf = (file: string): string =>
  createHash('sha256').update(readFileSync(file)).digest('hex')

/** Every backup that is there is in the log, and so is the upgrade; nothing half written is left. */
export const isRecorded = async (realm: OldRealm, folder: string): Promise<void> => {
  const names = readdirSync(folder)
  assert.deepEqual(
    names.filter((name) => !name.endsWith('.age')),
    [],
  )
  const entries = await realm.entries()
  const told = (action: string) => entries.filter((entry) => entry['action'] === action)
  assert.ok(told('realm.upgraded').length > 0, 'the upgrade is in the log')
  const written = new Set(told('backup.written').map(({ details }) => Object(details).sha256))
  for (const name of names) assert.ok(written.has(digestOf(`${folder}/${name}`)), name)
}
