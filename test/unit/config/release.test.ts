// Whether the program must prove that it is a release: without pinned signers that would be nobody's word.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseSettings, SettingsError } from '../../../src/config/index.ts'
import { aSettingsValue } from './example.ts'

const FILE = '/etc/keyrealm/appliance.json'
const withRelease = (release: object) => parseSettings({ ...aSettingsValue(), release }, FILE)

describe('release', () => {
  test('requires nothing unless told', () => {
    assert.deepEqual(parseSettings(aSettingsValue(), FILE).release, { require: 'nothing' })
  })

  test('counts the file of signers from the folder of the settings', () => {
    const { release } = withRelease({ require: 'logged', signersFile: 'signers.json' })
    assert.equal(release.signersFile, '/etc/keyrealm/signers.json')
  })

  test('is refused as logged without signers, and as anything else', () => {
    for (const odd of [
      { require: 'logged' },
      { require: 'signed' },
      { require: true },
      { key: '' },
    ]) {
      assert.throws(() => withRelease(odd), SettingsError)
    }
  })
})
