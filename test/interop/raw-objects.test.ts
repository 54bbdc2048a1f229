// node-kms 0.4.1 alone: keys, resources and authorizations, in the clients' forms and the draft's.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { type Authorization, authIdsIn, type Key, RawClient, type Resource } from './raw.ts'
import { CASTS, realmOf, user } from './world.ts'

for (const { where, cast } of CASTS)
  describe(where, () => {
    const alice = user(cast[0])
    const bob = user(cast[1])
    const domain = realmOf(alice).domain

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

    test('created keys are unbound, ours, and carry a key of 256 bits', async () => {
      const keys = await client.createKeys(3)
      assert.equal(new Set(keys.map(({ uri }) => uri)).size, 3)
      for (const key of keys) {
        assert.match(key.uri, new RegExp(`^kms://${domain}/keys/[0-9a-f-]{36}$`))
        assert.equal(Buffer.from(key.jwk['k'] ?? '', 'base64url').length, 32)
        assert.equal(key.jwk['kty'], 'oct')
        assert.equal(key.jwk['alg'], undefined)
        assert.equal(key.userId, alice.id)
        assert.equal(key.bindDate, undefined)
        assert(Date.parse(key.expirationDate) > Date.now())
      }
    })

    test('a key keeps its kid for every reader and every reading', async () => {
      const key = await client.createKey()
      await client.createResource({ userIds: [bob.id], keyUris: [key.uri] })
      for (const reader of [client, second, client]) {
        const answer = await reader.ask({ method: 'retrieve', uri: key.uri })
        assert.equal(answer.status, 200, answer.reason)
        assert.deepEqual((answer['key'] as Key).jwk, key.jwk)
      }
    })

    test('relative and absolute URIs name the same things; answers are absolute', async () => {
      const created = await client.ask({ method: 'create', uri: `kms://${domain}/keys`, count: 1 })
      const [key] = created['keys'] as Key[]
      assert(key)
      const path = key.uri.slice(`kms://${domain}`.length)
      const answer = await client.ask({ method: 'retrieve', uri: path })
      assert.equal((answer['key'] as Key).uri, key.uri)
    })

    test('a resource authorises its creator once, even when listed, and binds its keys', async () => {
      const key = await client.createKey()
      const resource = await client.createResource({
        userIds: [alice.id, bob.id],
        keyUris: [key.uri],
      })
      assert.deepEqual(resource.keyUris, [key.uri])
      assert.equal(resource.authorizationUris.length, 2)
      const answer = await client.ask({ method: 'retrieve', uri: key.uri })
      assert.equal((answer['key'] as Key).resourceUri, resource.uri)
      assert((answer['key'] as Key).bindDate)
    })

    test('the draft forms work: authIds, retrieve a resource, its keys, one authorization', async () => {
      const [first, later] = await client.createKeys(2)
      assert(first && later)
      const resource = await client.createResource({ authIds: [bob.id], keyUris: [first.uri] })
      const bound = await client.ask({
        method: 'update',
        uri: later.uri,
        resourceUri: resource.uri,
      })
      assert.equal(bound.status, 200, bound.reason)
      const retrieved = await client.ask({ method: 'retrieve', uri: resource.uri })
      assert.equal((retrieved['resource'] as Resource).uri, resource.uri)
      const keys = await client.ask({ method: 'retrieve', uri: `${resource.uri}/keys` })
      const uris = (keys['keys'] as Key[]).map(({ uri }) => uri)
      assert.deepEqual(uris.toSorted(), [first.uri, later.uri].toSorted())
      const newest = await client.ask({ method: 'retrieve', uri: `${resource.uri}/keys`, count: 1 })
      assert.deepEqual(
        (newest['keys'] as Key[]).map(({ uri }) => uri),
        [later.uri],
      )
      const one = `${resource.uri}/authorizations?authId=${bob.id}`
      assert.deepEqual(authIdsIn(await client.ask({ method: 'retrieve', uri: one })), [bob.id])
      const none = `${resource.uri}/authorizations?authId=${randomUUID()}`
      assert.deepEqual(authIdsIn(await client.ask({ method: 'retrieve', uri: none })), [])
    })

    test('an authorization is removed by its own URI as the draft has it', async () => {
      const keyUris = [(await client.createKey()).uri]
      const resource = await client.createResource({ userIds: [bob.id], keyUris })
      const uri = `${resource.uri}/authorizations`
      const listed = await client.ask({ method: 'retrieve', uri })
      const authorizations = listed['authorizations'] as Authorization[]
      const bobs = authorizations.find(({ authId }) => authId === bob.id)
      assert(bobs)
      const removed = await client.ask({ method: 'delete', uri: bobs.uri })
      assert(removed.status === 200 || removed.status === 204, `status ${removed.status}`)
      assert.deepEqual(authIdsIn(await client.ask({ method: 'retrieve', uri })), [alice.id])
    })

    test('adding twice gives one authorization; removing an absent one gives an empty array', async () => {
      const resource = await client.createResource({ keyUris: [(await client.createKey()).uri] })
      const { uri: resourceUri } = resource
      const add = { method: 'create', uri: '/authorizations', resourceUri, userIds: [bob.id] }
      const [added] = (await client.ask(add))['authorizations'] as Authorization[]
      const [again] = (await client.ask(add))['authorizations'] as Authorization[]
      assert.equal(again?.authId, added?.authId)
      const uri = `${resource.uri}/authorizations`
      assert.equal(authIdsIn(await client.ask({ method: 'retrieve', uri })).length, 2)
      const absent = await client.ask({ method: 'delete', uri: `${uri}?authId=${randomUUID()}` })
      assert.equal(absent.status, 200, absent.reason)
      assert.deepEqual(absent['authorizations'], [])
    })

    test('a query value that is itself a URI survives its percent-encoding', async () => {
      const resource = await client.createResource({ keyUris: [(await client.createKey()).uri] })
      const nested = await client.createResource({ keyUris: [(await client.createKey()).uri] })
      const add = { method: 'create', uri: '/authorizations', resourceUri: resource.uri }
      assert.equal((await client.ask({ ...add, userIds: [nested.uri] })).status, 201)
      const query = `authId=${encodeURIComponent(nested.uri)}`
      const uri = `${resource.uri}/authorizations?${query}`
      assert.deepEqual(authIdsIn(await client.ask({ method: 'delete', uri })), [nested.uri])
    })

    test('a resource is created with all its keys or not at all', async () => {
      const [good, taken] = await client.createKeys(2)
      assert(good && taken)
      await client.createResource({ userIds: [bob.id], keyUris: [taken.uri] })
      for (const bad of [taken.uri, `kms://${domain}/keys/${randomUUID()}`]) {
        const keyUris = [good.uri, bad]
        const refused = await client.ask({ method: 'create', uri: '/resources', keyUris })
        assert(refused.status >= 400, `status ${refused.status}`)
      }
      const still = await client.ask({ method: 'retrieve', uri: good.uri })
      assert.equal((still['key'] as Key).resourceUri, undefined)
    })
  })
