// The HTTP surface as a stranger meets it: tokens, bodies, slowness, health.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { ACME, ALICE, type CoreWorld, claimsOf, GLOBEX, openCoreWorld } from './world.ts'

let world: CoreWorld
before(async () => {
  const limits = { bodyBytes: 2048, bodyWithinMs: 200, headersWithinMs: 300 }
  world = await openCoreWorld({ limits, identity: { believedForMs: 1000 } })
})
after(() => world.close())

const DEVICES = '/wdm/api/v1/devices'
const ACME_CLAIMS = claimsOf(ALICE, ACME.organizationId)

const jwtSaying = (claims: object): string =>
  ['{"alg":"none"}', JSON.stringify(claims), 'x']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.')

const refusedTokens: readonly (readonly [string, object | undefined, number, string])[] = [
  ['nobody issued', undefined, 401, 'core.token-inactive'],
  ['of another audience', { aud: 'urn:keyrealm:kms' }, 401, 'core.wrong-audience'],
  ['of another issuer', { iss: 'https://other.test' }, 401, 'core.wrong-issuer'],
  ['that has expired', { exp: 1000 }, 401, 'core.token-expired'],
  ['that never expires', { exp: undefined }, 401, 'core.token-expired'],
  ['that is not valid yet', { nbf: 4_000_000_000 }, 401, 'core.token-inactive'],
  ['that is a refresh token', { token_type: 'refresh_token' }, 401, 'core.token-inactive'],
  ['bound to a key', { cnf: { jkt: 'x' } }, 401, 'core.token-inactive'],
  ['without the scope', { scope: 'openid' }, 403, 'core.scope-missing'],
  ['that opens keys', { scope: 'spark:core spark:kms' }, 403, 'core.kms-token-refused'],
  [
    'that opens keys of another audience',
    { scope: 'spark:kms', aud: 'x' },
    403,
    'core.kms-token-refused',
  ],
  ['of a subject that is no UUID', { sub: 'alice' }, 403, 'core.invalid-subject'],
  ['of no organization', { organization_id: undefined }, 403, 'core.organization-not-served'],
]

for (const [what, claims, status, code] of refusedTokens) {
  test(`a token is refused: one ${what}`, async () => {
    const token = `refused-${code}-${what.length}`
    if (claims !== undefined) world.provider.tokens.set(token, { ...ACME_CLAIMS, ...claims })
    const answer = await world.ask('GET', DEVICES, { token })
    assert.equal(answer.status, status)
    assert.equal(answer.body['code'], code)
    assert.equal(answer.headers['www-authenticate'], status === 401 ? 'Bearer' : undefined)
  })
}

test('no token, and what is no token, is refused', async () => {
  for (const headers of [{}, { authorization: 'Basic eDp5' }, { authorization: 'Bearer a b' }]) {
    const answer = await world.ask('GET', DEVICES, { headers })
    assert.equal(answer.body['code'], 'core.token-missing')
  }
})

test('a token that says it opens keys is refused without telling the provider about it', async () => {
  const token = jwtSaying({ scope: 'spark:kms' })
  const answer = await world.ask('GET', DEVICES, { token })
  assert.equal(answer.body['code'], 'core.kms-token-refused')
  assert.equal(world.provider.asked.includes(token), false)
})

test('the provider is asked once about a busy token, and again when the answer is old', async () => {
  world.provider.tokens.set('busy', ACME_CLAIMS)
  const asked = () => world.provider.asked.filter((token) => token === 'busy').length
  await Promise.all([1, 2, 3].map(() => world.ask('GET', DEVICES, { token: 'busy' })))
  assert.equal(asked(), 1)
  world.pass(1100)
  world.provider.tokens.delete('busy')
  assert.equal((await world.ask('GET', DEVICES, { token: 'busy' })).status, 401)
  assert.equal(asked(), 2)
})

test('a token that expires while its answer is believed stops working', async () => {
  const exp = world.now() / 1000 + 0.5
  world.provider.tokens.set('short', { ...ACME_CLAIMS, exp })
  assert.equal((await world.ask('GET', DEVICES, { token: 'short' })).status, 200)
  world.pass(600)
  assert.equal(
    (await world.ask('GET', DEVICES, { token: 'short' })).body['code'],
    'core.token-expired',
  )
})

test('a provider that cannot be asked is no verdict on the token', async () => {
  world.provider.tokens.set('later', ACME_CLAIMS)
  world.provider.mode = 'out-of-order'
  const answer = await world.ask('GET', DEVICES, { token: 'later' })
  assert.equal(answer.status, 503)
  assert.equal(answer.body['code'], 'core.identity-unavailable')
  world.provider.mode = 'in-order'
  assert.equal((await world.ask('GET', DEVICES, { token: 'later' })).status, 200)
})

const POST = '/encryption/api/v1/kms/messages'

const refusedBodies: readonly (readonly [string, unknown, object, number, string])[] = [
  ['too large', 'x'.repeat(3000), {}, 413, 'core.body-too-large'],
  [
    'too large and chunked',
    'x'.repeat(3000),
    { 'transfer-encoding': 'chunked' },
    413,
    'core.body-too-large',
  ],
  ['not JSON', '{', {}, 400, 'core.body-not-json'],
  ['not said to be JSON', 'x', { 'content-type': 'text/plain' }, 415, 'core.wrong-content-type'],
]

test('bodies are refused: too large, not JSON, not said to be JSON', async () => {
  const realm = await world.connect(ACME)
  for (const [what, body, headers, status, code] of refusedBodies) {
    const answer = await world.ask('POST', POST, { token: 'alice', body, headers: { ...headers } })
    assert.equal(answer.status, status, what)
    assert.equal(answer.body['code'], code, what)
  }
  realm.cut()
})

test('a path without a service is refused, but only to those who may ask', async () => {
  assert.equal((await world.ask('GET', '/etc/passwd')).body['code'], 'core.token-missing')
  const answer = await world.ask('GET', '/etc/passwd', { token: 'alice' })
  assert.equal(answer.status, 404)
  assert.equal(answer.body['code'], 'core.not-found')
})

test('a tracking id of the caller is repeated, an odd one is replaced', async () => {
  const idFor = async (trackingid: string) =>
    (await world.ask('GET', DEVICES, { headers: { trackingid } })).body['trackingId']
  assert.equal(await idFor('js_1-2-3'), 'js_1-2-3')
  assert.match(String(await idFor('two words')), /^[0-9a-f-]{36}$/)
})

const rawConnection = (): Promise<TLSSocket> =>
  new Promise((resolve) => {
    const { port } = world.core
    const socket = connect({ port, host: '127.0.0.1', ca: world.authority.ca }, () =>
      resolve(socket),
    )
  })

/** What the core says before it closes the connection. */
const untilClosed = async (socket: TLSSocket): Promise<string> => {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', () => undefined)
  await new Promise((resolve) => socket.once('close', resolve))
  return Buffer.concat(chunks).toString()
}

test('a connection that trickles its headers is closed', async () => {
  const socket = await rawConnection()
  socket.write('POST / HTTP/1.1\r\nHost: x\r\n')
  assert.match(await untilClosed(socket), /^HTTP\/1\.1 408 /)
})

test('a connection that trickles its body is told so and closed', async () => {
  const socket = await rawConnection()
  const head = [
    `POST ${DEVICES} HTTP/1.1`,
    'Host: x',
    'Authorization: Bearer alice',
    'Content-Type: application/json',
    'Content-Length: 100',
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n{`)
  const told = await untilClosed(socket)
  assert.match(told, /^HTTP\/1\.1 408 /)
  assert.ok(told.includes('core.body-too-slow'))
})

const probe = (path: string, method = 'GET') =>
  new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
    const options = { port: world.core.healthPort, host: '127.0.0.1', path, method }
    const sent = request(options, async (answer) => {
      const text = Buffer.concat(await answer.toArray()).toString()
      resolve({ status: answer.statusCode ?? 0, text })
    })
    sent.on('error', reject).end()
  })

test('probes are answered, and metrics name no user and no device', async () => {
  assert.deepEqual(await probe('/healthz'), { status: 200, text: '{"status":"live"}' })
  assert.deepEqual(await probe('/readyz'), { status: 200, text: '{"status":"ready"}' })
  assert.equal((await probe('/nothing')).status, 404)
  assert.equal((await probe('/healthz', 'POST')).status, 405)
  const { text } = await probe('/metrics')
  assert.match(text, /_http_request_seconds_bucket/)
  assert.doesNotMatch(text, new RegExp(`${ALICE}|${ACME.organizationId}|${GLOBEX.domain}`))
})
