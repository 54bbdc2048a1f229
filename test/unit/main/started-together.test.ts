// What a start makes up for, two processes that start together both make up for, and neither fails at it.

import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { loadSettings, type Settings } from '../../../src/config/index.ts'
import { openRealm } from '../../../src/main/assembly.ts'
import { noteUpgrade, recordUpgrade } from '../../../src/main/backup/upgrade-note.ts'
import { concludeRestore, UNFINISHED_FILE } from '../../../src/main/unfinished-restore.ts'
import { type MadeRealm, makeRealm } from '../../support/made-realm.ts'

let realm: MadeRealm
let settings: Settings
before(async () => {
  realm = await makeRealm()
  settings = loadSettings(realm.config)
})
after(() => realm?.remove())

test('a restore that was not finished is concluded by both', async () => {
  const file = join(settings.realm.stateDirectory, UNFINISHED_FILE)
  writeFileSync(file, '6f1c1d0e-3a52-4c6e-9a3b-1f2d3c4b5a69')
  await Promise.all([concludeRestore(settings), concludeRestore(settings)])
  assert.equal(existsSync(file), false)
})

test('an upgrade that was not recorded is recorded, by both at worst', async (t) => {
  const opened = await openRealm(settings)
  t.after(() => opened.store.close())
  noteUpgrade(settings, undefined)
  await Promise.all([recordUpgrade(opened), recordUpgrade(opened)])
  const recorded = async (): Promise<number> =>
    (await realm.entries()).filter(({ action }) => action === 'realm.upgraded').length
  const times = await recorded()
  assert.ok(times === 1 || times === 2)
  await recordUpgrade(opened)
  assert.equal(await recorded(), times)
})
