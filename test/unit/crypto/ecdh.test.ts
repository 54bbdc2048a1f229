import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { p256 } from '@noble/curves/nist.js'
import {
  agreeP256,
  deriveSharedSecret,
  type Random,
  SecretBytes,
  systemRandom,
} from '../../../src/crypto/index.ts'
import { Fault } from '../../../src/fault.ts'
import { isRefusal } from '../../../src/refusal.ts'

const vectors = JSON.parse(
  readFileSync(new URL('../../vectors/channel.json', import.meta.url), 'utf8'),
)
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, 'base64url'))
const { d: clientD, ...clientPublic } = vectors.client
const [ordinary, leadingZero] = vectors.agreements
const INVALID = { refused: 'request.invalid-point' }

/** Draws exactly these, in order, then fails the test. */
const drawing = (...draws: readonly Uint8Array[]): Random => {
  const left = draws.map((draw) => draw.slice())
  return {
    bytes: () => left.shift() ?? assert.fail('drew once too often'),
    uuid: () => assert.fail('drew a UUID'),
  }
}
const agree = (jwk: unknown, random: Random) => {
  const agreement = agreeP256(jwk, random)
  assert.ok(!isRefusal(agreement))
  return agreement
}

describe('agreement on P-256', () => {
  it('gives the known secret and public half for a known draw', () => {
    const { publicJwk, sharedSecret } = agree(clientPublic, drawing(bytesOf(ordinary.server.d)))
    const { kty, crv, x, y } = ordinary.server
    assert.deepEqual(publicJwk, { kty, crv, x, y })
    assert.deepEqual(sharedSecret.expose(), bytesOf(ordinary.sharedSecret))
  })

  it('draws again when the secret begins with a zero byte, or the draw is no private key', () => {
    const zero = new Uint8Array(32)
    const tooLarge = new Uint8Array(32).fill(255)
    const random = drawing(
      zero,
      tooLarge,
      bytesOf(leadingZero.server.d),
      bytesOf(ordinary.server.d),
    )
    assert.equal(agree(clientPublic, random).publicJwk.x, ordinary.server.x)
  })

  it('gives up on a source that never draws a usable key', () => {
    const broken: Random = { ...systemRandom, bytes: (count) => new Uint8Array(count) }
    assert.throws(
      () => agreeP256(clientPublic, broken),
      (error) => error instanceof Fault && error.code === 'crypto.no-agreement',
    )
  })

  it('agrees with an independent implementation', () => {
    for (let round = 0; round < 20; round += 1) {
      const secretKey = p256.utils.randomSecretKey()
      const point = p256.getPublicKey(secretKey, false)
      const b64u = (from: number) =>
        Buffer.from(point.subarray(from, from + 32)).toString('base64url')
      const { publicJwk, sharedSecret } = agree(
        { kty: 'EC', crv: 'P-256', x: b64u(1), y: b64u(33) },
        systemRandom,
      )
      const ours = Uint8Array.of(4, ...bytesOf(publicJwk.x), ...bytesOf(publicJwk.y))
      const theirs = p256.getSharedSecret(secretKey, ours, true).subarray(1)
      assert.deepEqual(sharedSecret.expose(), theirs)
      assert.notEqual(theirs[0], 0)
    }
  })

  it('makes a fresh half each time, also for a client half seen before', () => {
    const one = agree(clientPublic, systemRandom)
    const two = agree(clientPublic, systemRandom)
    assert.notEqual(one.publicJwk.x, two.publicJwk.x)
  })

  it('drops a leaked private member and every other extra', () => {
    const jwk = { ...clientPublic, d: clientD, alg: 'ECDH-ES', kid: 'k', use: 'enc' }
    const { publicJwk } = agree(jwk, systemRandom)
    assert.deepEqual(Object.keys(publicJwk), ['kty', 'crv', 'x', 'y'])
  })

  const { x, y } = clientPublic
  const bad: Readonly<Record<string, unknown>> = {
    null: null,
    undefined: undefined,
    text: 'jwk',
    array: [],
    empty: {},
    'no x': { kty: 'EC', crv: 'P-256', y },
    'inherited members': Object.create(clientPublic),
    'another curve': { kty: 'EC', crv: 'P-384', x, y },
    'another kty': { kty: 'OKP', crv: 'P-256', x, y },
    'x a number': { kty: 'EC', crv: 'P-256', x: 1, y },
    'x padded': { kty: 'EC', crv: 'P-256', x: `${x}=`, y },
    'x one byte short': { kty: 'EC', crv: 'P-256', x: x.slice(0, 42), y },
    'x one byte long': { kty: 'EC', crv: 'P-256', x: `A${x}`, y },
    'x with stray bits': { kty: 'EC', crv: 'P-256', x: `${x.slice(0, 42)}9`, y },
    'not on the curve': { kty: 'EC', crv: 'P-256', x, y: x },
    'the origin': { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) },
    'x not below the prime': { kty: 'EC', crv: 'P-256', x: `${'_'.repeat(42)}8`, y },
  }
  for (const [name, jwk] of Object.entries(bad)) {
    it(`refuses a point: ${name}`, () => {
      assert.deepEqual(agreeP256(jwk, systemRandom), INVALID)
      assert.deepEqual(deriveSharedSecret(vectors.client, jwk), INVALID)
    })
  }

  it('refuses a known private key that is none', () => {
    assert.deepEqual(
      deriveSharedSecret({ ...vectors.client, d: 'A'.repeat(43) }, clientPublic),
      INVALID,
    )
    assert.deepEqual(deriveSharedSecret(clientPublic, clientPublic), INVALID)
    assert.ok(deriveSharedSecret(vectors.client, clientPublic) instanceof SecretBytes)
  })
})
