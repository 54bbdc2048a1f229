// The static key is replaced while clients run: each keeps the one it fetched at its start, and both must go on
// working (draft §4.3; observed of real clients).

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ownKeyPair } from '../support/device.ts'
import { HOME, World } from '../support/world.ts'

const world = await World.open()
after(() => world.close())
const old = world.realm.staticKeys.published?.publicJwkJson ?? ''
const running = await world.signedIn('alice')
running.pinnedStaticJwk = old

describe('after another static key has been imported', () => {
  before(async () => {
    assert.equal(await world.realm.importStaticKey(), `${HOME}/statickeys/2`)
    assert.equal(await world.realm.staticKeys.reload(), true)
    assert.equal(await world.realm.staticKeys.reload(), false, 'the same one as before')
  })

  test('the new one is published, with the members that real clients bear and no others', () => {
    const jwk = JSON.parse(world.realm.staticKeys.published?.publicJwkJson ?? '')
    assert.equal(jwk.kid, `${HOME}/statickeys/2`)
    assert.deepEqual(Object.keys(jwk).sort(), ['e', 'kid', 'kty', 'n', 'x5c'])
    assert.equal(JSON.parse(old).kid, `${HOME}/statickeys/1`)
  })

  test('its import stands in the log', async () => {
    const entries = await world.entries()
    assert.deepEqual(
      entries.filter((entry) => entry.action === 'identity.imported').map((entry) => entry['uri']),
      [`${HOME}/statickeys/1`, `${HOME}/statickeys/2`],
    )
  })

  test('sessions go on as if nothing had happened', async () => {
    assert.equal((await running.ask('update', '/ping'))['status'], 200)
  })

  test('a running client shakes hands by the old one, and is answered by the old one', async () => {
    // The device verifies kid and signature against the key that it keeps.
    assert.equal((await running.shake())['status'], 201)
    assert.equal((await running.ask('update', '/ping'))['status'], 200)
  })

  test('a new client shakes hands by the new one', async () => {
    assert.equal((await world.device('bob').shake())['status'], 201)
  })

  test('a reset is signed by the one that is published', async () => {
    const device = await world.signedIn('bob')
    const channel = {
      uri: `${HOME}/ecdhe/00000000-0000-4000-8000-000000000000`,
      key: device.channel.key,
    }
    const [answer] = await device.post([await device.seal({}, channel)])
    assert.equal((await device.verify(answer?.kmsMessage ?? ''))['status'], 499)
  })

  test('both are there after a restart', async () => {
    await world.restart()
    assert.equal((await running.shake())['status'], 201)
    assert.equal((await world.device('bob').shake())['status'], 201)
  })

  test('a handshake sealed to one and named after the other opens neither way', async () => {
    const device = world.device('bob')
    const message = await device.sealHandshake(device.handshakeRequest(ownKeyPair()))
    const header = { enc: 'A256GCM', alg: 'RSA-OAEP', kid: `${HOME}/statickeys/1` }
    const renamed = message
      .split('.')
      .with(0, Buffer.from(JSON.stringify(header)).toString('base64url'))
      .join('.')
    assert.deepEqual(await device.post([renamed]), [])
    assert.equal((await world.lastEntry())['code'], 'channel.not-opened')
  })
})
