import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CompactEncrypt } from 'jose'
import {
  ClientError,
  type ContentKey,
  openFile,
  openReference,
  openText,
  sealFile,
  sealReference,
  sealText,
} from '../../../src/client/index.ts'
import {
  aesKeyFrom,
  decodeUtf8,
  directHeader,
  openDirect,
  SecretBytes,
  sealDirect,
  systemRandom,
} from '../../../src/crypto/index.ts'

const aKey = (): ContentKey => ({
  uri: 'kms://kms.acme.example/keys/1',
  bytes: systemRandom.bytes(32),
})
const atRealm = ({ bytes }: ContentKey) => aesKeyFrom(SecretBytes.from(Uint8Array.from(bytes)))
const notOpened = (error: unknown) =>
  error instanceof ClientError && error.code === 'client.not-opened'
const FILE = new TextEncoder().encode('A file of some length, with ünïcode.')
const WHEN = new Date(Date.UTC(2026, 2, 1))

test('a sealed text names its key beside it and not in it, and the server side opens it', async () => {
  const key = aKey()
  const { ciphertext, encryptionKeyUrl } = await sealText('Grüße 👋', key)
  assert.equal(encryptionKeyUrl, key.uri)
  const [header = ''] = ciphertext.split('.')
  assert.equal(Buffer.from(header, 'base64url').toString(), '{"enc":"A256GCM","alg":"dir"}')
  const opened = openDirect(ciphertext, atRealm(key))
  assert.equal(opened && decodeUtf8(opened), 'Grüße 👋')
  assert.equal(
    await openText(sealDirect('back', atRealm(key), directHeader(), systemRandom), key),
    'back',
  )
})

test('a text opens under its own key only, and only unchanged', async () => {
  const key = aKey()
  const { ciphertext } = await sealText('secret', key)
  await assert.rejects(openText(ciphertext, aKey()), notOpened)
  const parts = ciphertext.split('.')
  for (const place of [0, 2, 3, 4]) {
    // Not the end: its last bits may not count, and it may be what it is changed to.
    const [first, ...rest] = parts[place] ?? ''
    const changed = parts.with(place, `${first === 'A' ? 'B' : 'A'}${rest.join('')}`).join('.')
    await assert.rejects(openText(changed, key), notOpened)
  }
  for (const noise of ['', 'a.b.c', '....', 'secret'])
    await assert.rejects(openText(noise, key), notOpened)
})

test('no other algorithm and no compression is opened', async () => {
  const key = aKey()
  const headers = [
    { alg: 'A256GCMKW', enc: 'A256GCM' },
    { alg: 'dir', enc: 'A256GCM', zip: 'DEF' },
  ] as const
  for (const header of headers) {
    const sealed = await new CompactEncrypt(FILE).setProtectedHeader(header).encrypt(key.bytes)
    await assert.rejects(openText(sealed, key), notOpened)
  }
})

test('a file travels as ciphertext and reference, in the form of real clients', async () => {
  const key = aKey()
  const { ciphertext, reference } = await sealFile(FILE, WHEN)
  assert.equal(ciphertext.length, FILE.length)
  const loc = 'https://files.example.test/1'
  const sealed = await sealReference({ ...reference, loc }, key)
  const record: unknown = JSON.parse(await openText(sealed, key))
  assert.deepEqual(Object.keys(Object(record)), ['enc', 'key', 'iv', 'aad', 'loc', 'tag'])
  const opened = await openReference(sealed, key)
  assert.equal(opened.loc, loc)
  assert.equal(opened.aad, '2026-03-01T00:00:00.000Z')
  assert.deepEqual(await openFile(ciphertext, opened), FILE)
})

test('a file or reference with one changed byte does not open', async () => {
  const { ciphertext, reference } = await sealFile(FILE, WHEN)
  const flipped = Uint8Array.from(ciphertext)
  flipped[0] = (flipped[0] ?? 0) ^ 1
  await assert.rejects(openFile(flipped, reference), notOpened)
  await assert.rejects(openFile(ciphertext, { ...reference, aad: 'later' }), notOpened)
})

test('a reference without an address is not sealed, and one of another form not read', async () => {
  const key = aKey()
  const { reference } = await sealFile(FILE, WHEN)
  assert.throws(() => sealReference(reference, key), ClientError)
  for (const text of ['[]', '{}', '{"enc":"A256GCM","key":"AAAA"}']) {
    const { ciphertext } = await sealText(text, key)
    await assert.rejects(
      openReference(ciphertext, key),
      (error: unknown) => error instanceof ClientError && error.code === 'client.invalid-answer',
    )
  }
})
