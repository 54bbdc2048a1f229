import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { mapPaths, namedPaths, settingRows } from '../../../src/config/index.ts'

const example = JSON.parse(
  readFileSync(new URL('../../../config/appliance.json', import.meta.url), 'utf8'),
)

test('every path of the settings is found, in lists and of one of several kinds, with its role', () => {
  const found = namedPaths(example).map(({ setting, role }) => `${setting} ${role}`)
  assert.deepEqual(found, [
    'realm.stateDirectory written',
    'store.file written',
    'unlock.sealedFile kept',
    'unlock.passphrase.file apart',
    'core.tlsCaFile kept',
    'core.certificateFile kept',
    'core.keyFile kept',
    'audit.ship.0.tls.caFile kept',
    'audit.ship.0.tls.certificateFile kept',
    'audit.ship.0.tls.keyFile kept',
    'audit.ship.1.file written',
    'backup.folder written',
  ])
})

test('paths are changed and nothing else is', () => {
  const same = mapPaths(example, (_setting, path) => path)
  assert.deepEqual(same, example)
  const moved = mapPaths(example, (setting) => `/new/${setting}`)
  assert.equal(Object(moved).core.keyFile, '/new/core.keyFile')
  assert.equal(Object(moved).core.linkUrl, example.core.linkUrl)
})

test('a setting that is called a file is declared as a path, so that no backup misses it', () => {
  for (const { path, unit } of settingRows()) {
    if (!/(?:File|Folder|Directory|\.file)$/.test(path)) continue
    assert.equal(unit, 'path', path)
  }
})
