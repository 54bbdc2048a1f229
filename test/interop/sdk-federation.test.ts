// Two realms: the SDK asks only its own KMS, which must reach the other one for it. The first two
// tests are the SDK's own "when the kms is in another org".
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { KmsError, type Sdk, secretOf, signIn } from './sdk.ts'
import { user } from './world.ts'

let alice: Sdk
let gina: Sdk

before(async () => {
  alice = await signIn(user('alice'))
  gina = await signIn(user('gina'))
})

after(async () => {
  await alice[Symbol.asyncDispose]()
  await gina[Symbol.asyncDispose]()
})

test('the other realm shakes hands and answers pings', async () => {
  assert.equal((await gina.kms.ping()).status, 200)
  assert.notEqual(new URL(await gina.sessionUri()).host, new URL(await alice.sessionUri()).host)
})

for (const [from, to] of [
  ['alice', 'gina'],
  ['gina', 'alice'],
]) {
  test(`${to} retrieves a key of ${from}'s realm through their own`, async () => {
    const [owner, reader] = from === 'alice' ? [alice, gina] : [gina, alice]
    const { key, kro } = await owner.room(reader.user)
    assert.equal(secretOf(await reader.kms.fetchKey({ uri: key.uri })), secretOf(key))
    await owner.kms.removeAuthorization({ kro, userId: reader.user.id })
    await assert.rejects(reader.kms.fetchKey({ uri: key.uri }), KmsError)
  })
}

test('a foreign user who is not a member is refused', async () => {
  const { key } = await alice.room()
  await assert.rejects(gina.kms.fetchKey({ uri: key.uri }), KmsError)
})

test('a foreign member lists, adds and leaves on a resource of the other realm', async () => {
  const { kro } = await alice.room(gina.user)
  const listed = await gina.kms.listAuthorizations({ kro })
  assert(listed.some(({ authId }) => authId === gina.user.id))
  const greg = user('greg').id
  const [added] = await gina.kms.addAuthorization({ kro, userIds: [greg] })
  assert.equal(added?.authId, greg)
  const [removed] = await gina.kms.removeAuthorization({ kro, userId: gina.user.id })
  assert.equal(removed?.authId, gina.user.id)
})

test('a foreign member rotates the key of a room with a key of their own realm', async () => {
  const { kro } = await alice.room(gina.user)
  const next = await gina.newKey()
  const bound = await gina.kms.bindKey({ kro, key: next })
  assert.equal(bound.resourceUri, kro.uri)
  assert.equal(secretOf(await alice.kms.fetchKey({ uri: next.uri })), secretOf(next))
})
