// Two realms: the SDK asks only its own KMS, which must reach the other one for it. The tests about a key of the other realm
// are the SDK's own "when the kms is in another org"; what holds at home is asked of both by CASTS in the other files.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { KmsError, refusalOf, type Sdk, secretOf, signIn } from './sdk.ts'
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
    await refusalOf(reader.kms.fetchKey({ uri: key.uri }))
  })
}

test('a foreign user who is not a member is refused', async () => {
  const { key } = await alice.room()
  await refusalOf(gina.kms.fetchKey({ uri: key.uri }))
})

test('a host that is nobody is refused within a second, and not with silence', async () => {
  const begun = performance.now()
  const uri = `kms://kms.nobody.example/keys/${randomUUID()}`
  const refusal = await gina.kms.fetchKey({ uri }).then(
    () => assert.fail('nobody gave a key'),
    (reason: unknown) => reason,
  )
  assert(refusal instanceof KmsError, String(refusal))
  assert(refusal.status >= 400 && refusal.status < 500, `status ${refusal.status}`)
  assert(performance.now() - begun < 1000)
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
