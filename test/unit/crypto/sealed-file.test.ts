import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  openWithPassphrase,
  SecretBytes,
  sealWithPassphrase,
  systemRandom,
} from '../../../src/crypto/index.ts'

const secretOf = (text: string) => SecretBytes.from(Buffer.from(text))
const open = (json: string, passphrase = 'correct horse', about = 'main keys') => {
  const opened = openWithPassphrase(json, secretOf(passphrase), about)
  return typeof opened === 'string' ? opened : Buffer.from(opened.expose()).toString()
}

describe('a sealed file', () => {
  const json = sealWithPassphrase(
    secretOf('the main keys'),
    secretOf('correct horse'),
    'main keys',
    systemRandom,
  )
  const file = JSON.parse(json)
  const changed = (change: Record<string, unknown>) => JSON.stringify({ ...file, ...change })
  const changedKdf = (change: Record<string, unknown>) =>
    changed({ kdf: { ...file.kdf, ...change } })

  it('opens under its passphrase', () => assert.equal(open(json), 'the main keys'))

  it('says its parameters: the second recommended option of RFC 9106', () => {
    const { name, memoryKib, passes, lanes } = file.kdf
    assert.deepEqual(
      { name, memoryKib, passes, lanes },
      {
        name: 'argon2id',
        memoryKib: 65_536,
        passes: 3,
        lanes: 4,
      },
    )
    assert.doesNotMatch(json, /the main keys/)
  })

  it('stays closed under another passphrase', () => {
    assert.equal(open(json, 'correct horsf'), 'wrong-passphrase')
  })

  it('stays closed for who expects something else in it, even after a change of its label', () => {
    assert.equal(open(json, 'correct horse', 'backup'), 'about-something-else')
    assert.equal(open(changed({ about: 'backup' }), 'correct horse', 'backup'), 'wrong-passphrase')
  })

  it('stays closed when ciphertext, tag, IV, salt or parameters changed', () => {
    const flip = (text: string) => (text.startsWith('A') ? 'B' : 'A') + text.slice(1)
    const files = [
      changed({ ciphertext: flip(file.ciphertext) }),
      changed({ tag: flip(file.tag) }),
      changed({ iv: flip(file.iv) }),
      changedKdf({ salt: flip(file.kdf.salt) }),
      changedKdf({ lanes: 3 }),
    ]
    for (const each of files) assert.equal(open(each), 'wrong-passphrase')
  })

  it('refuses parameters out of bounds before it uses them', () => {
    const files = [
      changedKdf({ memoryKib: 100 * 1024 * 1024 }),
      changedKdf({ memoryKib: 8 }),
      changedKdf({ memoryKib: 65_536.5 }),
      changedKdf({ memoryKib: '65536' }),
      changedKdf({ passes: 1_000_000 }),
      changedKdf({ passes: 1 }),
      changedKdf({ lanes: 0 }),
      changedKdf({ lanes: 1000 }),
      changedKdf({ passes: null }),
    ]
    for (const each of files) assert.equal(open(each), 'parameters-out-of-bounds')
  })

  it('refuses what is no sealed file, and versions it does not know', () => {
    const files = ['', 'null', '[]', '{}', '{', 'x'.repeat(70_000), changed({ cipher: 'none' })]
    for (const each of [
      ...files,
      changed({ iv: 'AA' }),
      changedKdf({ name: 'scrypt' }),
      changed({ about: 1 }),
    ]) {
      assert.equal(open(each), 'not-a-sealed-file')
    }
    assert.equal(open(changed({ version: 2 })), 'unknown-version')
  })
})
