// What only PostgreSQL has to promise: durable or refused, TLS that checks, few round trips, and a server
// that dies and comes back.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { sql } from 'kysely'
import pg from 'pg'
import { makeDevelopmentCertificates } from '../../scripts/make-dev-certs.ts'
import { whileMigrating } from '../../src/store/dialect/postgres-migrating.ts'
import { toPoolConfig } from '../../src/store/dialect/postgres-settings.ts'
import { openStore } from '../../src/store/index.ts'
import { startPostgres } from '../support/postgres.ts'
import { openFor } from './store/implementations.ts'
import {
  anAnswer,
  anAuthorization,
  anUnboundKey,
  aResource,
  aSession,
  bound,
  entriesAfter,
  keyEncryptionKey,
  mainKey,
  NOW,
} from './store/make.ts'

const folder = mkdtempSync(join(tmpdir(), 'keyrealm-postgres-tls-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const certificates = makeDevelopmentCertificates({
  directory: folder,
  realms: [{ name: 'acme', domain: 'kms.acme.example' }],
})
const pem = (file: string): string => readFileSync(file, 'utf8')

const server = await startPostgres({
  tls: {
    certificatePem: pem(certificates.core.chainFile),
    keyPem: pem(certificates.core.keyFile),
  },
})
if ('unavailable' in server && process.env['KEYREALM_REQUIRE_POSTGRES'] === '1') {
  throw new Error(server.unavailable)
}

const execute = async (url: string, sql: string): Promise<pg.QueryResult> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await client.query(sql)
  } finally {
    await client.end()
  }
}

const postgres = (url: string) => ({ kind: 'postgres', url, poolSize: 4 }) as const

if ('unavailable' in server) {
  describe('PostgreSQL', { skip: server.unavailable }, () => {})
} else {
  after(server.stop)

  test('bringing a large database forward is not given up after a while, and answering requests is', async () => {
    const settings = postgres(await server.createDatabase())
    const shown = await whileMigrating(settings, (db) =>
      sql<{ readonly limit: string }>`select current_setting('statement_timeout') as limit`.execute(
        db,
      ),
    )
    assert.equal(shown.rows[0]?.limit, '0')
    assert.equal(toPoolConfig(settings).statement_timeout, 30_000)
  })

  describe('PostgreSQL', () => {
    test('is refused where it does not keep what it commits', async () => {
      const url = await server.createDatabase()
      const name = new URL(url).pathname.slice(1)
      const refused = { name: 'Fault', code: 'store.not-durable' }
      for (const value of ['off', 'local', 'remote_write']) {
        await execute(url, `alter database ${name} set synchronous_commit = ${value}`)
        await assert.rejects(openStore(postgres(url)), refused, value)
      }
      await execute(url, `alter database ${name} set synchronous_commit = on`)
      const store = await openFor(postgres(url))
      await store.check()
    })

    test('is refused where fsync is off, at the start and when it is asked later', async () => {
      const url = await server.createDatabase()
      const store = await openFor(postgres(url))
      await execute(url, 'alter system set fsync = off')
      await execute(url, 'select pg_reload_conf()')
      try {
        const refused = { name: 'Fault', code: 'store.not-durable' }
        await waitUntil(async () => {
          const { rows } = await execute(url, 'show fsync')
          return rows[0]?.fsync === 'off'
        })
        await assert.rejects(openStore(postgres(url)), refused)
        await waitUntil(() =>
          store.check().then(
            () => false,
            () => true,
          ),
        )
        await assert.rejects(store.check(), refused)
      } finally {
        await execute(url, 'alter system set fsync = on')
        await execute(url, 'select pg_reload_conf()')
      }
    })

    test('is asked over TLS with a certificate that is checked', async () => {
      const settings = postgres(await server.createDatabase())
      const caPem = pem(certificates.tlsCaFile)
      const serverName = 'localhost'
      await openFor({ ...settings, tls: { caPem, serverName } })
      const foreign = pem(certificates.realms[0]?.identityCaFile ?? '')
      const unavailable = { name: 'Fault', code: 'store.unavailable' }
      await assert.rejects(
        openStore({ ...settings, tls: { caPem: foreign, serverName } }),
        unavailable,
      )
      await assert.rejects(
        openStore({ ...settings, tls: { caPem, serverName: 'db.example' } }),
        unavailable,
      )
    })

    test('refuses a wrong password and a server that is not there', async () => {
      const url = new URL(await server.createDatabase())
      const unavailable = { name: 'Fault', code: 'store.unavailable' }
      await assert.rejects(openStore({ ...postgres(url.href), password: 'wrong' }), unavailable)
      url.port = '1'
      await assert.rejects(openStore(postgres(url.href)), unavailable)
    })

    test('answers a whole group of retrievals in eight round trips', async () => {
      const store = await openFor(postgres(await server.createDatabase()))
      const [resource, session] = [aResource(), aSession()]
      const keys = Array.from({ length: 50 }, () => anUnboundKey())
      const allowed = keys.map(() => anAuthorization({ resourceUri: resource.uri }))
      await store.transact(async (tx) => {
        await tx.keyring.insertMainKey(mainKey)
        await tx.keyring.insertKeyEncryptionKey(keyEncryptionKey)
        await tx.sessions.insert(session)
        await tx.resources.insert(resource)
        await tx.authorizations.insert(allowed)
        await tx.keys.insert(keys)
        await tx.keys.bind(keys.map((key) => bound(key, resource.uri)))
      })
      const answers = keys.map(() => anAnswer({ sessionUri: session.uri }))
      const group = () =>
        store.transact(async (tx) => {
          assert.ok((await tx.answers.find(answers)).every((answer) => answer === undefined))
          assert.equal((await tx.keys.find(keys.map((key) => key.uri))).size, 50)
          const reached = await tx.authorizations.reach(allowed, NOW)
          assert.ok(reached.every(Boolean))
          await tx.answers.insert(answers)
          await tx.audit.append(entriesAfter(await tx.audit.head(), 50), NOW)
        })
      assert.equal(await queriesIn(group), 8)
    })

    test('keeps acknowledged commits when the server is killed, and the store finds it again', async () => {
      const store = await openFor(postgres(await server.createDatabase()))
      let acknowledged = 0
      const write = () =>
        store.transact(async (tx) => tx.audit.append(entriesAfter(await tx.audit.head(), 1), NOW))
      const writeForEver = async () => {
        for (;;) {
          await write()
          acknowledged += 1
        }
      }
      const ended = assert.rejects(writeForEver(), { name: 'Fault', code: 'store.unavailable' })
      await waitUntil(() => Promise.resolve(acknowledged >= 20))
      await server.kill()
      await ended
      await assert.rejects(store.check(), { code: 'store.unavailable' })
      await server.restart()
      await store.check()
      const { sequence } = await store.read((tx) => tx.audit.head())
      // One more may have been committed while its acknowledgement was lost.
      assert.ok(sequence === acknowledged || sequence === acknowledged + 1)
      await write()
    })
  })
}

const waitUntil = async (condition: () => Promise<boolean>): Promise<void> => {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve))
}

/** How often the driver is asked while something runs: each time is one round trip. */
const queriesIn = async (work: () => Promise<unknown>): Promise<number> => {
  const { query } = pg.Client.prototype
  let count = 0
  pg.Client.prototype.query = function (this: pg.Client, ...values: unknown[]) {
    count += 1
    return Reflect.apply(query, this, values)
  } as typeof query
  try {
    await work()
    return count
  } finally {
    pg.Client.prototype.query = query
  }
}
