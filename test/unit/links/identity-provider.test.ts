import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { Fault } from '../../../src/fault.ts'
import { createAuthenticator } from '../../../src/identity/index.ts'
import {
  createIdentityProvider,
  type IdentityProviderSettings,
} from '../../../src/links/identity-provider.ts'
import { isRefusal } from '../../../src/refusal.ts'
import { type Duration, instant, milliseconds, seconds } from '../../../src/time.ts'
import { anIssuer, aSigner, codeOf, signJwt, someClaims } from '../identity/world.ts'
import { type LocalProvider, startLocalProvider } from './identity-world.ts'

const clock = {
  now: () => instant(Date.now()),
  wait: (duration: Duration) => new Promise<void>((wake) => setTimeout(wake, duration)),
}
const CONFIGURATION = '/.well-known/openid-configuration'
const K1 = aSigner('k1')
let local: LocalProvider
let problems: string[] = []

before(async () => {
  local = await startLocalProvider()
})
after(() => local.dispose())

beforeEach(() => {
  problems = []
  local.asked.length = 0
  local.pages.clear()
  describe()
  publish(K1.publicJwk)
  local.pages.set('/introspect', { body: JSON.stringify({ active: false }) })
})

function describe(changes: Record<string, unknown> = {}): void {
  const { issuer } = local
  const description = {
    issuer,
    jwks_uri: `${issuer}/jwks`,
    introspection_endpoint: `${issuer}/introspect`,
    ...changes,
  }
  local.pages.set(CONFIGURATION, { body: JSON.stringify(description) })
}

function publish(...keys: object[]): void {
  local.pages.set('/jwks', { body: JSON.stringify({ keys }) })
}

const secretOf = ({ clientSecret }: LocalProvider) => ({
  expose: () => new TextEncoder().encode(clientSecret),
})

function aLink(changes: Partial<IdentityProviderSettings> = {}) {
  const link = createIdentityProvider({
    providers: [
      {
        issuer: local.issuer,
        caPem: local.caPem,
        introspection: { clientId: 'realm', clientSecret: secretOf(local) },
      },
    ],
    clock,
    timeout: milliseconds(200),
    report: ({ asking, problem }) => problems.push(`${asking} ${problem}`),
    ...changes,
  })
  return {
    keys: async (kid = 'k1', within = milliseconds(300)) => {
      const found = await link.keysFor({ issuer: local.issuer, kid, within })
      return isRefusal(found) ? found.refused : found.map((key) => key.kid)
    },
    introspect: (token = 'opaque', within = milliseconds(300)) =>
      link.introspect({ issuer: local.issuer, token, within }),
    link,
  }
}

test('a token signed by a discovered key is accepted from end to end', async () => {
  const { link } = aLink()
  const authenticator = createAuthenticator({
    issuers: [anIssuer({ issuer: local.issuer })],
    provider: link,
    now: clock.now,
  })
  const claims = someClaims({ iss: local.issuer, exp: Math.floor(Date.now() / 1000) + 60 })
  const answer = await authenticator.authenticate(signJwt(K1, claims))
  assert.equal(codeOf(answer), undefined)
  link.close()
})

test('a new key is found by its kid and the cooldown bounds the requests', async () => {
  const { keys, link } = aLink({ keyLimits: { cooldown: milliseconds(30) } })
  assert.deepEqual(await keys(), ['k1'])
  publish(K1.publicJwk, aSigner('k2', 'ec').publicJwk)
  assert.deepEqual(await keys('k2'), ['k2'])
  assert.deepEqual(
    local.asked.map(({ path }) => path),
    [CONFIGURATION, '/jwks', '/jwks'],
  )
  link.close()
})

test('a provider that describes itself as somebody else gives no keys', async () => {
  describe({ issuer: 'https://idp.example' })
  const { keys, link } = aLink()
  assert.equal(await keys(), 'identity.provider-unavailable')
  assert.ok(problems.includes('discovery other-issuer'))
  link.close()
})

test('keys are never fetched over plain HTTP', async () => {
  describe({ jwks_uri: local.issuer.replace('https:', 'http:') })
  const { keys, link } = aLink()
  assert.equal(await keys(), 'identity.provider-unavailable')
  assert.ok(problems.includes('keys no-endpoint'))
  link.close()
})

for (const [title, page, problem] of [
  [
    'an oversized answer',
    { body: JSON.stringify({ keys: [], pad: 'x'.repeat(300_000) }) },
    'oversized',
  ],
  ['an answer that is no JSON', { body: '<html>' }, 'not-json'],
  ['an error', { status: 500, body: '{}' }, 'status'],
  ['a redirect', { status: 302, body: '{}' }, 'status'],
  ['no answer in time', { body: '{}', afterMs: Number.POSITIVE_INFINITY }, 'timed-out'],
] as const) {
  test(`${title} gives no keys and is reported`, async () => {
    local.pages.set('/jwks', page)
    const { keys, link } = aLink()
    assert.equal(await keys(), 'identity.provider-unavailable')
    assert.ok(problems.includes(`keys ${problem}`), problems.join())
    link.close()
  })
}

test('a server whose certificate another authority signed is not asked', async () => {
  const { keys, link } = aLink({ providers: [{ issuer: local.issuer }] })
  assert.equal(await keys(), 'identity.provider-unavailable')
  assert.deepEqual([...new Set(problems)], ['discovery unreachable'])
  assert.equal(local.asked.length, 0)
  link.close()
})

test('a provider that is down and comes back within the patience is waited for', async () => {
  await local.close()
  const { keys, link } = aLink()
  const waiting = keys('k1', seconds(5))
  await clock.wait(milliseconds(50))
  await local.reopen()
  assert.deepEqual(await waiting, ['k1'])
  link.close()
})

test('introspection signs in by client_secret_basic and answers what the provider said', async () => {
  const { introspect, link } = aLink()
  assert.deepEqual(await introspect('a+b'), { active: false })
  const asked = local.asked.at(-1)
  assert.equal(asked?.method, 'POST')
  assert.equal(asked?.body, 'token=a%2Bb&token_type_hint=access_token')
  const secret = Buffer.from(
    asked?.authorization?.slice('Basic '.length) ?? '',
    'base64',
  ).toString()
  assert.equal(secret, 'realm:s3cret%3Awith%2Fstrange+characters')
  local.pages.set('/introspect', { body: JSON.stringify({ active: true, sub: 'x' }) })
  assert.deepEqual(await introspect(), { active: true, claims: { active: true, sub: 'x' } })
  link.close()
})

for (const [title, page] of [
  ['refuses us', { status: 401, body: '{"active":false}' }],
  ['gives no verdict', { body: '{"active":"false"}' }],
  ['is too slow', { body: '{"active":false}', afterMs: Number.POSITIVE_INFINITY }],
] as const) {
  test(`an introspection endpoint that ${title} says nothing about the token`, async () => {
    local.pages.set('/introspect', page)
    const { introspect, link } = aLink()
    assert.equal(codeOf(await introspect()), 'identity.provider-unavailable')
    link.close()
  })
}

test('a token is shown to nobody where no introspection is set up', async () => {
  const { introspect, link } = aLink({ providers: [{ issuer: local.issuer, caPem: local.caPem }] })
  assert.equal(codeOf(await introspect()), 'identity.provider-unavailable')
  assert.equal(local.asked.length, 0)
  link.close()
})

test('an issuer over plain HTTP stops the start', () => {
  const isSettingsFault = (error: unknown) =>
    error instanceof Fault && error.code === 'links.identity-provider-settings'
  assert.throws(() => aLink({ providers: [{ issuer: 'http://127.0.0.1' }] }), isSettingsFault)
})

test('an issuer that is not configured is never asked', async () => {
  const { link } = aLink()
  const question = { issuer: 'https://other.example', within: milliseconds(10) }
  assert.equal(codeOf(await link.keysFor(question)), 'identity.provider-unavailable')
  assert.equal(
    codeOf(await link.introspect({ ...question, token: 't' })),
    'identity.provider-unavailable',
  )
  link.close()
})
