// Resources, who is authorised on them, and rotation of their keys, through the SDK's KMS class.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { authIdsIn, refusalOf, type Sdk, secretOf, signIn } from './sdk.ts'
import { CASTS, realmOf, user } from './world.ts'

for (const { where, cast } of CASTS)
  describe(where, () => {
    let alice: Sdk
    let bob: Sdk

    before(async () => {
      alice = await signIn(user(cast[0]))
      bob = await signIn(user(cast[1]))
    })

    after(async () => {
      await alice[Symbol.asyncDispose]()
      await bob[Symbol.asyncDispose]()
    })

    test('a resource names its keys and has one authorization for its creator', async () => {
      const key = await alice.newKey()
      const kro = await alice.kms.createResource({ key, userIds: [alice.user.id] })
      assert(kro.uri.startsWith(`kms://${realmOf(alice.user).domain}/resources/`))
      assert.deepEqual(kro.keyUris, [key.uri])
      assert.equal(kro.authorizationUris.length, 1)
    })

    test('an authorised user reads the key; who is taken out stops at once', async () => {
      const { key, kro } = await alice.room()
      await refusalOf(bob.kms.fetchKey({ uri: key.uri }))
      const [added] = await alice.kms.addAuthorization({ kro, userIds: [bob.user.id] })
      assert.equal(added?.resourceUri, kro.uri)
      assert.equal(added?.authId, bob.user.id)
      assert.equal(secretOf(await bob.kms.fetchKey({ uri: key.uri })), secretOf(key))
      const [removed] = await alice.kms.removeAuthorization({ kro, userId: bob.user.id })
      assert.equal(removed?.resourceUri, kro.uri)
      assert.equal(removed?.authId, bob.user.id)
      await refusalOf(bob.kms.fetchKey({ uri: key.uri }))
    })

    test('a resource is authorised on a resource: its members read, until it is taken out', async () => {
      const team = await alice.room(bob.user)
      const { key, kro } = await alice.room()
      await refusalOf(bob.kms.fetchKey({ uri: key.uri }))
      const [added] = await alice.kms.addAuthorization({ kro, authIds: [team.kro.uri] })
      assert.equal(added?.authId, team.kro.uri)
      assert.equal(added?.resourceUri, kro.uri)
      await bob.kms.fetchKey({ uri: key.uri })
      await alice.kms.removeAuthorization({ kro: team.kro, userId: bob.user.id })
      await refusalOf(bob.kms.fetchKey({ uri: key.uri }))
      await alice.kms.addAuthorization({ kro: team.kro, userIds: [bob.user.id] })
      await bob.kms.fetchKey({ uri: key.uri })
      const [removed] = await alice.kms.removeAuthorization({ kro, authId: team.kro.uri })
      assert.equal(removed?.authId, team.kro.uri)
      await refusalOf(bob.kms.fetchKey({ uri: key.uri }))
    })

    test('several are authorised in one call, answered in the order of the request', async () => {
      const other = await alice.room()
      const { kro } = await alice.room()
      const authIds = [other.kro.uri, bob.user.id]
      const added = await alice.kms.addAuthorization({ kro, authIds })
      assert.deepEqual(
        added.map(({ authId }) => authId),
        authIds,
      )
    })

    test('the list follows every change', async () => {
      const other = await alice.room()
      const { kro } = await alice.room(bob.user)
      await alice.kms.addAuthorization({ kro, authIds: [other.kro.uri] })
      const listed = async () => authIdsIn(await alice.kms.listAuthorizations({ kro })).toSorted()
      assert.deepEqual(await listed(), [alice.user.id, bob.user.id, other.kro.uri].toSorted())
      await alice.kms.removeAuthorization({ kroUri: kro.uri, userId: bob.user.id })
      assert.deepEqual(await listed(), [alice.user.id, other.kro.uri].toSorted())
      await alice.kms.removeAuthorization({ kroUri: kro.uri, userId: other.kro.uri })
      assert.deepEqual(await listed(), [alice.user.id])
    })

    test('outsiders neither list nor add', async () => {
      const { kro } = await alice.room()
      await refusalOf(bob.kms.listAuthorizations({ kro }))
      await refusalOf(bob.kms.addAuthorization({ kro, userIds: [bob.user.id] }))
      await refusalOf(bob.kms.removeAuthorization({ kro, userId: alice.user.id }))
    })

    test('removing what was never authorised answers an empty array', async () => {
      const { kro } = await alice.room()
      assert.deepEqual(await alice.kms.removeAuthorization({ kro, authId: randomUUID() }), [])
    })

    test('a member leaves by removing itself', async () => {
      const { key, kro } = await alice.room(bob.user)
      const [removed] = await bob.kms.removeAuthorization({ kro, userId: bob.user.id })
      assert.equal(removed?.authId, bob.user.id)
      await refusalOf(bob.kms.fetchKey({ uri: key.uri }))
    })

    test('a member binds the next key; who left reads neither the old one nor the new', async () => {
      const { key: first, kro } = await alice.room(bob.user)
      const next = await bob.newKey()
      await bob.kms.bindKey({ kro, key: next })
      assert.equal(secretOf(await alice.kms.fetchKey({ uri: next.uri })), secretOf(next))
      assert.equal(secretOf(await alice.kms.fetchKey({ uri: first.uri })), secretOf(first))
      await alice.kms.removeAuthorization({ kro, userId: bob.user.id })
      const last = await alice.newKey()
      await alice.kms.bindKey({ kro, key: last })
      await refusalOf(bob.kms.fetchKey({ uri: first.uri }))
      await refusalOf(bob.kms.fetchKey({ uri: next.uri }))
      await refusalOf(bob.kms.fetchKey({ uri: last.uri }))
    })
  })
