// A realm on PostgreSQL is backed up, rehearsed without a server, and put back into another database; and preflight sees
// a server that forgets.

import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import pg from 'pg'
import { preflight } from '../../src/main/preflight/command.ts'
import { good, makeRealm } from '../support/made-realm.ts'
import { startPostgres } from '../support/postgres.ts'
import { DOMAIN } from '../support/world.ts'

const isSqliteOnly = process.env['KEYREALM_SQLITE_ONLY'] === '1'
const server = isSqliteOnly
  ? { unavailable: 'the fast suite has no server' }
  : await startPostgres()
const folder = mkdtempSync(join(tmpdir(), 'keyrealm pg-backup-'))
after(async () => {
  rmSync(folder, { recursive: true, force: true })
  if (!('unavailable' in server)) await server.stop()
})

/** A `store` section for a fresh database; the password in a file. */
const freshStore = async (name: string) => {
  assert.ok(!('unavailable' in server))
  const url = await server.createDatabase()
  const { username, password, host, pathname } = new URL(url)
  const file = join(folder, name)
  writeFileSync(file, decodeURIComponent(password), { mode: 0o600 })
  const store = {
    kind: 'postgres',
    url: `postgres://${username}@${host}${pathname}`,
    password: { file },
    tls: { mode: 'disable' },
  }
  return { url, store }
}

const skip = 'unavailable' in server ? server.unavailable : false
test('from PostgreSQL into a sandbox without a server, and into another database', {
  skip,
}, async (t) => {
  const { url, store } = await freshStore('one')
  const realm = await makeRealm({ store })
  t.after(() => realm.remove())
  const file = realm.path('backups/b.age')
  await good('backup', '--config', realm.config, '--out', file, '--recipient', realm.recipient)
  const rehearsal = ['rehearse-restore', file, '--config', realm.config, '--json']
  const key = ['--recovery-key', realm.recoveryKey]
  const report = JSON.parse(await good(...rehearsal, ...key, '--sandbox', realm.path('sandbox')))
  assert.equal(report.good, true)

  const other = await freshStore('two')
  writeFileSync(realm.path('store.json'), JSON.stringify(other.store))
  const to = realm.path('restored')
  const place = ['--realm', DOMAIN, '--to', to, '--store', realm.path('store.json')]
  await good('restore', file, ...key, ...place)
  copyFileSync(realm.path('passphrase'), join(to, 'passphrase'))
  const people = await good('users', 'list', '--config', join(to, 'appliance.json'))
  assert.equal(people.trim().split('\n').length, 5)

  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query('select current_database() as name')
  await client.query(`alter database "${rows[0].name}" set synchronous_commit = off`)
  await client.end()
  const findings = await preflight(realm.config)
  assert.ok(findings.some(({ check }) => check === 'database.not-durable'))
})
