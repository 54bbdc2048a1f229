// A realm on the disk as an older program left it: really made, with rooms, wrapped keys and a log of its own, then laid
// back onto the first so many migrations. What that schema had no column for is not there any more.

import { randomUUID } from 'node:crypto'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Act } from '../../src/audit/index.ts'
import type { Column, Row, Table, Value } from '../../src/backup/index.ts'
import { loadSettings } from '../../src/config/index.ts'
import { systemRandom } from '../../src/crypto/index.ts'
import { type KeyUri, parseClientId, parseUserId, type UserId } from '../../src/id.ts'
import type { Keyring } from '../../src/kms/index.ts'
import {
  configuredPassphrase,
  openRealm,
  type Realm,
  unlockRealm,
} from '../../src/main/assembly.ts'
import { storeSettings } from '../../src/main/store-settings.ts'
import { urisOf } from '../../src/protocol/index.ts'
import {
  concludeRefill,
  openRefill,
  openSnapshot,
  type StoreSettings,
} from '../../src/store/index.ts'
import { MIGRATIONS } from '../../src/store/migrate.ts'
import { execute, migrateSome } from '../contract/store/execute.ts'
import { entriesOf, type MadeRealm, makeRealm } from './made-realm.ts'
import { PEOPLE } from './world.ts'

const sure = <Some>(value: Some | undefined): Some => {
  if (value === undefined) throw new Error('not valid')
  return value
}

const ALICE: UserId = sure(parseUserId(PEOPLE.alice))
const CLIENT = sure(parseClientId('https://core.example/devices/old'))
const KEYS_PER_ROOM = 3

const bindingOf = (uri: KeyUri): Act => ({
  action: 'key.bound',
  outcome: 'done',
  actor: { kind: 'system' },
  type: 'KEY',
  keys: [uri],
})

/** A room with its keys, as the corridor would have made it. */
const addRoom = async ({ keyring, ledger, kms }: Realm): Promise<void> => {
  const uris = urisOf(kms.domain)
  const [organizationId] = kms.organizations
  const resourceUri = uris.resource(randomUUID())
  await ledger.commit(async (tx, now) => {
    const made = { organizationId, createdBy: ALICE, createdAt: now }
    await tx.resources.insert({ uri: resourceUri, ...made })
    const keys = Array.from({ length: KEYS_PER_ROOM }, () => {
      const uri = uris.key(randomUUID())
      const wrapped = keyring.wrap(organizationId, 'content', uri, systemRandom.bytes(32))
      return { uri, ...made, clientId: CLIENT, wrapped, state: 'unbound', bindBy: now } as const
    })
    await tx.keys.insert(keys)
    await tx.keys.bind(
      keys.map(({ bindBy: _, ...key }) => ({ ...key, state: 'bound', resourceUri, boundAt: now })),
    )
    await tx.keyring.countWraps(sure(keys[0]).wrapped.keyEncryptionKeyId, KEYS_PER_ROOM)
    const uri = uris.authorization(randomUUID())
    const who = { authId: ALICE, kind: 'user', role: 'participant', createdBy: ALICE } as const
    await tx.authorizations.insert([{ uri, resourceUri, ...who, createdAt: now }])
    return { result: undefined, acts: keys.map((key) => bindingOf(key.uri)) }
  })
}

/** Rooms, keys and entries; published. Answers the keyring that opens all of it. */
const furnish = async (config: string, rooms: number): Promise<Keyring> => {
  const settings = loadSettings(config)
  const realm = await openRealm(settings)
  await unlockRealm(realm, sure(configuredPassphrase(settings)))
  for (let made = 0; made < rooms; made += 1) await addRoom(realm)
  await realm.log.publishAll()
  await realm.store.close()
  return realm.keyring
}

export interface Filled {
  readonly table: Table
  readonly rows: readonly Row[]
}

/** Every table of a database as it is. */
export const readAll = async (settings: StoreSettings): Promise<ReadonlyMap<string, Filled>> => {
  const snapshot = await openSnapshot(settings)
  const all = new Map<string, Filled>()
  for (const table of snapshot.tables) {
    const rows: Row[] = []
    for await (const piece of snapshot.rows(table)) rows.push(...piece)
    all.set(table.name, { table, rows })
  }
  await snapshot.close()
  return all
}

const tablesAt = async (migrations: number, folder: string): Promise<readonly Table[]> => {
  const settings = { kind: 'sqlite', file: join(folder, 'schema.sqlite') } as const
  await migrateSome(settings, migrations)
  const snapshot = await openSnapshot(settings)
  await snapshot.close()
  return snapshot.tables
}

/** Of the hash chain that the tree took the place of nothing is left but its columns. */
const lost = ({ kind }: Column): Value => (kind === 'bytes' ? new Uint8Array(32) : null)

const laidBack = (table: Table, { table: { columns }, rows }: Filled): readonly Row[] => {
  const places = table.columns.map(({ name }) => columns.findIndex((one) => one.name === name))
  return rows.map((row) =>
    table.columns.map((column, index) => {
      const place = places[index] ?? -1
      return place < 0 ? lost(column) : (row[place] ?? null)
    }),
  )
}

const emptied = async (settings: StoreSettings): Promise<void> => {
  if (settings.kind === 'postgres')
    return execute(settings, 'drop schema public cascade; create schema public')
  for (const end of ['', '-wal', '-shm']) rmSync(`${settings.file}${end}`, { force: true })
}

/** The realm's database as the program that knew so many migrations would have left it. */
const layBack = async (realm: MadeRealm, migrations: number): Promise<void> => {
  const settings = storeSettings(loadSettings(realm.config))
  const [all, tables] = [await readAll(settings), await tablesAt(migrations, realm.folder)]
  await emptied(settings)
  const restore = randomUUID()
  const names = MIGRATIONS.slice(0, migrations).map(({ name }) => name)
  const refill = await openRefill(settings, { migrations: names, tables, restore })
  for (const table of tables) {
    const filled = all.get(table.name)
    if (filled !== undefined) await refill.insert(table, laidBack(table, filled))
  }
  await refill.finish()
  await concludeRefill(settings, restore)
  // As any program that served it has left it.
  if (settings.kind === 'sqlite') await execute(settings, 'pragma journal_mode = wal')
  // Before there was a tree nobody published a checkpoint of it.
  if (!tables.some(({ name }) => name === 'log_tree')) rmSync(realm.path('state/log-checkpoint'))
}

export interface OldRealm extends MadeRealm {
  /** Opens every key of it. */
  readonly keyring: Keyring
}

export interface OldRealmWish {
  readonly migrations: number
  readonly rooms: number
  /** Laid over the settings, section by section. */
  readonly changes?: object
}

export const makeOldRealm = async (wish: OldRealmWish): Promise<OldRealm> => {
  const realm = await makeRealm(wish.changes)
  const keyring = await furnish(realm.config, wish.rooms)
  await layBack(realm, wish.migrations)
  return { ...realm, keyring }
}

/** The same realm once more, in a folder of its own; with another database, where it is not in that folder. */
export const copyRealm = (realm: OldRealm, store?: unknown): OldRealm => {
  const folder = mkdtempSync(join(tmpdir(), 'keyrealm copied-'))
  cpSync(realm.folder, folder, { recursive: true })
  const path = (name: string): string => join(folder, name)
  const config = path('appliance.json')
  const settings = JSON.parse(readFileSync(config, 'utf8'))
  if (store !== undefined) writeFileSync(config, JSON.stringify({ ...settings, store }))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  const entries = () => entriesOf(config)
  return { ...realm, folder, config, path, recoveryKey: path('recovery.key'), entries, remove }
}
