import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  isJwtFailure,
  JWT_MAX_CHARS,
  looksLikeJwt,
  parseJwks,
  peekIssuer,
  peekJwt,
  verifyJwt,
} from '../../../src/crypto/index.ts'
import { aSigner, b64uJson, signJwt, someClaims } from '../identity/world.ts'

const signer = aSigner('k1')
const failureOf = (token: string): string => {
  const peek = peekJwt(token)
  return isJwtFailure(peek) ? peek.failed : 'none'
}
const withHeader = (header: object): string => `${b64uJson(header)}.${b64uJson({ iss: 'x' })}.AAAA`

test('a token is looked at without being believed', () => {
  const token = signJwt(signer, someClaims({ iss: 'somebody' }))
  assert.deepEqual(peekJwt(token), { algorithm: 'RS256', kid: 'k1', unverifiedIssuer: 'somebody' })
  assert.equal(peekIssuer(withHeader({ alg: 'HS256' })), 'x')
  assert.equal(peekIssuer('opaque'), undefined)
})

for (const [failure, token] of [
  ['oversized', 'x'.repeat(JWT_MAX_CHARS + 1)],
  ['malformed', 'opaque'],
  ['malformed', 'a.b.c'],
  ['malformed', `${b64uJson([])}.${b64uJson({})}.AAAA`],
  ['malformed', withHeader({ alg: 'RS256', kid: 7 })],
  ['malformed', withHeader({ alg: 'RS256', crit: ['exp'] })],
  ['malformed', withHeader({ alg: 'RS256', b64: false })],
  ['algorithm-not-allowed', withHeader({ alg: 'none' })],
  ['algorithm-not-allowed', withHeader({ alg: 'HS256' })],
  ['algorithm-not-allowed', withHeader({})],
  ['type-not-allowed', withHeader({ alg: 'RS256', typ: 'dpop+jwt' })],
  ['none', withHeader({ alg: 'RS256', typ: 'at+JWT' })],
] as const) {
  test(`a token like ${token.slice(0, 40)} fails as ${failure}`, () => {
    assert.equal(failureOf(token), failure)
  })
}

test('only keys that may verify are taken from a set, and nothing private with them', () => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const keys = parseJwks({
    keys: [
      { ...pair.privateKey.export({ format: 'jwk' }), kid: 'private' },
      { ...short.publicKey.export({ format: 'jwk' }), kid: 'short' },
      { ...p384.publicKey.export({ format: 'jwk' }), kid: 'p384' },
      { ...signer.publicJwk, kid: 'enc', use: 'enc' },
      { ...signer.publicJwk, kid: 'hs', alg: 'HS256' },
      { kty: 'oct', k: 'c2VjcmV0', kid: 'oct' },
      'noise',
      { ...aSigner('ec', 'ec').publicJwk },
    ],
  })
  assert.deepEqual(
    keys?.map(({ kid }) => kid),
    ['private', 'ec'],
  )
  assert.deepEqual(Object.keys(keys?.[0]?.publicJwk ?? {}), ['kty', 'n', 'e'])
})

test('what is no set is no set', () => {
  for (const raw of [undefined, null, [], {}, { keys: {} }, { keys: Array(101).fill({}) }]) {
    assert.equal(parseJwks(raw), undefined)
  }
})

test('only the right key verifies, and a broken one fails like a wrong one', async () => {
  const [key] = parseJwks({ keys: [signer.publicJwk] }) ?? []
  const [other] = parseJwks({ keys: [aSigner('k1').publicJwk] }) ?? []
  const [broken] = parseJwks({ keys: [{ kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA' }] }) ?? []
  assert.ok(key && other && broken)
  const token = signJwt(signer, someClaims())
  assert.deepEqual(await verifyJwt(token, key), someClaims())
  assert.deepEqual(await verifyJwt(token, other), { failed: 'bad-signature' })
  const es256 = signJwt(aSigner('k1', 'ec'), someClaims(), { alg: 'ES256' })
  assert.deepEqual(await verifyJwt(es256, broken), { failed: 'bad-signature' })
  assert.deepEqual(await verifyJwt(es256, key), { failed: 'algorithm-not-allowed' })
})

test('a genuine signature over something else than a JSON object is malformed', async () => {
  const [key] = parseJwks({ keys: [signer.publicJwk] }) ?? []
  assert.ok(key)
  assert.deepEqual(await verifyJwt(signJwt(signer, ['claims']), key), { failed: 'malformed' })
})

test('any text is looked at without a fault', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.array(fc.base64String(), { maxLength: 4 })), (raw) => {
      const text = typeof raw === 'string' ? raw : raw.join('.')
      looksLikeJwt(text)
      peekJwt(text)
      peekIssuer(text)
    }),
  )
})
