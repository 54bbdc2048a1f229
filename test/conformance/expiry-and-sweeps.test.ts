// What ends by itself: resources and authorizations with a `ttl`, unbound keys, sessions; and the sweep that
// takes away what has ended, in bounded batches.

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { sweep } from '../../src/kms/index.ts'
import { seconds } from '../../src/time.ts'
import { aRoom, authorizationsOf, keysOf, PEOPLE, resourceOf, World } from '../support/world.ts'

const DAY = 24 * 3600
const world = await World.open({
  settings: { sessionLifetime: seconds(20 * DAY), unboundLifetime: seconds(100) },
})
after(() => world.close())
const alice = await world.signedIn('alice')
const bob = await world.signedIn('bob')

const sweepOnce = (limit = 1000) => {
  const { ledger, realm } = world
  return sweep(ledger, realm.channels, realm.settings.sessionGrace, limit)
}
const aLivingRoom = async (ttl: number) => {
  const [key] = keysOf(await alice.ask('create', '/keys', { count: 1 }))
  const fields = { keyUris: [key?.uri], userIds: [PEOPLE.bob], ttl }
  const answer = await alice.ask('create', '/resources', fields)
  return { keyUri: key?.uri ?? '', resource: resourceOf(answer), answer }
}
const inSeconds = (count: number) => new Date(world.now() + count * 1000).toISOString()

describe('a resource with a time to live', () => {
  test('says when it ends, and is used until then', async () => {
    const { keyUri, resource, answer } = await aLivingRoom(60)
    const { expirationDate } = answer['resource'] as { expirationDate?: string }
    assert.equal(expirationDate, inSeconds(60))
    world.advance(seconds(59))
    assert.equal((await bob.ask('retrieve', keyUri))['status'], 200)
    const read = (await bob.ask('retrieve', resource.uri))['resource'] as typeof answer
    assert.equal(read['expirationDate'], expirationDate)
  })

  test('is as if it had never been, from that moment on, for everything', async () => {
    const { keyUri, resource } = await aLivingRoom(60)
    const { key } = await aRoom(alice, [resource.uri])
    assert.equal((await bob.ask('retrieve', key.uri))['status'], 200)
    world.advance(seconds(60))
    await world.refused(await bob.ask('retrieve', keyUri), 403, 'kms.not-authorized')
    await world.refused(await bob.ask('retrieve', key.uri), 403, 'kms.not-authorized')
    for (const uri of [resource.uri, `${resource.uri}/keys`, `${resource.uri}/authorizations`]) {
      await world.refused(await alice.ask('retrieve', uri), 403, 'kms.unknown-resource')
    }
    const [fresh] = keysOf(await alice.ask('create', '/keys', { count: 1 }))
    const bind = await alice.ask('update', fresh?.uri ?? '', { resourceUri: resource.uri })
    await world.refused(bind, 403, 'kms.unknown-resource')
  })

  test('of 0 lives for ever', async () => {
    const { keyUri, answer } = await aLivingRoom(0)
    assert.equal('expirationDate' in (answer['resource'] as object), false)
    world.advance(seconds(3600))
    assert.equal((await alice.ask('retrieve', keyUri))['status'], 200)
  })
})

describe('an authorization with a time to live', () => {
  const invite = async (ttl: number) => {
    const room = await aRoom(alice)
    const fields = { resourceUri: room.resource.uri, userIds: [PEOPLE.bob], ttl }
    const [authorization] = authorizationsOf(await alice.ask('create', '/authorizations', fields))
    assert.ok(authorization)
    return { ...room, fields, authorization }
  }

  test('says when it ends, and ends then', async () => {
    const { key, resource, authorization } = await invite(60)
    assert.equal((authorization as { expirationDate?: string }).expirationDate, inSeconds(60))
    world.advance(seconds(59))
    assert.equal((await bob.ask('retrieve', key.uri))['status'], 200)
    world.advance(seconds(1))
    await world.refused(await bob.ask('retrieve', key.uri), 403, 'kms.not-authorized')
    const gone = await alice.ask('retrieve', authorization.uri)
    await world.refused(gone, 403, 'kms.unknown-authorization')
    const listed = authorizationsOf(await alice.ask('retrieve', `${resource.uri}/authorizations`))
    assert.deepEqual(
      listed.map((one) => one.authId),
      [PEOPLE.alice],
    )
  })

  test('can be given again after it has ended, swept or not', async () => {
    for (const isSwept of [false, true]) {
      const { key, fields } = await invite(60)
      world.advance(seconds(60))
      if (isSwept) await sweepOnce()
      assert.equal((await alice.ask('create', '/authorizations', fields))['status'], 201)
      assert.equal((await bob.ask('retrieve', key.uri))['status'], 200)
    }
  })

  test('given while it lives is returned as it is', async () => {
    const { fields, authorization } = await invite(60)
    world.advance(seconds(30))
    const again = await alice.ask('create', '/authorizations', { ...fields, ttl: 600 })
    assert.deepEqual(authorizationsOf(again), [authorization])
  })
})

describe('a sweep', () => {
  test('takes unbound keys whose time has passed for good, and names them', async () => {
    await sweepOnce()
    const keys = keysOf(await alice.ask('create', '/keys', { count: 3 })).map((key) => key.uri)
    const { key } = await aRoom(alice)
    world.advance(seconds(99))
    assert.equal((await sweepOnce()).keys, 0)
    world.advance(seconds(1))
    assert.equal((await sweepOnce()).keys, 3)
    const { action, actor, details, ...entry } = await world.lastEntry()
    assert.deepEqual(
      { action, actor, details },
      {
        action: 'key.expired',
        actor: { kind: 'system' },
        details: { count: 3 },
      },
    )
    assert.deepEqual([...(entry['keys'] as string[])].sort(), keys.sort())
    await world.refused(await alice.ask('retrieve', keys[0] ?? ''), 403, 'kms.unknown-key')
    assert.equal((await alice.ask('retrieve', key.uri))['status'], 200)
  })

  test('takes resources and authorizations whose time has passed, and records how many', async () => {
    await sweepOnce()
    await aLivingRoom(10)
    const { resource } = await aRoom(alice)
    const fields = { resourceUri: resource.uri, userIds: [PEOPLE.bob, PEOPLE.carol], ttl: 10 }
    await alice.ask('create', '/authorizations', fields)
    world.advance(seconds(10))
    const swept = await sweepOnce()
    assert.deepEqual(swept, { sessions: 0, keys: 0, resources: 1, authorizations: 2 })
    const last = (await world.entries()).slice(-2)
    assert.deepEqual(
      last.map((entry) => [entry.action, entry['details']]),
      [
        ['resource.expired', { count: 1 }],
        ['authorization.expired', { count: 2 }],
      ],
    )
  })

  test('takes no more at once than it is told, and finds nothing in the end', async () => {
    await sweepOnce()
    await alice.ask('create', '/keys', { count: 5 })
    world.advance(seconds(100))
    assert.equal((await sweepOnce(2)).keys, 2)
    assert.equal((await sweepOnce(2)).keys, 2)
    assert.equal((await sweepOnce(2)).keys, 1)
    const before = (await world.entries()).length
    assert.deepEqual(await sweepOnce(2), { sessions: 0, keys: 0, resources: 0, authorizations: 0 })
    assert.equal((await world.entries()).length, before, 'nothing swept is nothing to record')
  })

  test('takes sessions after their grace, with all answers, and they open nothing any more', async () => {
    const own = await World.open()
    const device = await own.signedIn('alice')
    const message = await device.seal(device.request({ method: 'update', uri: '/ping' }))
    await device.post([message])
    const sweepOwn = () =>
      sweep(own.ledger, own.realm.channels, own.realm.settings.sessionGrace, 10)
    own.advance(seconds(3600 + 59))
    assert.equal((await sweepOwn()).sessions, 0)
    own.advance(seconds(1))
    assert.equal((await sweepOwn()).sessions, 1)
    assert.equal((await own.lastEntry()).action, 'session.expired')
    const [answer] = await device.post([message])
    assert.equal((await device.verify(answer?.kmsMessage ?? ''))['status'], 499)
    assert.equal((await own.lastEntry())['code'], 'channel.unknown-session')
    await own.close()
  })
})
