// eDiscovery through the SDK: a compliance officer reads on behalf of users of the same
// organisation. Access is judged as the user named, and the officer's role is not enough by itself.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { KmsError, refusalOf, type Sdk, secretOf, signIn } from './sdk.ts'
import { user } from './world.ts'

const TEXT = 'held for the matter of Smith and Jones'

let officer: Sdk
let alice: Sdk
let bob: Sdk

before(async () => {
  assert(user('olivia').roles.includes('spark.kms_orgagent'))
  officer = await signIn(user('olivia'))
  alice = await signIn(user('alice'))
  bob = await signIn(user('bob'))
})

after(async () => {
  for (const sdk of [officer, alice, bob]) await sdk[Symbol.asyncDispose]()
})

test('the officer retrieves an unbound key, made on another device, for its owner', async () => {
  const key = await alice.newKey()
  const fetched = await officer.kms.fetchKey({ uri: key.uri, onBehalfOf: alice.user.id })
  assert.equal(fetched.uri, key.uri)
  assert.equal(secretOf(fetched), secretOf(key))
})

test('the officer retrieves a bound key for any member, and for no one else', async () => {
  const { key, kro } = await alice.room(bob.user)
  const uri = key.uri
  for (const { user } of [alice, bob]) await officer.kms.fetchKey({ uri, onBehalfOf: user.id })
  await alice.kms.removeAuthorization({ kro, userId: bob.user.id })
  await refusalOf(officer.kms.fetchKey({ uri, onBehalfOf: bob.user.id }))
  await officer.kms.fetchKey({ uri, onBehalfOf: alice.user.id })
})

test('the officer reads, for members of the own organisation alone, what another one keeps', async () => {
  await using gina = await signIn(user('gina'))
  const { key, kro } = await gina.room(alice.user)
  const fetched = await officer.kms.fetchKey({ uri: key.uri, onBehalfOf: alice.user.id })
  assert.equal(secretOf(fetched), secretOf(key))
  await refusalOf(officer.kms.fetchKey({ uri: key.uri, onBehalfOf: gina.user.id }))
  await gina.kms.removeAuthorization({ kro, userId: alice.user.id })
  await refusalOf(officer.kms.fetchKey({ uri: key.uri, onBehalfOf: alice.user.id }))
})

test('the officer reads text and files on behalf of a user', async () => {
  const { key } = await alice.room()
  const options = { onBehalfOf: alice.user.id }
  const ciphertext = await alice.encryption.encryptText(key.uri, TEXT)
  assert.equal(await officer.encryption.decryptText(key.uri, ciphertext, options), TEXT)
  const { scr, cdata } = await alice.encryption.encryptBinary(Buffer.from(TEXT))
  scr.loc = 'https://files.invalid/two'
  const sealed = await alice.encryption.encryptScr(key.uri, scr)
  const opened = await officer.encryption.decryptScr(key.uri, sealed, options)
  assert.equal(String(await officer.encryption.decryptBinary(opened, cdata)), TEXT)
})

test('the officer has no access of their own, before and after acting for a user', async () => {
  const { key } = await alice.room()
  await refusalOf(officer.kms.fetchKey({ uri: key.uri }))
  await officer.kms.fetchKey({ uri: key.uri, onBehalfOf: alice.user.id })
  await refusalOf(officer.kms.fetchKey({ uri: key.uri }))
})

test('on behalf of self is judged as self', async () => {
  const own = await officer.newKey()
  const onBehalfOf = officer.user.id
  await officer.kms.fetchKey({ uri: own.uri, onBehalfOf })
  const { key } = await alice.room()
  await refusalOf(officer.kms.fetchKey({ uri: key.uri, onBehalfOf }))
})

test('without the role, acting for another is refused, even of a fellow member', async () => {
  const { key } = await alice.room(bob.user)
  await refusalOf(bob.kms.fetchKey({ uri: key.uri, onBehalfOf: alice.user.id }))
  await bob.kms.fetchKey({ uri: key.uri })
})

test('the officer does not act for strangers or for users of another organisation', async () => {
  const { key } = await alice.room(user('gina'))
  await refusalOf(officer.kms.fetchKey({ uri: key.uri, onBehalfOf: randomUUID() }))
  await refusalOf(officer.kms.fetchKey({ uri: key.uri, onBehalfOf: user('gina').id }))
})

test('different users are acted for at the same time on one session', async () => {
  const session = await officer.sessionUri()
  const [hers, his] = await Promise.all([alice.newKey(), bob.newKey()])
  const fetch = (sdk: Sdk, uri: string) =>
    officer.kms.fetchKey({ uri, onBehalfOf: sdk.user.id }).then(secretOf)
  const wrong = assert.rejects(fetch(bob, hers.uri), KmsError)
  const right = await Promise.all([fetch(alice, hers.uri), fetch(bob, his.uri)])
  await wrong
  assert.deepEqual(right, [secretOf(hers), secretOf(his)])
  assert.equal(await officer.sessionUri(), session)
})
