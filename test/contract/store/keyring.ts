// KeyringStore and StaticKeyStore: the key hierarchy above the content keys, all of it wrapped.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Implementation, openFresh } from './implementations.ts'
import { aStaticKey, at, keyEncryptionKey, mainKey, OTHER_ORGANIZATION } from './make.ts'

export const keyringContract = (on: Implementation): void => {
  describe('the keyring', () => {
    test('comes back as it went in', async () => {
      const store = await openFresh(on)
      const main = {
        ...mainKey,
        id: 'main-2',
        organizationId: OTHER_ORGANIZATION,
        createdAt: at(1),
      }
      const second = { ...keyEncryptionKey, id: 'kek-2', mainKeyId: main.id, createdAt: at(1) }
      const third = { ...second, id: 'kek-3', purpose: 'bearer' as const, wraps: 7 }
      await store.transact(async (tx) => {
        await tx.keyring.insertMainKey(main)
        await tx.keyring.insertKeyEncryptionKey(second)
        await tx.keyring.insertKeyEncryptionKey(third)
      })
      await store.read(async (tx) => {
        assert.deepEqual(await tx.keyring.mainKeys(), [mainKey, main])
        assert.deepEqual(await tx.keyring.keyEncryptionKeys(), [keyEncryptionKey, second, third])
      })
    })

    test('counts wraps', async () => {
      const store = await openFresh(on)
      for (const wraps of [1, 50]) {
        await store.transact((tx) => tx.keyring.countWraps(keyEncryptionKey.id, wraps))
      }
      const [key] = await store.read((tx) => tx.keyring.keyEncryptionKeys())
      assert.equal(key?.wraps, 51)
      await assert.rejects(
        store.transact((tx) => tx.keyring.countWraps('unknown', 1)),
        {
          code: 'store.unknown-key-encryption-key',
        },
      )
    })

    test('holds each key once, each under a main key that exists', async () => {
      const store = await openFresh(on)
      const unique = { code: 'store.not-unique' }
      const stray = { ...keyEncryptionKey, id: 'kek-2', mainKeyId: 'unknown' }
      await assert.rejects(
        store.transact((tx) => tx.keyring.insertMainKey(mainKey)),
        unique,
      )
      await assert.rejects(
        store.transact((tx) => tx.keyring.insertKeyEncryptionKey(keyEncryptionKey)),
        unique,
      )
      await assert.rejects(
        store.transact((tx) => tx.keyring.insertKeyEncryptionKey(stray)),
        { code: 'store.constraint' },
      )
    })
  })

  describe('static keys', () => {
    test('come back newest first, and are stored once', async () => {
      const store = await openFresh(on)
      const [old, young] = [aStaticKey(1, at(1)), aStaticKey(2, at(2))]
      await store.transact(async (tx) => {
        await tx.staticKeys.insert(young)
        await tx.staticKeys.insert(old)
      })
      assert.deepEqual(await store.read((tx) => tx.staticKeys.all()), [young, old])
      await assert.rejects(
        store.transact((tx) => tx.staticKeys.insert(old)),
        {
          code: 'store.not-unique',
        },
      )
    })
  })
}
