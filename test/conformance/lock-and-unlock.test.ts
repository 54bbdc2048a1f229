// A locked realm is healthy and answers nobody: whatever needs a key is met with silence, which clients survive,
// and recorded. Unlocked again, everything is as before.

import assert from 'node:assert/strict'
import { after, afterEach, describe, test } from 'node:test'
import { ownKeyPair } from '../support/device.ts'
import { aRoom, authorizationsOf, keyOf, World } from '../support/world.ts'

const world = await World.open()
after(() => world.close())
const alice = await world.signedIn('alice')
const room = await aRoom(alice)

const lock = () => {
  const { keyring, channels, staticKeys } = world.realm
  keyring.lock()
  channels.forgetAll()
  staticKeys.lock()
}

const silence = async (message: string) => {
  assert.deepEqual(await alice.post([message]), [])
  const { action, outcome, code } = await world.lastEntry()
  assert.deepEqual(
    { action, outcome, code },
    {
      action: 'message.refused',
      outcome: 'refused',
      code: 'kms.locked',
    },
  )
  assert.deepEqual(world.realm.faults, [])
}

describe('while the realm is locked', () => {
  afterEach(() => world.realm.unlock())

  test('a request of a session is met with silence, not with a reset', async () => {
    lock()
    await silence(await alice.seal(alice.request({ method: 'retrieve', uri: room.key.uri })))
  })

  test('a session that was open a moment ago opens nothing either', async () => {
    const { keyring } = world.realm
    keyring.lock()
    await silence(await alice.seal(alice.request({ method: 'update', uri: '/ping' })))
  })

  test('a handshake is met with silence', async () => {
    lock()
    await silence(await alice.sealHandshake(alice.handshakeRequest(ownKeyPair())))
  })

  test('noise is still noise', async () => {
    lock()
    assert.deepEqual(await alice.post(['noise']), [])
    assert.equal((await world.lastEntry())['code'], 'channel.malformed')
  })

  test('the memory holds no channel, no static key and no key of bearers', () => {
    lock()
    assert.equal(world.realm.channels.size, 0)
    assert.deepEqual(world.realm.keyring.bearerKeys, [])
    assert.equal(world.realm.keyring.isUnlocked, false)
  })
})

describe('after unlocking', () => {
  test('sessions, keys and bearers of before work again', async () => {
    const fields = { resourceUri: room.resource.uri, anonymous: 1 }
    const share = await alice.ask('create', '/authorizations', fields)
    lock()
    await world.realm.unlock()
    assert.deepEqual(keyOf(await alice.ask('retrieve', room.key.uri)).jwk, room.key.jwk)
    const bearer = authorizationsOf(share)[0]?.bearer ?? ''
    const holder = world.deviceWith('', bearer, 'https://core.example/devices/injector')
    assert.equal((await holder.shake())['status'], 201)
    assert.equal((await holder.ask('retrieve', room.key.uri))['status'], 200)
  })

  test('a request that met a locked realm is done when it is sent again, once', async () => {
    const message = await alice.seal(alice.request({ method: 'create', uri: '/keys', count: 1 }))
    lock()
    await silence(message)
    await world.realm.unlock()
    const [answer] = await alice.post([message])
    assert.equal((await alice.open(answer?.kmsMessage ?? ''))['status'], 201)
  })

  test('each unlocking stands in the log', async () => {
    const before = (await world.entries()).filter((entry) => entry.action === 'realm.unlocked')
    lock()
    await world.realm.unlock()
    const later = (await world.entries()).filter((entry) => entry.action === 'realm.unlocked')
    assert.equal(later.length, before.length + 1)
  })
})
