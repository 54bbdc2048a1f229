import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { CompactEncrypt, compactDecrypt, compactVerify } from 'jose'
import {
  aesKeyFrom,
  createRsaWorkers,
  deriveChannelKey,
  deriveSharedSecret,
  type RsaWorkers,
  readCertificateChain,
  rsaPrivateKeyFrom,
  SecretBytes,
  systemRandom,
} from '../../../../src/crypto/index.ts'
import type { SessionUri } from '../../../../src/id.ts'
import { agreeChannel } from '../../../../src/protocol/channel/agree.ts'
import { openHandshake, openSession, sortSealed } from '../../../../src/protocol/channel/open.ts'
import { resetPayload, signReset } from '../../../../src/protocol/channel/reset.ts'
import { sealAnswer, sessionHeader, signAnswer } from '../../../../src/protocol/channel/seal.ts'
import {
  parseStaticKeyUri,
  printStaticKey,
  type StaticIdentity,
} from '../../../../src/protocol/channel/static-key.ts'
import { isRefusal } from '../../../../src/refusal.ts'
import { certificate, DNS, rsaKey } from '../../crypto/certificates.ts'

const MAX_CHARS = 10_000
const SESSION = 'kms://kms.example.test/ecdhe/394e0000-0000-4000-8000-000000000000' as SessionUri
const uri = parseStaticKeyUri('kms://kms.example.test/statickeys/7214')
assert.ok(uri)
const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
const identity: StaticIdentity = {
  uri,
  privateKey: rsaPrivateKeyFrom(
    SecretBytes.from(pair.privateKey.export({ type: 'pkcs8', format: 'der' })),
  ),
}
const raw = systemRandom.bytes(32)
const channelKey = aesKeyFrom(raw)
const NOT_OPENED = { refused: 'channel.not-opened' }
const MALFORMED = { refused: 'channel.malformed' }

const sorted = (compact: string) => {
  const message = sortSealed(compact, MAX_CHARS)
  assert.ok(!isRefusal(message))
  return message
}
const jwe = (
  header: Record<string, string>,
  key: Uint8Array | typeof pair.publicKey,
  payload: string | Uint8Array = '{"a":1}',
) =>
  new CompactEncrypt(typeof payload === 'string' ? new TextEncoder().encode(payload) : payload)
    .setProtectedHeader({ enc: 'A256GCM', alg: 'dir', ...header })
    .encrypt(key)

describe('sorting sealed messages', () => {
  it('tells a session message from a handshake by its algorithm, and says its kid', async () => {
    const session = sorted(await jwe({ kid: SESSION }, raw))
    assert.deepEqual([session.kind, session.kid], ['session', SESSION])
    const handshake = sorted(await jwe({ alg: 'RSA-OAEP', kid: uri }, pair.publicKey))
    assert.deepEqual([handshake.kind, handshake.kid], ['handshake', uri])
  })

  it('refuses what is longer than allowed as channel.oversized', () => {
    assert.deepEqual(sortSealed('x'.repeat(11), 10), { refused: 'channel.oversized' })
    assert.deepEqual(sortSealed('x'.repeat(10), 10), MALFORMED)
  })

  it('refuses every other algorithm, and a message that names no key, as channel.malformed', async () => {
    const messages = [
      await jwe({}, raw),
      await jwe({ kid: SESSION, alg: 'A256KW' }, raw),
      await jwe({ kid: SESSION, enc: 'A128GCM' }, raw.subarray(0, 16)),
      await jwe({ kid: uri, alg: 'RSA-OAEP-256' }, pair.publicKey),
      await jwe({ kid: uri, alg: 'RSA-OAEP', enc: 'A128GCM' }, pair.publicKey),
    ]
    for (const message of messages) assert.deepEqual(sortSealed(message, MAX_CHARS), MALFORMED)
    for (const name of ['constructor', '__proto__', 'toString']) {
      const header = Buffer.from(`{"alg":"${name}","enc":"A256GCM","kid":"k"}`).toString(
        'base64url',
      )
      assert.deepEqual(sortSealed(`${header}..AAAA.AAAA.AAAA`, MAX_CHARS), MALFORMED)
    }
  })

  it('refuses compressed messages and signed ones', async () => {
    const zip = Buffer.from('{"alg":"dir","enc":"A256GCM","kid":"k","zip":"DEF"}')
    assert.deepEqual(
      sortSealed(`${zip.toString('base64url')}..AAAA.AAAA.AAAA`, MAX_CHARS),
      MALFORMED,
    )
    assert.deepEqual(sortSealed('eyJhbGciOiJQUzI1NiJ9.e30.AAAA', MAX_CHARS), MALFORMED)
  })
})

describe('a session message', () => {
  it('opens to its text', async () => {
    const text = '{"text":"grüße 🔑"}'
    assert.equal(openSession(sorted(await jwe({ kid: SESSION }, raw, text)), channelKey), text)
  })

  it('has one answer for every failure: channel.not-opened', async () => {
    const message = await jwe({ kid: SESSION }, raw)
    const otherKey = aesKeyFrom(systemRandom.bytes(32))
    assert.deepEqual(openSession(sorted(message), otherKey), NOT_OPENED)
    const parts = message.split('.')
    for (const bad of [
      parts.with(1, 'AAAA'),
      parts.with(2, 'AAAA'),
      parts.with(2, 'AAAAAAAAAAAAAAAA'),
      parts.with(3, ''),
      parts.with(4, 'AAAA'),
      parts.with(4, 'AAAAAAAAAAAAAAAAAAAAAA'),
    ]) {
      assert.deepEqual(openSession(sorted(bad.join('.')), channelKey), NOT_OPENED)
    }
    const notUtf8 = await jwe({ kid: SESSION }, raw, Uint8Array.of(0x22, 0xff, 0x22))
    assert.deepEqual(openSession(sorted(notUtf8), channelKey), NOT_OPENED)
  })

  it('does not open as a handshake would, nor a handshake as a session message', async () => {
    const handshake = sorted(await jwe({ alg: 'RSA-OAEP', kid: uri }, pair.publicKey))
    assert.deepEqual(openSession(handshake, channelKey), NOT_OPENED)
  })

  it('is answered under the same key, with the kid of the session', async () => {
    const header = sessionHeader(SESSION)
    const sealed = sealAnswer('{"status":200}', channelKey, header, systemRandom)
    assert.notEqual(sealAnswer('{"status":200}', channelKey, header, systemRandom), sealed)
    const { plaintext, protectedHeader } = await compactDecrypt(sealed, raw)
    assert.equal(new TextDecoder().decode(plaintext), '{"status":200}')
    assert.deepEqual(protectedHeader, { enc: 'A256GCM', alg: 'dir', kid: SESSION })
  })
})

describe('a handshake', () => {
  let workers: RsaWorkers
  before(() => {
    workers = createRsaWorkers({ threads: 1, maxQueued: 2 })
  })
  after(() => workers.close())

  it('opens to its text under the static key', async () => {
    const message = sorted(await jwe({ alg: 'RSA-OAEP', kid: uri }, pair.publicKey, '{"b":2}'))
    assert.equal(await openHandshake(message, identity, workers), '{"b":2}')
  })

  it('has one answer for every failure: channel.not-opened', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const message = sorted(await jwe({ alg: 'RSA-OAEP', kid: uri }, other.publicKey))
    assert.deepEqual(await openHandshake(message, identity, workers), NOT_OPENED)
    const session = sorted(await jwe({ kid: SESSION }, raw))
    assert.deepEqual(await openHandshake(session, identity, workers), NOT_OPENED)
  })

  it('is refused as channel.overloaded while too many wait', async () => {
    const message = sorted(await jwe({ alg: 'RSA-OAEP', kid: uri }, pair.publicKey))
    const outcomes = await Promise.all(
      Array.from({ length: 6 }, () => openHandshake(message, identity, workers)),
    )
    assert.equal(outcomes.filter((outcome) => outcome === '{"a":1}').length, 4)
    assert.deepEqual(outcomes.at(-1), { refused: 'channel.overloaded' })
  })

  it('is answered by a JWS with the static kid', async () => {
    const jws = await signAnswer('{"status":201}', identity, workers)
    const { payload, protectedHeader } = await compactVerify(jws, pair.publicKey)
    assert.equal(new TextDecoder().decode(payload), '{"status":201}')
    assert.deepEqual(protectedHeader, { alg: 'PS256', kid: uri })
  })

  it('a reset is status 499 with a reason, signed by the static key', async () => {
    const { payload, protectedHeader } = await compactVerify(
      await signReset(identity, workers),
      pair.publicKey,
    )
    assert.equal(new TextDecoder().decode(payload), resetPayload())
    const reset = JSON.parse(resetPayload())
    assert.deepEqual(Object.keys(reset), ['status', 'reason'])
    assert.equal(reset.status, 499)
    assert.deepEqual(protectedHeader, { alg: 'PS256', kid: uri })
  })
})

describe('agreeing on a channel', () => {
  const { client } = JSON.parse(
    readFileSync(new URL('../../../vectors/channel.json', import.meta.url), 'utf8'),
  )

  it('gives both sides the same key', () => {
    const agreed = agreeChannel(client, systemRandom)
    assert.ok(!isRefusal(agreed))
    const shared = deriveSharedSecret(client, agreed.publicJwk)
    assert.ok(!isRefusal(shared))
    assert.deepEqual(deriveChannelKey(shared).expose(), agreed.channelKey.expose())
  })

  it('refuses a point that is not on the curve as request.invalid-point', () => {
    assert.deepEqual(agreeChannel({ ...client, y: client.x }, systemRandom), {
      refused: 'request.invalid-point',
    })
  })
})

describe('the static key', () => {
  it('has a URI with a host in lower case and a decimal number', () => {
    assert.equal(uri, 'kms://kms.example.test/statickeys/7214')
    for (const bad of [
      1,
      '',
      'kms://kms.example.test/statickeys/',
      'kms://kms.example.test/statickeys/07',
      'kms://kms.example.test/statickeys/1/',
      'kms://KMS.example.test/statickeys/1',
      'kms://kms.example.test:1/statickeys/1',
      'https://kms.example.test/statickeys/1',
      'kms://kms.example.test/keys/1',
      'kms:///statickeys/1',
      `kms://kms.example.test/statickeys/${'9'.repeat(16)}`,
    ]) {
      assert.equal(parseStaticKeyUri(bad), undefined, String(bad))
    }
  })

  it('is printed as JSON under its name', () => {
    const pem = certificate({
      commonName: 'kms.example.test',
      key: rsaKey(),
      altNames: [{ type: DNS, value: 'kms.example.test' }],
    })
    const chain = readCertificateChain(pem)
    assert.ok('toX5c' in chain)
    const printed = printStaticKey(chain, uri)
    const jwk = JSON.parse(printed)
    assert.deepEqual(Object.keys(jwk), ['kty', 'kid', 'n', 'e', 'x5c'])
    assert.equal(jwk.kid, uri)
  })
})
