// A database of an older program is brought forward after a backup, which opens; one of a newer program is not touched.

import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { loadSettings } from '../../src/config/index.ts'
import { upgradeIfSetUp } from '../../src/main/backup/upgrade.ts'
import { migrateSome } from '../contract/store/execute.ts'
import { aDisk, fill } from '../support/disk.ts'
import { good, keyrealm, type MadeRealm, makeRealm } from '../support/made-realm.ts'
import { DOMAIN } from '../support/world.ts'

/** As many migrations as the program of that day knew. */
const OLDER = 10

/** The realm's database as an older program would have left it. */
const makeOlder = async (realm: MadeRealm): Promise<void> => {
  const [file, old] = [realm.path('state/realm.sqlite'), realm.path('old.sqlite')]
  await migrateSome({ kind: 'sqlite', file: old }, OLDER)
  const database = new Sqlite(old)
  database.pragma('foreign_keys = off')
  database.exec(`attach database '${file}' as newer`)
  const tables = database
    .prepare<[], { name: string }>(
      `select name from main.sqlite_schema where type = 'table' and name not like '%migration%'`,
    )
    .all()
  for (const { name } of tables) {
    const columns = database
      .prepare<[], { name: string }>(`select name from pragma_table_info('${name}')`)
      .all()
      .map((column) => column.name)
      .join(', ')
    database.exec(`delete from main.${name};
      insert into main.${name} (${columns}) select ${columns} from newer.${name}`)
  }
  database.exec('detach database newer')
  database.close()
  for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
  writeFileSync(file, readFileSync(old), { mode: 0o600 })
}

test('an older database waits for a backup, is upgraded after it, and the backup opens', async (t) => {
  const realm = await makeRealm()
  t.after(() => realm.remove())
  await makeOlder(realm)
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
  const realm = await makeRealm({ backup: { recipients: [key], folder: 'backups' } })
  t.after(() => realm.remove())
  await makeOlder(realm)
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

test('on somebody’s word it goes on without a backup, and the log says that there was none', async (t) => {
  const realm = await makeRealm()
  t.after(() => realm.remove())
  await makeOlder(realm)
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
