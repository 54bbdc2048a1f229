// Text, binary data and file references (SCR) with the SDK's encryption plugin: what one user wrote
// another reads, with keys that only the realm handed over.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { KmsError, type KmsKey, type Sdk, secretOf, signIn } from './sdk.ts'
import { CASTS, user } from './world.ts'

const TEXT = 'Grüße, 東京 and מזל טוב: the quick brown fox 🦊'
const FILE = randomBytes(100_000)

for (const { where, cast } of CASTS)
  describe(where, () => {
    let alice: Sdk
    let bob: Sdk
    let key: KmsKey

    before(async () => {
      alice = await signIn(user(cast[0]))
      bob = await signIn(user(cast[1]))
      const room = await alice.room(bob.user)
      key = room.key
    })

    after(async () => {
      await alice[Symbol.asyncDispose]()
      await bob[Symbol.asyncDispose]()
    })

    test('text encrypted by one user is read by another', async () => {
      const ciphertext = await alice.encryption.encryptText(key.uri, TEXT)
      const header = JSON.parse(Buffer.from(ciphertext.split('.')[0] ?? '', 'base64url').toString())
      assert.deepEqual(header, { alg: 'dir', enc: 'A256GCM' })
      assert.equal(await bob.encryption.decryptText(key.uri, ciphertext), TEXT)
    })

    test('a key object serves in place of its URI', async () => {
      const ciphertext = await alice.encryption.encryptText(key, TEXT)
      assert.equal(await bob.encryption.decryptText(key.uri, ciphertext), TEXT)
    })

    test('the cached key and the key of the realm are one', async () => {
      const cached = await bob.encryption.getKey(key.uri)
      const fetched = await bob.kms.fetchKey({ uri: key.uri })
      assert.equal(secretOf(cached), secretOf(fetched))
      assert.equal(cached.jwk.kid, fetched.jwk.kid)
    })

    test('binary data encrypted by one user is read by another', async () => {
      const jwe = await alice.encryption.encryptBinaryData(key.uri, FILE)
      assert.deepEqual(Buffer.from(await bob.encryption.decryptBinaryData(key.uri, jwe)), FILE)
    })

    test('a file and its reference travel from one user to another', async () => {
      const { scr, cdata } = await alice.encryption.encryptBinary(FILE)
      assert.notDeepEqual(cdata, FILE)
      scr.loc = 'https://files.invalid/one'
      const sealed = await alice.encryption.encryptScr(key.uri, scr)
      const opened = await bob.encryption.decryptScr(key.uri, sealed)
      assert.equal(opened.loc, scr.loc)
      assert.deepEqual(Buffer.from(await bob.encryption.decryptBinary(opened, cdata)), FILE)
    })

    test('text under a key bound later by another member is read by the first', async () => {
      const { kro } = await alice.room(bob.user)
      const next = await bob.newKey()
      await bob.kms.bindKey({ kro, key: next })
      const ciphertext = await bob.encryption.encryptText(next.uri, TEXT)
      assert.equal(await alice.encryption.decryptText(next.uri, ciphertext), TEXT)
    })

    test('who is not authorised gets no key to decrypt with', async () => {
      const { key: mine } = await alice.room()
      const ciphertext = await alice.encryption.encryptText(mine.uri, TEXT)
      await assert.rejects(bob.encryption.decryptText(mine.uri, ciphertext), KmsError)
    })
  })
