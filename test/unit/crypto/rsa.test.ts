import assert from 'node:assert/strict'
import { constants, generateKeyPairSync, publicEncrypt, verify } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { after, before, describe, it, type TestContext } from 'node:test'
import { CompactEncrypt, compactVerify } from 'jose'
import {
  createRsaWorkers,
  decodeUtf8,
  openRsaOaep,
  type RsaWorkers,
  rsaPrivateKeyFrom,
  SecretBytes,
  signCompactJws,
} from '../../../src/crypto/index.ts'
import { Fault } from '../../../src/fault.ts'

const fault = (code: string) => (error: unknown) => error instanceof Fault && error.code === code
const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
const toKey = (half: typeof pair) =>
  rsaPrivateKeyFrom(SecretBytes.from(half.privateKey.export({ type: 'pkcs8', format: 'der' })))
const key = toKey(pair)
const otherKey = toKey(other)
const KID = 'kms://kms.example.test/statickeys/1'
const text = '{"method":"create","uri":"kms://kms.example.test/ecdhe"}'
const encrypt = (bytes: Uint8Array, oaepHash = 'sha1') =>
  publicEncrypt({ key: pair.publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, bytes)
const handshake = (alg = 'RSA-OAEP', enc = 'A256GCM') =>
  new CompactEncrypt(new TextEncoder().encode(text))
    .setProtectedHeader({ alg, enc, kid: KID })
    .encrypt(pair.publicKey)

describe('RSA off the event loop', () => {
  let workers: RsaWorkers
  before(() => {
    workers = createRsaWorkers({ threads: 2 })
  })
  after(() => workers.close())
  const open = async (message: string) => {
    const bytes = await openRsaOaep(message, key, workers)
    return bytes === undefined ? undefined : decodeUtf8(bytes)
  }

  it('decrypts RSA-OAEP with SHA-1, also many at once and with several keys', async () => {
    const inputs = Array.from({ length: 40 }, (_, at) => Uint8Array.of(at, 1, 2))
    const outputs = await Promise.all(
      inputs.map((input) => workers.decryptOaep(key, encrypt(input))),
    )
    assert.deepEqual(outputs, inputs)
    assert.equal(await workers.decryptOaep(otherKey, encrypt(Uint8Array.of(1))), undefined)
    assert.equal(workers.pending, 0)
  })

  it('answers nothing, and not why, for a wrong key, padding, hash, length or number', async () => {
    const pkcs1 = publicEncrypt(
      { key: pair.publicKey, padding: constants.RSA_PKCS1_PADDING },
      Uint8Array.of(1),
    )
    const bad = [pkcs1, encrypt(Uint8Array.of(1), 'sha256'), new Uint8Array(256).fill(255)]
    for (const input of [...bad, new Uint8Array(256), new Uint8Array(255), new Uint8Array(0)]) {
      assert.equal(await workers.decryptOaep(key, input), undefined)
    }
  })

  it('signs PS256 with a salt of 32 bytes, as node:crypto and jose verify', async () => {
    const data = Buffer.from('signed')
    const options = {
      key: pair.publicKey,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: 32,
    }
    assert.ok(verify('sha256', data, options, await workers.signPs256(key, data)))

    const jws = await signCompactJws('{"status":201,"text":"ü"}', KID, key, workers)
    const { payload, protectedHeader } = await compactVerify(jws, pair.publicKey)
    assert.equal(new TextDecoder().decode(payload), '{"status":201,"text":"ü"}')
    assert.equal(
      Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString(),
      `{"alg":"PS256","kid":"${KID}"}`,
    )
    assert.deepEqual(protectedHeader, { alg: 'PS256', kid: KID })
  })

  it('opens a handshake that jose sealed', async () => {
    assert.equal(await open(await handshake()), text)
  })

  it('opens no handshake of another algorithm', async () => {
    assert.equal(await open(await handshake('RSA-OAEP-256')), undefined)
    for (const enc of ['A128GCM', 'A192GCM', 'A256CBC-HS512']) {
      assert.equal(await open(await handshake('RSA-OAEP', enc)), undefined, enc)
    }
  })

  it('opens no handshake with any part changed, nor for another key', async () => {
    const message = await handshake()
    assert.equal(await openRsaOaep(message, otherKey, workers), undefined)
    const parts = message.split('.')
    for (const [at, part] of parts.entries()) {
      for (const place of [0, Math.floor(part.length / 2)]) {
        const swapped = part[place] === 'A' ? 'B' : 'A'
        const changed = parts.with(at, part.slice(0, place) + swapped + part.slice(place + 1))
        assert.equal(await open(changed.join('.')), undefined, `part ${at}, character ${place}`)
      }
      assert.equal(await open(parts.with(at, '').join('.')), undefined, `part ${at} empty`)
    }
  })

  it('opens no handshake whose content key is not 32 bytes', async () => {
    const parts = (await handshake()).split('.')
    for (const length of [0, 16, 31, 33]) {
      const encrypted = encrypt(new Uint8Array(length)).toString('base64url')
      assert.equal(await open(parts.with(1, encrypted).join('.')), undefined)
    }
  })

  it('runs at a lower priority than the event loop', async (t: TestContext) => {
    if (process.platform !== 'linux') return t.skip('thread priorities are set on Linux only')
    await workers.signPs256(key, Uint8Array.of(1))
    const niceness = readdirSync('/proc/self/task').map((task) => {
      const stat = readFileSync(`/proc/self/task/${task}/stat`, 'utf8')
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])
    })
    assert.ok(niceness.filter((nice) => nice >= 10).length >= 2)
  })
})

describe('the queue of RSA operations', () => {
  it('refuses one more than may wait, and lets signatures pass', async () => {
    const workers = createRsaWorkers({ threads: 1, maxQueued: 3 })
    const input = encrypt(Uint8Array.of(7))
    // Two run or are at hand, three wait.
    const accepted = Array.from({ length: 5 }, () => workers.decryptOaep(key, input))
    assert.equal(workers.isFull, true)
    assert.equal(workers.pending, 5)
    await assert.rejects(workers.decryptOaep(key, input), fault('crypto.rsa-overloaded'))
    const order: string[] = []
    const signed = workers.signPs256(key, input).then(() => order.push('signature'))
    const last = accepted.at(-1)?.then(() => order.push('last decryption'))
    assert.deepEqual(await Promise.all(accepted), Array(5).fill(Uint8Array.of(7)))
    await Promise.all([signed, last])
    assert.deepEqual(order, ['signature', 'last decryption'])
    assert.equal(workers.isFull, false)
    await workers.close()
  })

  it('fails what is pending when it closes, and everything afterwards', async () => {
    const workers = createRsaWorkers({ threads: 1 })
    const pending = Array.from({ length: 6 }, () => workers.signPs256(key, Uint8Array.of(1)))
    const outcomes = Promise.allSettled(pending)
    await workers.close()
    for (const outcome of await outcomes) {
      assert.ok(outcome.status === 'fulfilled' || fault('crypto.rsa-closed')(outcome.reason))
    }
    await assert.rejects(workers.signPs256(key, Uint8Array.of(1)), fault('crypto.rsa-closed'))
  })
})
