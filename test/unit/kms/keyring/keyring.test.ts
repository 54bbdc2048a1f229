import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Fault } from '../../../../src/fault.ts'
import { type KeyEncryptionKey, Keyring, type OpenMainKey } from '../../../../src/kms/index.ts'
import { mintKeyEncryptionKey, missingPurposes } from '../../../../src/kms/keyring/keyring.ts'
import { PURPOSES } from '../../../../src/kms/keyring/stored.ts'
import { after, seconds } from '../../../../src/time.ts'
import { aMainKey, countingRandom, HOME, NOW, ORGANIZATION, OTHER_ORGANIZATION } from '../world.ts'

const URI = `${HOME}/keys/1`
const secret = () => new Uint8Array(32).fill(7)
const random = countingRandom()
const main = aMainKey()

const mint = (
  changes: Partial<KeyEncryptionKey> = {},
  of: OpenMainKey = main,
): KeyEncryptionKey => ({
  ...mintKeyEncryptionKey(of, changes.purpose ?? 'content', random, changes.createdAt ?? NOW),
  ...changes,
})

const aKeyring = (
  keys: readonly KeyEncryptionKey[] = PURPOSES.map((purpose) => mint({ purpose })),
) => {
  const keyring = new Keyring(random)
  keyring.unlock([main], keys)
  return keyring
}

const opened = (keyring: Keyring, wrapped: Parameters<Keyring['unwrap']>[1]) =>
  Uint8Array.from(keyring.unwrap(URI, wrapped).expose())
const fault = (code: string) => (error: unknown) => (error as Fault).code === code

describe('wrapping', () => {
  test('and unwrapping gives the same bytes, under another IV each time', () => {
    const keyring = aKeyring()
    const first = keyring.wrap(ORGANIZATION, 'content', URI, secret())
    const second = keyring.wrap(ORGANIZATION, 'content', URI, secret())
    assert.deepEqual(opened(keyring, first), secret())
    assert.notDeepEqual(first.bytes, second.bytes)
    assert.equal(first.version, 1)
    assert.equal(Buffer.from(first.bytes).includes(Buffer.from(secret())), false)
  })

  test('ties the bytes to their object, their version and their key', () => {
    const keys = PURPOSES.map((purpose) => mint({ purpose }))
    const keyring = aKeyring(keys)
    const wrapped = keyring.wrap(ORGANIZATION, 'content', URI, secret())
    const bytes = Uint8Array.from(wrapped.bytes)
    bytes[20] = (bytes[20] ?? 0) ^ 1
    const other = keys.find((key) => key.purpose === 'session')?.id ?? ''
    const moved = [
      () => keyring.unwrap(`${HOME}/keys/2`, wrapped),
      () => keyring.unwrap(URI, { ...wrapped, version: 2 }),
      () => keyring.unwrap(URI, { ...wrapped, bytes }),
      () => keyring.unwrap(URI, { ...wrapped, bytes: wrapped.bytes.subarray(1) }),
      () => keyring.unwrap(URI, { ...wrapped, bytes: new Uint8Array(0) }),
      () => keyring.unwrap(URI, { ...wrapped, keyEncryptionKeyId: other }),
    ]
    for (const attempt of moved) assert.throws(attempt, fault('crypto.unwrap-failed'))
    const unknown = { ...wrapped, keyEncryptionKeyId: 'unknown' }
    assert.throws(() => keyring.unwrap(URI, unknown), fault('kms.unknown-wrapping-key'))
  })

  test('is not confused by a URI that ends in a number and a version', () => {
    const keyring = aKeyring()
    const wrapped = keyring.wrap(ORGANIZATION, 'content', `${URI}\n1`, secret())
    assert.throws(() => keyring.unwrap(URI, wrapped), fault('crypto.unwrap-failed'))
  })

  test('keeps purposes and organisations apart', () => {
    const keyring = aKeyring()
    const content = keyring.wrap(ORGANIZATION, 'content', URI, secret())
    const session = keyring.wrap(ORGANIZATION, 'session', URI, secret())
    assert.notEqual(content.keyEncryptionKeyId, session.keyEncryptionKeyId)
    assert.throws(
      () => keyring.wrap(OTHER_ORGANIZATION, 'content', URI, secret()),
      fault('kms.no-wrapping-key'),
    )
  })
})

describe('a lock', () => {
  test('forgets every key, and unlocking brings back what was wrapped before', () => {
    const keys = PURPOSES.map((purpose) => mint({ purpose }))
    const keyring = aKeyring(keys)
    const wrapped = keyring.wrap(ORGANIZATION, 'content', URI, secret())
    const [bearer] = keyring.bearerKeys
    keyring.lock()
    assert.equal(keyring.isUnlocked, false)
    assert.deepEqual(keyring.bearerKeys, [])
    assert.throws(() => bearer?.expose(), fault('crypto.secret-wiped'))
    assert.throws(() => keyring.unwrap(URI, wrapped), fault('kms.locked'))
    assert.throws(() => keyring.wrap(ORGANIZATION, 'content', URI, secret()), fault('kms.locked'))
    keyring.unlock([main], keys)
    assert.deepEqual(opened(keyring, wrapped), secret())
  })

  test('is how a keyring begins', () => {
    const keyring = new Keyring(random)
    assert.equal(keyring.isUnlocked, false)
    assert.throws(() => keyring.wrap(ORGANIZATION, 'content', URI, secret()), fault('kms.locked'))
  })
})

describe('unlocking', () => {
  test('needs the main key under which each key was made, and its very bytes', () => {
    const keyring = new Keyring(random)
    assert.throws(() => keyring.unlock([], [mint()]), fault('kms.main-key-missing'))
    const impostor = aMainKey(1, 99)
    assert.throws(() => keyring.unlock([impostor], [mint()]), fault('crypto.unwrap-failed'))
    assert.equal(keyring.isUnlocked, false)
  })

  test('that fails leaves the keyring as it was', () => {
    const keyring = aKeyring()
    const wrapped = keyring.wrap(ORGANIZATION, 'content', URI, secret())
    assert.throws(() => keyring.unlock([], [mint()]), fault('kms.main-key-missing'))
    assert.deepEqual(opened(keyring, wrapped), secret())
  })

  test('does not take a key for another purpose, organisation or name than it was made for', () => {
    const key = mint()
    const changed = [
      { ...key, purpose: 'session' as const },
      { ...key, organizationId: OTHER_ORGANIZATION },
      { ...key, id: 'another' },
    ]
    for (const stored of changed) {
      assert.throws(
        () => new Keyring(random).unlock([main], [stored]),
        fault('crypto.unwrap-failed'),
      )
    }
  })

  test('wraps with the newest key and opens with all', () => {
    const old = mint()
    const before = aKeyring([old]).wrap(ORGANIZATION, 'content', URI, secret())
    const fresh = mint({ createdAt: after(NOW, seconds(1)) })
    for (const keys of [
      [old, fresh],
      [fresh, old],
    ]) {
      const keyring = aKeyring(keys)
      assert.deepEqual(opened(keyring, before), secret())
      const wrapped = keyring.wrap(ORGANIZATION, 'content', URI, secret())
      assert.equal(wrapped.keyEncryptionKeyId, fresh.id)
    }
  })

  test('orders the keys of bearers by age, so that the newest signs', () => {
    const old = mint({ purpose: 'bearer' })
    const fresh = mint({ purpose: 'bearer', createdAt: after(NOW, seconds(1)) })
    const bytes = (keys: readonly KeyEncryptionKey[]) =>
      aKeyring(keys).bearerKeys.map((key) => Buffer.from(key.expose()).toString('hex'))
    assert.deepEqual(bytes([fresh, old]), bytes([old, fresh]))
  })
})

describe('a key-encryption key that has wrapped', () => {
  const used = (wraps: number) => mint({ wraps })

  test('less than 2³⁰ objects goes on', () => {
    const keyring = aKeyring([used(2 ** 30 - 2)])
    keyring.wrap(ORGANIZATION, 'content', URI, secret())
    assert.equal(keyring.wantsRenewal, false)
    assert.deepEqual(missingPurposes(ORGANIZATION, [used(2 ** 30 - 1)]), [
      'session',
      'identity',
      'bearer',
      'search',
      'log',
    ])
  })

  test('2³⁰ objects wants a successor, and goes on until it comes', () => {
    const keyring = aKeyring([used(2 ** 30 - 1)])
    keyring.wrap(ORGANIZATION, 'content', URI, secret())
    assert.equal(keyring.wantsRenewal, true)
    assert.deepEqual(missingPurposes(ORGANIZATION, [used(2 ** 30)]), [...PURPOSES])
  })

  test('2³² objects wraps no more (NIST SP 800-38D §8.3), and still opens', () => {
    const keyring = aKeyring([used(2 ** 32 - 1)])
    const last = keyring.wrap(ORGANIZATION, 'content', URI, secret())
    assert.throws(
      () => keyring.wrap(ORGANIZATION, 'content', URI, secret()),
      fault('kms.wrapping-key-used-up'),
    )
    assert.deepEqual(opened(keyring, last), secret())
  })
})
