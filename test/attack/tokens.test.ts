// Access tokens that are not good enough, in a handshake and in a session, over the real line: 403 in the words that
// real clients look for, a code of its own in the log, and nothing else.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { RefusalCode } from '../../src/refusal.ts'
import type { Device, Json } from '../support/device.ts'
import { type HostileCore, openHostileCore } from '../support/hostile-core.ts'
import { PEOPLE, type World } from '../support/world.ts'
import { aSigner, b64uJson, signJwt, someClaims } from '../unit/identity/world.ts'

let core: HostileCore
let world: World
let alice: Device
before(async () => {
  core = await openHostileCore()
  world = core.world
  alice = await core.signedIn('alice')
})
after(() => core.close())

const claims = (changes: Json = {}): Json => {
  const now = Math.floor(world.now() / 1000)
  return someClaims({ sub: PEOPLE.alice, roles: [], iat: now, exp: now + 3600, ...changes })
}
const token = (changes: Json): string => world.token(PEOPLE.alice, changes)
const now = () => Math.floor(world.now() / 1000)

/** A token whose header says what it likes about its signature. */
const forged = (header: Json, signature: (input: string) => string): string => {
  const input = `${b64uJson(header)}.${b64uJson(claims())}`
  return `${input}.${signature(input)}`
}
const hmac = (key: string) => (input: string) =>
  createHmac('sha256', key).update(input).digest('base64url')
const publicKeyOfSigner = () => JSON.stringify(world.realm.provider.jwks.keys[0])

const tokens: readonly (readonly [string, () => string, RefusalCode])[] = [
  ['that has expired', () => token({ exp: now() - 60 }), 'identity.token-expired'],
  ['that never expires', () => token({ exp: undefined }), 'identity.token-malformed'],
  ['that is not valid yet', () => token({ nbf: now() + 3600 }), 'identity.token-expired'],
  ['for another audience', () => token({ aud: 'urn:keyrealm:core' }), 'identity.wrong-audience'],
  ['for no audience', () => token({ aud: undefined }), 'identity.wrong-audience'],
  ['of another issuer', () => token({ iss: 'https://x.test' }), 'identity.wrong-issuer'],
  ['for the core', () => token({ scope: 'spark:core' }), 'identity.wrong-scope'],
  ['with a scope more', () => token({ scope: 'spark:kms spark:core' }), 'identity.wrong-scope'],
  ['without a scope', () => token({ scope: undefined }), 'identity.wrong-scope'],
  ['of no UUID', () => token({ sub: 'alice' }), 'identity.invalid-subject'],
  ['of nobody', () => token({ sub: undefined }), 'identity.invalid-subject'],
  [
    'of an organisation that is not served',
    () => token({ organization_id: PEOPLE.bob }),
    'identity.organization-not-served',
  ],
  ['that is missing', () => '', 'identity.token-missing'],
  ['that is no token', () => 'x y', 'identity.token-malformed'],
  ['cut short', () => token({}).slice(0, -20), 'identity.token-untrusted'],
  [
    'signed by a stranger under a known kid',
    () => signJwt(aSigner('k1', 'ec'), claims(), { alg: 'ES256' }),
    'identity.token-untrusted',
  ],
  [
    'signed by a stranger under an unknown kid',
    () => signJwt(aSigner('k2', 'ec'), claims(), { alg: 'ES256' }),
    'identity.token-untrusted',
  ],
  ['with alg none', () => forged({ alg: 'none' }, () => ''), 'identity.token-untrusted'],
  [
    'with alg none and a kid',
    () => forged({ alg: 'none', kid: 'k1' }, () => 'AAAA'),
    'identity.token-untrusted',
  ],
  [
    'signed with the public key as a secret',
    () => forged({ alg: 'HS256', kid: 'k1' }, hmac(publicKeyOfSigner())),
    'identity.token-untrusted',
  ],
  [
    'that brings its own key',
    () => {
      const signer = aSigner('k1', 'ec')
      return signJwt(signer, claims(), { alg: 'ES256', jwk: signer.publicJwk })
    },
    'identity.token-untrusted',
  ],
  [
    'with a critical extension',
    () => forged({ alg: 'ES256', kid: 'k1', crit: ['b64'], b64: false }, hmac('x')),
    'identity.token-malformed',
  ],
]

const WORDS = 'Failed to resolve authorization token in KmsMessage request for user'

for (const [what, make, code] of tokens) {
  test(`a token ${what} is refused in a session`, async () => {
    const client = alice.client({ bearer: make() })
    const answer = await alice.ask('create', '/keys', { count: 1, client })
    await world.refused(answer, 403, code)
    assert.equal(answer['reason'], WORDS)
  })

  test(`a token ${what} is refused in a handshake`, async () => {
    const device = core.device('alice', 'phone', make())
    const answer = await device.shake()
    await world.refused(answer, 403, code)
    assert.equal(answer['reason'], WORDS)
  })
}

test('a token of somebody else does not work in a session, whoever the request names', async () => {
  for (const userId of [PEOPLE.alice, PEOPLE.bob]) {
    const client = alice.client({ userId, bearer: world.token(PEOPLE.bob) })
    const answer = await alice.ask('create', '/keys', { count: 1, client })
    await world.refused(answer, 403, 'identity.other-user')
  }
})

test('a request that claims another user is done as the token’s own', async () => {
  const client = alice.client({ userId: PEOPLE.bob })
  const answer = await alice.ask('create', '/keys', { count: 1, client })
  const [key] = answer['keys'] as readonly Json[]
  assert.equal(key?.['userId'], PEOPLE.alice)
})

test('after all that nothing was done with a bad token', async () => {
  const entries = await world.entries()
  const done = (action: string) => entries.filter((entry) => entry.action === action).length
  assert.equal(done('session.created'), 1)
  const unbound = await world.store.read((tx) =>
    tx.keys.countUnbound(PEOPLE.alice as never, world.now()),
  )
  assert.equal(unbound, 1)
  assert.deepEqual(world.realm.faults, [])
})
