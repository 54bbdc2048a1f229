// A database of an older program is brought forward after a backup, which opens; one of a newer program is not touched.

import assert from 'node:assert/strict'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { loadSettings } from '../../src/config/index.ts'
import { upgradeIfSetUp } from '../../src/main/backup/upgrade.ts'
import { aDisk, fill } from '../support/disk.ts'
import { good, keyrealm, makeRealm } from '../support/made-realm.ts'
import { makeOldRealm } from '../support/old-realm.ts'
import { DOMAIN } from '../support/world.ts'

/** As many migrations as the program of that day knew. */
const OLDER = 10

const anOldRealm = (changes: object = {}) => makeOldRealm({ migrations: OLDER, rooms: 3, changes })

test('an older database waits for a backup, is upgraded after it, and the backup opens', async (t) => {
  const realm = await anOldRealm()
  t.after(() => realm.remove())
  const waits = await keyrealm('users', 'list', '--config', realm.config)
  assert.equal(waits.code, 1)
  assert.match(waits.error, /\(store\.migration-pending\).*keyrealm upgrade/s)

  const nobody = await keyrealm('upgrade', '--config', realm.config)
  assert.match(nobody.error, /\(main\.no-recipients\)|\(main\.no-backup-folder\)/)
  const disk = aDisk(t, 1)
  if (disk !== undefined) {
    mkdirSync(`${disk}/full`)
    fill(disk)
    const full = ['--out', `${disk}/full/b.age`, '--recipient', realm.recipient]
    const stopped = await keyrealm('upgrade', '--config', realm.config, ...full)
    assert.match(stopped.error, /\(main\.disk-full\)/)
  }
  const still = await keyrealm('users', 'list', '--config', realm.config)
  assert.match(still.error, /\(store\.migration-pending\)/, 'nothing was changed without a backup')

  const file = realm.path('backups/before.age')
  const wish = ['--out', file, '--recipient', realm.recipient, '--json']
  const told = JSON.parse(await good('upgrade', '--config', realm.config, ...wish))
  assert.deepEqual(told, { upgraded: true, backup: file })
  assert.equal((await good('users', 'list', '--config', realm.config)).trim().split('\n').length, 5)
  const upgraded = (await realm.entries()).find(({ action }) => action === 'realm.upgraded')
  assert.match(Object(upgraded?.['details']).backupSha256, /^[0-9a-f]{64}$/)
  const again = JSON.parse(await good('upgrade', '--config', realm.config, '--json'))
  assert.deepEqual(again, { upgraded: false })

  const to = realm.path('put-back')
  const restore = ['restore', file, '--recovery-key', realm.recoveryKey, '--realm', DOMAIN]
  await good(...restore, '--to', to)
  const people = await good('users', 'list', '--config', `${to}/appliance.json`)
  assert.equal(people.trim().split('\n').length, 5)
})

test('with backups in the settings a start upgrades by itself, and leaves the backup', async (t) => {
  const key = 'age19ue65e42mhuedfpkvsd92j9lkdqgxdqjet77n80ds2ce5wkevvusfw2sft'
  const realm = await anOldRealm({ backup: { recipients: [key], folder: 'backups' } })
  t.after(() => realm.remove())
  rmSync(realm.path('tls/link.pem'))
  const incomplete = await keyrealm('serve', '--config', realm.config)
  assert.match(incomplete.error, /\(main\.backup-incomplete\)/)
  const waits = await keyrealm('users', 'list', '--config', realm.config)
  assert.match(waits.error, /\(store\.migration-pending\)/)
  copyFileSync(realm.path('id.pem'), realm.path('tls/link.pem'))
  await upgradeIfSetUp(realm.config, loadSettings(realm.config))
  await good('users', 'list', '--config', realm.config)
  const [file = ''] = readdirSync(realm.path('backups'))
  assert.match(file, /^kms\.acme\.example-\d{8}T\d{6}Z\.age$/)
})

test('a start that fails to upgrade each time leaves three backups and no more, until somebody upgrades', async (t) => {
  const key = 'age19ue65e42mhuedfpkvsd92j9lkdqgxdqjet77n80ds2ce5wkevvusfw2sft'
  const realm = await anOldRealm({ backup: { recipients: [key], folder: 'backups' } })
  t.after(() => realm.remove())
  const execute = (statement: string): void => {
    const database = new Sqlite(realm.path('state/realm.sqlite'))
    database.exec(statement)
    database.close()
  }
  // Somebody else's, and in the way of a migration.
  execute('create table log_rotations (other text)')
  const start = () => upgradeIfSetUp(realm.config, loadSettings(realm.config))
  const backups = () => readdirSync(realm.path('backups'))
  for (let attempt = 1; attempt <= 3; attempt++) {
    await assert.rejects(start(), { code: 'store.migration-failed' })
    assert.equal(backups().length, attempt)
    // Two within one second would have one name.
    const [latest = ''] = backups().filter((name) => name.startsWith(DOMAIN))
    renameSync(realm.path(`backups/${latest}`), realm.path(`backups/${attempt}.age`))
  }
  await assert.rejects(start(), { code: 'main.upgrade-unfinished' })
  const served = await keyrealm('serve', '--config', realm.config)
  assert.match(served.error, /\(main\.upgrade-unfinished\).*keyrealm upgrade/s)
  assert.equal(backups().length, 3)

  execute('drop table log_rotations')
  await good('upgrade', '--config', realm.config)
  assert.equal(backups().length, 4)
  await start()
  const written = (await realm.entries()).filter(({ action }) => action === 'backup.written')
  assert.equal(written.length, 4)
})

test('on somebody’s word it goes on without a backup, and the log says that there was none', async (t) => {
  const realm = await anOldRealm()
  t.after(() => realm.remove())
  await good('upgrade', '--config', realm.config, '--no-backup')
  const upgraded = (await realm.entries()).find(({ action }) => action === 'realm.upgraded')
  assert.equal(Object(upgraded?.['details']).backupSha256, 'none')
})

test('a newer database stops an older program, which says so and changes nothing', async (t) => {
  const realm = await makeRealm()
  t.after(() => realm.remove())
  const database = new Sqlite(realm.path('state/realm.sqlite'))
  database.exec(`insert into migration_texts (name, text) values ('9999-later', '')`)
  database.close()
  for (const command of ['serve', 'upgrade']) {
    const { code, error } = await keyrealm(command, '--config', realm.config)
    assert.equal(code, 1)
    assert.match(error, /\(store\.migration-unknown\).*made by a newer program/s)
  }
})

test('an upgrade that died before the log could say so is recorded by whoever opens the realm next', async (t) => {
  const realm = await makeRealm()
  t.after(() => realm.remove())
  const note = realm.path('state/upgrade.json')
  const backups = ['a', 'b'].map((of) => ({
    sha256: of.repeat(64),
    sizeBytes: 7,
    recipients: ['r'],
  }))
  writeFileSync(note, JSON.stringify({ version: '9.8.7', backups }))
  const told = JSON.parse(await good('upgrade', '--config', realm.config, '--json'))
  assert.deepEqual(told, { upgraded: false })
  const entries = await realm.entries()
  const written = entries.filter(({ action }) => action === 'backup.written')
  assert.deepEqual(
    written.map(({ details }) => Object(details).sha256),
    ['a'.repeat(64), 'b'.repeat(64)],
  )
  const upgraded = entries.find(({ action }) => action === 'realm.upgraded')
  const wanted = { version: '9.8.7', backupSha256: 'b'.repeat(64) }
  assert.deepEqual(upgraded?.['details'], wanted)
  assert.equal(existsSync(note), false)
})
