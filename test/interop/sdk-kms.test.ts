// The SDK's KMS class over its real batcher and real Mercury client. The scenarios are those of the
// SDK's own integration tests, run against our realm and core instead of the vendor's cloud.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { toleratedLeaks } from './leaks.ts'
import {
  authIdsIn,
  KmsError,
  type KmsError as Refusal,
  refusalOf,
  type Sdk,
  secretOf,
  signIn,
} from './sdk.ts'
import { realm, user } from './world.ts'

const domain = realm('acme').domain

let alice: Sdk
let bob: Sdk

before(async () => {
  alice = await signIn(user('alice'))
  bob = await signIn(user('bob'))
})

after(async () => {
  await alice[Symbol.asyncDispose]()
  await bob[Symbol.asyncDispose]()
})

suite('session and ping', () => {
  test('the SDK registers, connects Mercury, validates the realm and shakes hands', async () => {
    assert.equal(alice.webex.internal.device.userId, alice.user.id)
    assert(alice.webex.internal.mercury.connected)
    assert((await alice.sessionUri()).startsWith(`kms://${domain}/ecdhe/`))
  })

  test('a ping is answered with status 200 and its requestId', async () => {
    const answer = await alice.kms.ping()
    assert.equal(answer.status, 200)
    assert.match(answer.requestId, /^[0-9a-f-]{36}$/)
  })

  test('one session serves every call', async () => {
    const uri = await alice.sessionUri()
    for (let round = 0; round < 3; round += 1) await alice.kms.ping()
    assert.equal(await alice.sessionUri(), uri)
  })

  test('the session outlives the handshake by at least a minute and at most 24 days', async () => {
    const { ephemeralKey } = await alice.kms._getContext()
    const lifeMs = ephemeralKey.expirationDate.getTime() - Date.now()
    assert(lifeMs > 60_000 && lifeMs < 2 ** 31, `session life of ${lifeMs} ms`)
  })

  test('Mercury pings are answered with their own id, in time, on an unbroken socket', async () => {
    const settings = { mercury: { pingInterval: 200, pongTimeout: 1000 } }
    await using client = await signIn(user('alice'), { settings })
    await client.kms.ping()
    await delay(2500)
    assert(client.webex.internal.mercury.connected)
    assert.deepEqual(client.offline, [])
  })
})

suite('impatience', () => {
  test('a client that repeats handshake and requests before they are answered is served', async () => {
    const settings = { encryption: { kmsInitialTimeout: 20 } }
    await using client = await signIn(user('alice'), { settings })
    const { key, kro } = await client.room(bob.user)
    const next = await client.newKey()
    assert.equal((await client.kms.bindKey({ kro, key: next })).resourceUri, kro.uri)
    const added = await client.kms.addAuthorization({ kro, userIds: [randomUUID()] })
    assert.equal(added.length, 1)
    assert.equal(authIdsIn(await client.kms.listAuthorizations({ kro })).length, 3)
    for (const { uri } of [key, next]) await bob.kms.fetchKey({ uri })
  })
})

suite('keys', () => {
  test('unbound keys are created in the number asked for', async () => {
    const keys = await alice.kms.createUnboundKeys({ count: 2 })
    assert.equal(keys.length, 2)
    assert.notEqual(keys[0]?.uri, keys[1]?.uri)
    for (const key of keys) {
      assert(key.uri.startsWith(`kms://${domain}/keys/`))
      assert.equal(key.userId, alice.user.id)
    }
  })

  test('a key is retrieved by its URI', async () => {
    const key = await alice.newKey()
    const fetched = await alice.kms.fetchKey({ uri: key.uri })
    assert.equal(fetched.uri, key.uri)
    assert.equal(fetched.jwk.kid, key.jwk.kid)
    assert.equal(secretOf(fetched), secretOf(key))
  })

  test('a key is bound to a resource, and binding it again does no harm', async () => {
    const { kro } = await alice.room()
    const key = await alice.newKey()
    for (let round = 0; round < 2; round += 1) {
      const bound = await alice.kms.bindKey({ kro, key })
      assert.equal(bound.uri, key.uri)
      assert.equal(bound.resourceUri, kro.uri)
      assert(bound.bindDate)
    }
  })

  test('a bound key is not bound to another resource', async () => {
    const { key } = await alice.room()
    const { kro } = await alice.room()
    await assert.rejects(alice.kms.bindKey({ kro, key }), KmsError)
  })

  test('an unbound key is its creator’s alone', async () => {
    const key = await alice.newKey()
    await refusalOf(bob.kms.fetchKey({ uri: key.uri }))
    const { kro } = await bob.room()
    await assert.rejects(bob.kms.bindKey({ kro, key }), KmsError)
  })
})

suite('refusals in the SDK', () => {
  test('a KmsError carries status, reason and requestId, and says them', async () => {
    const key = await alice.newKey()
    const refusal = await refusalOf(bob.kms.fetchKey({ uri: key.uri }))
    assert.equal(refusal.body.status, 403)
    assert.equal(typeof refusal.reason, 'string')
    assert.notEqual(refusal.reason, '')
    assert.match(refusal.message, /KMS_RESPONSE_STATUS: 403/)
    assert(refusal.message.includes(refusal.requestId))
    assert(refusal.message.startsWith(refusal.reason))
  })

  test('what does not exist is refused like what is not ours', async () => {
    const uri = `kms://${domain}/keys/${randomUUID()}`
    await assert.rejects(alice.kms.fetchKey({ uri }), ({ status }: Refusal) =>
      [403, 404].includes(status),
    )
  })

  test('every call about customer keys is refused, not met with silence', async () => {
    const { kms } = alice
    const key = {
      assignedOrgId: alice.user.organizationId,
      customerMasterKey: 'c2VhbGVk',
      keyId: `kms://${domain}/cmk/${randomUUID()}`,
      keyState: 'ACTIVE',
    }
    const calls = [
      kms.fetchPublicKey(key),
      kms.uploadCustomerMasterKey(key),
      kms.uploadCustomerMasterKey({ ...key, awsKms: true }),
      kms.listAllCustomerMasterKey(key),
      kms.changeCustomerMasterKeyState(key),
      kms.useGlobalMasterKey(key),
      kms.deleteAllCustomerMasterKeys(key),
    ]
    await Promise.all(calls.map((call) => refusalOf(call, 501)))
  })

  test('a refusal does not cost the session', async () => {
    const uri = await alice.sessionUri()
    await assert.rejects(alice.kms.request({ method: 'retrieve', uri: '/nonsense' }), KmsError)
    assert.equal((await alice.kms.ping()).status, 200)
    assert.equal(await alice.sessionUri(), uri)
  })

  test('the rejections the SDK left unattended were all of the known kind', () => {
    assert(toleratedLeaks() > 0)
  })
})
