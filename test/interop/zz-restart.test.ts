// The realm is killed with SIGKILL while clients are at work, and started again. The SDK never
// renegotiates a lost session, so every session must come back with the realm. Runs last.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { RawClient } from './raw.ts'
import { type KmsKey, type Sdk, secretOf, signIn } from './sdk.ts'
import { killAndRestart, realm, user } from './world.ts'

const acme = realm('acme')

let alice: Sdk
let bob: Sdk
let raw: RawClient
let key: KmsKey

before(async () => {
  alice = await signIn(user('alice'))
  bob = await signIn(user('bob'))
  raw = await RawClient.connect(user('alice'))
  const room = await alice.room(bob.user)
  key = room.key
})

after(async () => {
  for (const client of [alice, bob, raw]) await client[Symbol.asyncDispose]()
})

const ping = { method: 'update', uri: '/ping' }

test('sessions, keys and rights survive a kill of the idle realm', {
  timeout: 90_000,
}, async () => {
  const sessions = await Promise.all([alice.sessionUri(), bob.sessionUri()])
  await killAndRestart(acme)
  assert.equal((await raw.ask(ping)).status, 200)
  assert.equal((await alice.kms.ping()).status, 200)
  assert.equal(secretOf(await bob.kms.fetchKey({ uri: key.uri })), secretOf(key))
  assert.deepEqual(await Promise.all([alice.sessionUri(), bob.sessionUri()]), sessions)
})

test('requests under way at three kills are answered in the end', {
  timeout: 180_000,
}, async () => {
  const sessions = await Promise.all([alice.sessionUri(), bob.sessionUri()])
  const underWay: Promise<unknown>[] = []
  let isOver = false
  const killThrice = async (): Promise<void> => {
    for (let kill = 0; kill < 3; kill += 1) await killAndRestart(acme)
  }
  const keepAsking = async (): Promise<void> => {
    while (!isOver) {
      underWay.push(bob.kms.fetchKey({ uri: key.uri }), alice.room(bob.user))
      await delay(100)
    }
  }
  const killed = killThrice().finally(() => {
    isOver = true
  })
  await Promise.all([killed, keepAsking()])
  const outcomes = await Promise.allSettled(underWay)
  assert.deepEqual(
    outcomes.filter(({ status }) => status === 'rejected'),
    [],
  )
  assert.deepEqual(await Promise.all([alice.sessionUri(), bob.sessionUri()]), sessions)
})

test('work goes on in the same sessions afterwards', async () => {
  const { key: next, kro } = await alice.room()
  await alice.kms.addAuthorization({ kro, userIds: [bob.user.id] })
  const ciphertext = await alice.encryption.encryptText(next.uri, 'still here')
  assert.equal(await bob.encryption.decryptText(next.uri, ciphertext), 'still here')
  assert.equal((await raw.ask(ping)).status, 200)
})
