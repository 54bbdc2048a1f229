// An upgrade on PostgreSQL, killed at its statements: sent and not answered, answered, or never sent; and one that runs out
// of disk. Skipped where there can be no server, unless KEYREALM_REQUIRE_POSTGRES=1.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import pg from 'pg'
import { aDisk, fill } from '../support/disk.ts'
import { good, keyrealm } from '../support/made-realm.ts'
import { makeOldRealm, readAll } from '../support/old-realm.ts'
import { type RunningPostgres, startPostgres } from '../support/postgres.ts'
import { giveTo, ordinaryAccount } from '../support/postgres-binaries.ts'
import { postgresSection } from '../support/postgres-section.ts'
import { upgradeTests } from './upgrade/suite.ts'
import { keepsAll, schemaOf, storeOf, verifies } from './upgrade/whole.ts'

/** There is a tree, and a checkpoint kept outside the database. */
const WITH_A_TREE = 8

const fullDisk = (server: RunningPostgres, section: (url: string) => object): void => {
  test('a full disk stops an upgrade as if it had not begun, and freeing space is all that it takes', async (t) => {
    const disk = aDisk(t, 40)
    if (disk === undefined) return t.skip('no tmpfs can be mounted here: nobody has filled a disk')
    mkdirSync(join(disk, 'space'))
    giveTo(ordinaryAccount(), disk)
    const admin = new pg.Client({ connectionString: server.url })
    await admin.connect()
    t.after(() => admin.end())
    await admin.query(`create tablespace small location '${join(disk, 'space')}'`)
    await admin.query('create database small tablespace small')
    const url = new URL(server.url)
    url.pathname = '/small'
    const changes = { store: section(url.href) }
    const realm = await makeOldRealm({ migrations: WITH_A_TREE, rooms: 6, changes })
    t.after(() => realm.remove())
    const [rows, wanted] = [await readAll(storeOf(realm)), await schemaOf(storeOf(realm))]
    const free = fill(disk)
    const { error } = await keyrealm('upgrade', '--config', realm.config, '--no-backup')
    free()
    assert.match(error, /no space left .* as it was \(main\.disk-full\)\n.*Free some space/, error)
    assert.equal(await schemaOf(storeOf(realm)), wanted)
    await keepsAll(realm, rows)
    await good('upgrade', '--config', realm.config, '--no-backup')
    await keepsAll(realm, rows)
    await verifies(realm)
    await admin.query('drop database small with (force)')
    await admin.query('drop tablespace small')
  })
}

const server = await startPostgres()
if ('unavailable' in server) {
  test('an upgrade on PostgreSQL that dies leaves the old schema or the new one', (t) => {
    assert.notEqual(process.env['KEYREALM_REQUIRE_POSTGRES'], '1', server.unavailable)
    t.skip(server.unavailable)
  })
} else {
  const folder = mkdtempSync(join(tmpdir(), 'keyrealm upgrade-pg-'))
  const section = (url: string) => postgresSection(url, join(folder, 'password'))
  const admin = new pg.Client({ connectionString: server.url })
  await admin.connect()
  admin.on('error', () => undefined)
  const first = await server.createDatabase()
  let copies = 0
  upgradeTests(
    {
      store: section(first),
      migrations: WITH_A_TREE,
      commands: ['upgrade'],
      async copyStore() {
        copies += 1
        const url = new URL(first)
        const template = url.pathname.slice(1)
        url.pathname = `/copy_${copies}`
        await admin.query(`create database copy_${copies} template ${template}`)
        return section(url.href)
      },
      async close() {
        await admin.end()
        await server.stop()
        rmSync(folder, { recursive: true, force: true })
      },
    },
    { budgetMs: 3_000, least: 1 },
  )
  fullDisk(server, section)
}
