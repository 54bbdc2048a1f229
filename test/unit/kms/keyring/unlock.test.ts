import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SecretBytes, sealWithPassphrase, systemRandom } from '../../../../src/crypto/index.ts'
import type { Fault } from '../../../../src/fault.ts'
import { Keyring, openMainKeys, sealNewMainKeys, unlockKeyring } from '../../../../src/kms/index.ts'
import { PURPOSES } from '../../../../src/kms/keyring/stored.ts'
import { aKeyringLedger, aMainKey, HOME, NOW, ORGANIZATION, OTHER_ORGANIZATION } from '../world.ts'

const words = (text: string) => SecretBytes.from(new TextEncoder().encode(text))
const fault = (code: string) => (error: unknown) => (error as Fault).code === code
// Argon2id takes its time on purpose: one file serves all tests.
const sealed = sealNewMainKeys(
  [ORGANIZATION, OTHER_ORGANIZATION],
  words('right'),
  systemRandom,
  NOW,
)

describe('a sealed file of main keys', () => {
  test('opens to one fresh key per organisation', () => {
    const mains = openMainKeys(sealed, words('right'))
    assert.deepEqual(
      mains.map(({ mainKey }) => mainKey.organizationId),
      [ORGANIZATION, OTHER_ORGANIZATION],
    )
    assert.equal(new Set(mains.map(({ mainKey }) => mainKey.id)).size, 2)
    assert.ok(mains.every(({ mainKey }) => mainKey.createdAt === NOW))
  })

  test('does not open under another passphrase, or changed', () => {
    assert.throws(
      () => openMainKeys(sealed, words('wrong')),
      fault('kms.sealed-file-wrong-passphrase'),
    )
    assert.throws(
      () => openMainKeys('{}', words('right')),
      fault('kms.sealed-file-not-a-sealed-file'),
    )
  })

  test('of something else is not taken for main keys', () => {
    const seal = (content: string, about = 'keyrealm main keys') =>
      sealWithPassphrase(words(content), words('right'), about, systemRandom)
    assert.throws(
      () => openMainKeys(seal('[]', 'something else'), words('right')),
      fault('kms.sealed-file-about-something-else'),
    )
    for (const content of ['{}', '[{}]', '[{"id":"x"}]']) {
      assert.throws(
        () => openMainKeys(seal(content), words('right')),
        fault('kms.sealed-file-malformed'),
      )
    }
  })

  test('shows neither key nor organisation', () => {
    assert.equal(sealed.includes(ORGANIZATION), false)
  })
})

describe('unlocking the keyring', () => {
  test('the first time makes one key-encryption key per purpose, and records it', async () => {
    const { ledger, mainKeys, keys, acts } = aKeyringLedger()
    const keyring = new Keyring(systemRandom)
    await unlockKeyring(keyring, [aMainKey()], ledger, systemRandom)
    assert.deepEqual(
      keys.map((key) => key.purpose),
      [...PURPOSES],
    )
    assert.equal(mainKeys.length, 1)
    assert.deepEqual(
      acts.map((act) => act.action),
      ['realm.unlocked', ...PURPOSES.map(() => 'key-encryption-key.created')],
    )
    assert.equal(keyring.isUnlocked, true)
  })

  test('again makes none, and what was wrapped before opens', async () => {
    const { ledger, keys, acts } = aKeyringLedger()
    const first = new Keyring(systemRandom)
    await unlockKeyring(first, [aMainKey()], ledger, systemRandom)
    const wrapped = first.wrap(ORGANIZATION, 'content', `${HOME}/keys/1`, new Uint8Array(32))
    const second = new Keyring(systemRandom)
    await unlockKeyring(second, [aMainKey()], ledger, systemRandom)
    assert.equal(keys.length, PURPOSES.length)
    assert.equal(acts.at(-1)?.action, 'realm.unlocked')
    const opened = second.unwrap(`${HOME}/keys/1`, wrapped).expose()
    assert.deepEqual(Uint8Array.from(opened), new Uint8Array(32))
  })

  test('follows a key that has wrapped enough by a new one', async () => {
    const { ledger, keys } = aKeyringLedger()
    await unlockKeyring(new Keyring(systemRandom), [aMainKey()], ledger, systemRandom)
    const [content] = keys
    assert.ok(content)
    keys[0] = { ...content, wraps: 2 ** 30 }
    await unlockKeyring(new Keyring(systemRandom), [aMainKey()], ledger, systemRandom)
    assert.deepEqual(
      keys.slice(PURPOSES.length).map((key) => key.purpose),
      ['content'],
    )
  })

  test('with the sealed file of another database is refused, and changes nothing', async () => {
    const { ledger, mainKeys, keys, acts } = aKeyringLedger()
    await unlockKeyring(new Keyring(systemRandom), [aMainKey(1)], ledger, systemRandom)
    const before = [mainKeys.length, keys.length, acts.length]
    const keyring = new Keyring(systemRandom)
    await assert.rejects(
      unlockKeyring(keyring, [aMainKey(2)], ledger, systemRandom),
      fault('kms.main-key-mismatch'),
    )
    assert.equal(keyring.isUnlocked, false)
    assert.deepEqual([mainKeys.length, keys.length, acts.length], before)
  })

  test('with other bytes under the same name is refused, and leaves no entry that says otherwise', async () => {
    const { ledger, acts } = aKeyringLedger()
    await unlockKeyring(new Keyring(systemRandom), [aMainKey(1, 1)], ledger, systemRandom)
    const before = acts.length
    const keyring = new Keyring(systemRandom)
    const impostor = unlockKeyring(keyring, [aMainKey(1, 2)], ledger, systemRandom)
    await assert.rejects(impostor, fault('crypto.unwrap-failed'))
    assert.equal(keyring.isUnlocked, false)
    assert.equal(acts.length, before)
  })
})
