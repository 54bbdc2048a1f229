// What release was seen last is kept whole, by several processes at once, and not written again for nothing.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadSettings, type Settings } from '../../../src/config/index.ts'
import { keepSeen, readSeen } from '../../../src/main/seen-checkpoint.ts'

const folder = mkdtempSync(join(tmpdir(), 'keyrealm seen-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const template = loadSettings(join(import.meta.dirname, '../../../packaging/config/appliance.json'))
const inFolder = (name: string): Settings => {
  const stateDirectory = join(folder, name)
  mkdirSync(stateDirectory)
  return { ...template, realm: { ...template.realm, stateDirectory } }
}

test('what was seen is kept, alone in its folder, and another takes its place', () => {
  const settings = inFolder('kept')
  assert.equal(readSeen(settings), undefined)
  for (const checkpoint of ['first\n1\n', 'second\n2\n']) {
    keepSeen(settings, checkpoint)
    assert.equal(readSeen(settings), checkpoint)
  }
  assert.deepEqual(readdirSync(settings.realm.stateDirectory), ['release-log-checkpoint'])
})

test('what is known already is not written again, so that those who start at once do not meet', () => {
  const settings = inFolder('again')
  keepSeen(settings, 'first\n1\n')
  const file = join(settings.realm.stateDirectory, 'release-log-checkpoint')
  const { ino } = statSync(file)
  keepSeen(settings, 'first\n1\n')
  assert.equal(statSync(file).ino, ino)
})

test('what somebody else is just writing is not in the way', () => {
  const settings = inFolder('beside')
  // Another one's unfinished file, under the name that all of them once shared.
  mkdirSync(join(settings.realm.stateDirectory, 'release-log-checkpoint.new'))
  keepSeen(settings, 'first\n1\n')
  assert.equal(readSeen(settings), 'first\n1\n')
})
