// node-kms 0.4.1 alone: handshake, delivery, replay and refusals, message by message.
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import {
  authIdsIn,
  type Context,
  headerOf,
  type Key,
  kms,
  RawClient,
  registerDevice,
} from './raw.ts'
import { http, openSocket } from './wire.ts'
import { realm, user, world } from './world.ts'

const alice = user('alice')
const bob = user('bob')
const domain = realm('acme').domain
const ping = { method: 'update', uri: '/ping' }

let client: RawClient
let second: RawClient

before(async () => {
  client = await RawClient.connect(alice)
  second = await RawClient.connect(bob)
})

after(async () => {
  await client[Symbol.asyncDispose]()
  await second[Symbol.asyncDispose]()
})

/** A session node-kms believes in and the KMS has never heard of. */
function strangerContext(): Context {
  const uri = `kms://${domain}/ecdhe/${randomUUID()}`
  const k = randomBytes(32).toString('base64url')
  const ephemeralKey = new kms.KeyObject({ uri, jwk: { kty: 'oct', kid: uri, alg: 'A256GCM', k } })
  const { clientInfo, serverInfo } = client.context
  return Object.assign(new kms.Context(), { clientInfo, serverInfo, ephemeralKey })
}

function assertUnauthorized(status: number): void {
  assert(status === 401 || status === 403, `status ${status}`)
}

suite('details and handshake', () => {
  test('the details give the cluster and the static key as a JSON string', async () => {
    const details = await client.readDetails()
    assert.equal(details.kmsCluster, `kms://${domain}`)
    assert.equal(typeof details.rsaPublicKey, 'string')
    const key = JSON.parse(String(details.rsaPublicKey)) as Record<string, unknown>
    assert.equal(key['kty'], 'RSA')
    assert.match(String(key['kid']), new RegExp(`^kms://${domain}/statickeys/\\d+$`))
    assert.equal(key['use'], undefined)
    assert.equal(key['alg'], undefined)
    assert(Array.isArray(key['x5c']))
  })

  test('the handshake answer is signed under the static key and says when it ends', async () => {
    const { jws, answer } = await client.handshake()
    assert.equal(jws.split('.').length, 3)
    assert.equal(headerOf(jws)['kid'], client.context.serverInfo.key.kid)
    assert.equal(headerOf(jws)['alg'], 'PS256')
    const key = answer['key'] as Key
    assert.match(key.uri, new RegExp(`^kms://${domain}/ecdhe/[0-9a-f-]{36}$`))
    assert.equal(key.jwk['crv'], 'P-256')
    assert.equal(key.jwk['d'], undefined)
    assert.equal(key.userId, alice.id)
    assert.equal(key.clientId, client.deviceUrl)
    const lifeMs = Date.parse(key.expirationDate) - Date.now()
    assert(lifeMs > 60_000 && lifeMs < 2 ** 31, `session life of ${lifeMs} ms`)
  })

  test('an answer is sealed under the session key and names it', async () => {
    await client.post([await client.wrap(ping)])
    const message = await client.next()
    const kid = client.context.ephemeralKey.uri
    assert.deepEqual(headerOf(message), { alg: 'dir', enc: 'A256GCM', kid })
    assert.equal((await client.unwrap(message)).status, 200)
  })

  test('a newer session of the device leaves the older one alive', async () => {
    const older = client.context.ephemeralKey
    await client.handshake()
    assert.equal((await client.ask(ping)).status, 200)
    client.context.ephemeralKey = older
    assert.equal((await client.ask(ping)).status, 200)
  })

  test('a deleted session is answered by a reset', async () => {
    const kept = client.context.ephemeralKey
    await client.handshake()
    const uri = client.context.ephemeralKey.uri
    const { status } = await client.ask({ method: 'delete', uri })
    assert(status === 204 || status === 200, `status ${status}`)
    await client.post([await client.wrap(ping)])
    assert.equal((await client.unwrap(await client.next())).status, 499)
    client.context.ephemeralKey = kept
  })
})

suite('delivery', () => {
  test('fifty requests in one post come back one per event and in order', async () => {
    const requests = Array.from({ length: 50 }, () => new kms.Request(ping))
    await client.post(await Promise.all(requests.map((request) => request.wrap(client.context))))
    for (const { requestId } of requests) {
      assert.equal((await client.unwrap(await client.next())).requestId, requestId)
    }
  })

  test('garbage beside a good message harms only itself', async () => {
    const good = await client.wrap({ ...ping, requestId: 'beside-garbage' })
    await client.post(['not a message', good])
    const answer = await client.unwrap(await client.next())
    assert.equal(answer.requestId, 'beside-garbage')
    assert.equal(answer.status, 200)
    await client.nothingFor(500)
  })

  test('answers reach the device that asked and no other', async () => {
    await using other = await RawClient.connect(alice)
    assert.equal((await client.ask(ping)).status, 200)
    await other.nothingFor(300)
    await second.nothingFor(0)
  })

  test('an unknown session is answered by a signed reset, status 499', async () => {
    await client.post([await client.wrap(ping, strangerContext())])
    const message = await client.next()
    assert.equal(message.split('.').length, 3)
    assert.equal(headerOf(message)['kid'], client.context.serverInfo.key.kid)
    assert.equal((await client.unwrap(message)).status, 499)
    assert.equal((await client.ask(ping)).status, 200)
  })
})

suite('replay', () => {
  test('a repeated requestId gets the same answer and has no second effect', async () => {
    const request = { method: 'create', uri: '/keys', count: 1, requestId: randomUUID() }
    const first = await client.ask(request)
    assert.equal(first.status, 201)
    assert.deepEqual(await client.ask(request), first)
  })

  test('a message played back word for word undoes nothing', async () => {
    const key = await client.createKey()
    const { uri: resourceUri } = await client.createResource({ keyUris: [key.uri] })
    const uri = `${resourceUri}/authorizations`
    const request = { method: 'create', uri: '/authorizations', resourceUri, userIds: [bob.id] }
    const message = await client.wrap(request)
    await client.post([message])
    const added = await client.unwrap(await client.next())
    assert.equal(added.status, 201, added.reason)
    await client.ask({ method: 'delete', uri: `${uri}?authId=${bob.id}` })
    await client.post([message])
    assert.deepEqual(await client.unwrap(await client.next()), added)
    assert.deepEqual(authIdsIn(await client.ask({ method: 'retrieve', uri })), [alice.id])
    assert.equal((await second.ask({ method: 'retrieve', uri: key.uri })).status, 403)
  })
})

suite('refusals', () => {
  test('a refusal is sealed and carries status, requestId and a reason', async () => {
    const { uri } = await client.createKey()
    const answer = await second.ask({ method: 'retrieve', uri })
    assert.equal(answer.status, 403)
    assert.match(String(answer.reason), /\w/)
  })

  test('unknown paths, hosts and counts are refused, never met with silence', async () => {
    const requests = [
      { method: 'retrieve', uri: '/nonsense' },
      { method: 'retrieve', uri: `kms://nowhere.invalid/keys/${randomUUID()}` },
      { method: 'create', uri: '/keys', count: 0 },
      { method: 'create', uri: '/keys' },
    ]
    for (const request of requests) {
      const { status } = await client.ask(request)
      assert(status >= 400 && status < 500, `${JSON.stringify(request)}: status ${status}`)
    }
  })

  test('the user of the session and the user of the token must be one', async () => {
    const stolen = client.contextWith({ userId: alice.id, bearer: bob.kmsToken })
    assertUnauthorized((await client.ask(ping, stolen)).status)
  })

  test('a claimed userId gives no rights', async () => {
    const { uri } = await client.createKey()
    const claiming = second.contextWith({ userId: alice.id, bearer: bob.kmsToken })
    assert.equal((await second.ask({ method: 'retrieve', uri }, claiming)).status, 403)
  })

  test('the KMS refuses the token of the HTTP hop', async () => {
    const misused = client.contextWith({ userId: alice.id, bearer: alice.coreToken })
    assertUnauthorized((await client.ask(ping, misused)).status)
  })

  test('the core refuses the token of the KMS, over HTTP and over the socket', async () => {
    const devices = `${world.core.wdmUrl}/devices`
    assertUnauthorized((await http('GET', devices, { token: alice.kmsToken })).status)
    const { url, webSocketUrl } = await registerDevice(alice)
    await assert.rejects(openSocket(webSocketUrl, alice.kmsToken), { code: 4403 })
    await assert.rejects(openSocket(webSocketUrl, 'no-token'), { code: 4401 })
    await http('DELETE', url, { token: alice.coreToken })
  })
})
