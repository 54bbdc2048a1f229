import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fault } from '../../../src/fault.ts'
import { createAuthenticator } from '../../../src/identity/index.ts'
import { isRefusal, refuse } from '../../../src/refusal.ts'
import { milliseconds, seconds } from '../../../src/time.ts'
import {
  ALICE,
  anIssuer,
  aProvider,
  aSigner,
  aWorld,
  b64uJson,
  codeOf,
  START,
  START_SECONDS,
  signJwt,
  someClaims,
} from './world.ts'

test('a signed token makes a person, asked once and then answered synchronously', async () => {
  const { authenticator, signer, provider } = aWorld()
  const token = signJwt(signer, someClaims())
  const first = authenticator.authenticate(token)
  assert.ok(first instanceof Promise)
  const person = await first
  assert.ok(!isRefusal(person) && person.kind === 'person' && person.userId === ALICE)
  assert.equal(authenticator.authenticate(token), person)
  assert.equal(provider.asked, 1)
})

test('a burst under one token asks once', async () => {
  const { authenticator, signer, provider } = aWorld()
  const token = signJwt(signer, someClaims())
  await Promise.all(Array.from({ length: 50 }, () => authenticator.authenticate(token)))
  assert.equal(provider.asked, 1)
})

test('each allowed algorithm is verified', async () => {
  for (const [alg, kind] of [
    ['RS256', 'rsa'],
    ['PS256', 'rsa'],
    ['ES256', 'ec'],
    ['EdDSA', 'ed25519'],
  ] as const) {
    const { authenticator, provider } = aWorld()
    const signer = aSigner('k2', kind)
    provider.jwks.keys.push(signer.publicJwk)
    const answer = await authenticator.authenticate(signJwt(signer, someClaims(), { alg }))
    assert.equal(codeOf(answer), undefined, alg)
  }
})

test('a missing token is refused at once', () => {
  const { authenticator } = aWorld()
  assert.equal(codeOf(authenticator.authenticate(undefined)), 'identity.token-missing')
  assert.equal(codeOf(authenticator.authenticate('')), 'identity.token-missing')
})

test('text that is no token is refused as malformed', async () => {
  const { authenticator } = aWorld()
  for (const text of [
    'Bearer abc',
    'a b',
    'é',
    'x'.repeat(16_385),
    'opaque-but-nobody-introspects',
  ]) {
    assert.equal(codeOf(await authenticator.authenticate(text)), 'identity.token-malformed', text)
  }
})

test('no algorithm outside the list is accepted, whatever the token says', async () => {
  const { authenticator, signer } = aWorld()
  const publicPem = JSON.stringify(signer.publicJwk)
  const confused = (alg: string) => {
    const input = `${b64uJson({ alg, kid: 'k1' })}.${b64uJson(someClaims())}`
    return `${input}.${createHmac('sha256', publicPem).update(input).digest('base64url')}`
  }
  const unsigned = `${b64uJson({ alg: 'none' })}.${b64uJson(someClaims())}.`
  const good = signJwt(signer, someClaims())
  const renamed = `${b64uJson({ alg: 'PS256', kid: 'k1' })}${good.slice(good.indexOf('.'))}`
  const tokens = [
    confused('HS256'),
    confused('RS256'),
    confused('none'),
    confused('nOnE'),
    unsigned,
    renamed,
  ]
  for (const token of tokens) {
    assert.equal(codeOf(await authenticator.authenticate(token)), 'identity.token-untrusted', token)
  }
})

test('a token of another kind, with a critical header or with other bytes is refused', async () => {
  const { authenticator, signer } = aWorld()
  const idLike = signJwt(signer, someClaims(), { typ: 'logout+jwt' })
  assert.equal(codeOf(await authenticator.authenticate(idLike)), 'identity.token-untrusted')
  const critical = signJwt(signer, someClaims(), { crit: ['exp'] })
  assert.equal(codeOf(await authenticator.authenticate(critical)), 'identity.token-malformed')
  const [header, , signature] = signJwt(signer, someClaims()).split('.')
  const swapped = `${header}.${b64uJson(someClaims({ sub: ALICE.replace('0', '1') }))}.${signature}`
  assert.equal(codeOf(await authenticator.authenticate(swapped)), 'identity.token-untrusted')
})

test('a key published for encryption or for another algorithm verifies nothing', async () => {
  for (const extra of [
    { use: 'enc' },
    { alg: 'RS512' },
    { alg: 'PS256' },
    { key_ops: ['encrypt'] },
  ]) {
    const { authenticator, signer, provider } = aWorld()
    provider.jwks.keys.splice(0, 1, { ...signer.publicJwk, ...extra })
    const answer = await authenticator.authenticate(signJwt(signer, someClaims()))
    assert.equal(codeOf(answer), 'identity.token-untrusted')
  }
})

test('the issuer must be one of ours', async () => {
  const { authenticator, signer } = aWorld()
  const token = signJwt(signer, someClaims({ iss: 'https://idp.globex.example' }))
  assert.equal(codeOf(await authenticator.authenticate(token)), 'identity.wrong-issuer')
})

test('a provider that cannot be asked is no verdict and is asked again', async () => {
  const { authenticator, signer, provider } = aWorld()
  const token = signJwt(signer, someClaims())
  provider.isDown = true
  assert.equal(codeOf(await authenticator.authenticate(token)), 'identity.provider-unavailable')
  provider.isDown = false
  assert.equal(codeOf(await authenticator.authenticate(token)), undefined)
})

test('an unknown signer is not remembered, since it may be published any moment', async () => {
  const { authenticator, provider } = aWorld()
  const signer = aSigner('k2')
  const token = signJwt(signer, someClaims())
  assert.equal(codeOf(await authenticator.authenticate(token)), 'identity.token-untrusted')
  provider.jwks.keys.push(signer.publicJwk)
  assert.equal(codeOf(await authenticator.authenticate(token)), undefined)
})

test('a token not yet valid is accepted once it is', async () => {
  const { authenticator, signer, advance } = aWorld()
  const token = signJwt(signer, someClaims({ nbf: START_SECONDS + 31 }))
  assert.equal(codeOf(await authenticator.authenticate(token)), 'identity.token-expired')
  advance(seconds(1))
  assert.equal(codeOf(await authenticator.authenticate(token)), undefined)
})

test('certain refusals are remembered for seconds only', async () => {
  const { authenticator, signer, provider, advance } = aWorld()
  const token = signJwt(signer, someClaims({ scope: 'openid' }))
  await authenticator.authenticate(token)
  assert.equal(codeOf(authenticator.authenticate(token)), 'identity.wrong-scope')
  assert.equal(provider.asked, 1)
  advance(seconds(5))
  assert.equal(codeOf(await authenticator.authenticate(token)), 'identity.wrong-scope')
  assert.equal(provider.asked, 2)
})

test('a remembered token is never good beyond its expiry', async () => {
  const { authenticator, signer, advance } = aWorld({
    issuers: [anIssuer({ clockSkew: milliseconds(0) })],
  })
  const token = signJwt(signer, someClaims({ exp: START_SECONDS + 10 }))
  await authenticator.authenticate(token)
  advance(seconds(10))
  assert.equal(codeOf(await authenticator.authenticate(token)), 'identity.token-expired')
})

const introspecting = () => aWorld({ issuers: [anIssuer({ introspects: true })] })

test('an opaque token is introspected, and its revocation counts after the cache time', async () => {
  const { authenticator, provider, advance } = introspecting()
  const { iss: _, ...claims } = someClaims()
  provider.opaque.set('opaque-1', { active: true, claims })
  assert.equal(codeOf(await authenticator.authenticate('opaque-1')), undefined)
  provider.opaque.delete('opaque-1')
  advance(seconds(29))
  assert.equal(codeOf(authenticator.authenticate('opaque-1')), undefined)
  advance(seconds(1))
  assert.equal(codeOf(await authenticator.authenticate('opaque-1')), 'identity.token-untrusted')
})

test('an introspected token of another issuer, or while the provider is down, is not accepted', async () => {
  const { authenticator, provider } = introspecting()
  provider.opaque.set('opaque-1', {
    active: true,
    claims: someClaims({ iss: 'https://other.example' }),
  })
  assert.equal(codeOf(await authenticator.authenticate('opaque-1')), 'identity.wrong-issuer')
  provider.isDown = true
  assert.equal(
    codeOf(await authenticator.authenticate('opaque-2')),
    'identity.provider-unavailable',
  )
})

test('two introspecting issuers stop the start: an opaque token must not be shown to the wrong one', () => {
  const issuers = [
    anIssuer({ introspects: true }),
    anIssuer({ introspects: true, issuer: 'https://idp.globex.example' }),
  ]
  assert.throws(
    () => createAuthenticator({ issuers, provider: aProvider(), now: () => START }),
    (error: unknown) =>
      error instanceof Fault && error.code === 'identity.two-introspecting-issuers',
  )
})

test('a token that the realm issued goes to the realm, and is never remembered', () => {
  let answers = 0
  const { authenticator, provider } = aWorld({
    bearers: {
      issuer: 'kms://kms.acme.example',
      verify() {
        answers += 1
        return answers === 1 ? refuse('identity.bearer-withdrawn') : undefined
      },
    },
  })
  const token = `${b64uJson({ alg: 'HS256', typ: 'JWT' })}.${b64uJson({ iss: 'kms://kms.acme.example' })}.c2ln`
  assert.equal(codeOf(authenticator.authenticate(token)), 'identity.bearer-withdrawn')
  assert.equal(codeOf(authenticator.authenticate(token)), 'identity.token-untrusted')
  assert.equal(provider.asked, 0)
})

test('no more tokens are remembered than the limit says', async () => {
  const { authenticator, signer, provider } = aWorld({ cacheEntries: 2 })
  const tokens = [1, 2, 3].map((jti) => signJwt(signer, someClaims({ jti })))
  for (const token of tokens) await authenticator.authenticate(token)
  await authenticator.authenticate(tokens[0])
  assert.equal(provider.asked, 4)
  assert.ok(!(authenticator.authenticate(tokens[2]) instanceof Promise))
})

test('bad tokens cannot push out the memory of good ones', async () => {
  const { authenticator, signer } = aWorld({ cacheEntries: 2 })
  const good = signJwt(signer, someClaims())
  await authenticator.authenticate(good)
  for (const jti of [1, 2, 3]) {
    await authenticator.authenticate(signJwt(signer, someClaims({ jti, scope: 'x' })))
  }
  assert.ok(!(authenticator.authenticate(good) instanceof Promise))
})

test('any text gives a principal or a refusal, never a fault', async () => {
  const { authenticator } = introspecting()
  const part = fc.oneof(fc.string(), fc.json().map(toB64u), fc.base64String())
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 5 }), async (parts) => {
      assert.ok(isRefusal(await authenticator.authenticate(parts.join('.'))))
    }),
  )
})

function toB64u(text: string): string {
  return Buffer.from(text).toString('base64url')
}
