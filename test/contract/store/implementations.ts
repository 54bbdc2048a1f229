// What the contract runs on: SQLite in a folder of its own, and PostgreSQL on a server of its own. Where
// there can be no server the suite says why and skips, unless KEYREALM_REQUIRE_POSTGRES=1 forbids that.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { type OpenStore, openStore, type StoreSettings } from '../../../src/store/index.ts'
import { startPostgres } from '../../support/postgres.ts'
import { keyEncryptionKey, mainKey } from './make.ts'

/** Asks for PostgreSQL and nothing else: SQLite always runs where this is not set. */
const isRequired = process.env['KEYREALM_REQUIRE_POSTGRES'] === '1'
/** The fast suite: the suite `postgres` runs the same on a server. */
const isSqliteOnly = process.env['KEYREALM_SQLITE_ONLY'] === '1'

export interface Implementation {
  readonly name: 'SQLite' | 'PostgreSQL'
  readonly options: { readonly skip?: string }
  /** Settings of a fresh database. */
  fresh(): Promise<StoreSettings>
  stop(): Promise<void>
}

const sqlite = (): Implementation => {
  // A space in the name, because a user's folder may have one.
  const folder = mkdtempSync(join(tmpdir(), 'keyrealm store-'))
  let made = 0
  return {
    name: 'SQLite',
    options: {},
    async fresh() {
      made += 1
      return { kind: 'sqlite', file: join(folder, String(made), 'realm.db') }
    },
    async stop() {
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const postgres = async (): Promise<Implementation> => {
  const server = await startPostgres()
  if ('unavailable' in server) {
    if (isRequired) throw new Error(server.unavailable)
    const never = () => Promise.reject(new Error(server.unavailable))
    const options = { skip: server.unavailable }
    return { name: 'PostgreSQL', options, fresh: never, stop: () => Promise.resolve() }
  }
  return {
    name: 'PostgreSQL',
    options: {},
    fresh: async () => ({
      kind: 'postgres',
      url: await server.createDatabase(),
      poolSize: 4,
    }),
    stop: server.stop,
  }
}

export const implementations = async (): Promise<readonly Implementation[]> => {
  if (isSqliteOnly) return [sqlite()]
  return isRequired ? [await postgres()] : [sqlite(), await postgres()]
}

/** Closes when the tests of the file, or of the group it is called in, have run. */
export const openFor = async (settings: StoreSettings): Promise<OpenStore> => {
  const store = await openStore(settings)
  after(() => store.close())
  return store
}

/** A store on a fresh database, with the one key-encryption key that `make.ts` wraps under. */
export const openFresh = async (implementation: Implementation): Promise<OpenStore> => {
  const store = await openFor(await implementation.fresh())
  await store.transact(async (tx) => {
    await tx.keyring.insertMainKey(mainKey)
    await tx.keyring.insertKeyEncryptionKey(keyEncryptionKey)
  })
  return store
}
