// After somebody is removed, the keys of a room are stale until somebody who remains has bound a new one. The
// realm cannot make clients rotate; it knows which rooms have not, and says so.

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { sweep } from '../../src/kms/index.ts'
import { seconds } from '../../src/time.ts'
import type { Device } from '../support/device.ts'
import { aRoom, authorizationsOf, keysOf, PEOPLE, resourceOf, World } from '../support/world.ts'

const world = await World.open()
after(() => world.close())
const alice = await world.signedIn('alice')
const bob = await world.signedIn('bob')

const staleUris = async (): Promise<readonly string[]> =>
  (await world.store.read((tx) => tx.resources.stale(100))).map(({ uri }) => uri)
const isStale = async (uri: string): Promise<boolean> => (await staleUris()).includes(uri)
const remove = (device: Device, resourceUri: string, authId: string) =>
  device.ask('delete', `${resourceUri}/authorizations?authId=${authId}`)
const rotate = async (device: Device, resourceUri: string) => {
  const [key] = keysOf(await device.ask('create', '/keys', { count: 1 }))
  return device.ask('update', key?.uri ?? '', { resourceUri })
}

describe('the keys of a room', () => {
  test('are not stale when it is made, nor when somebody joins', async () => {
    const { resource } = await aRoom(alice)
    const fields = { resourceUri: resource.uri, userIds: [PEOPLE.bob] }
    await alice.ask('create', '/authorizations', fields)
    assert.equal(await isStale(resource.uri), false)
  })

  test('are stale once somebody is removed, since then, until a new key is bound', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.bob, PEOPLE.carol])
    await remove(alice, resource.uri, PEOPLE.bob)
    const since = world.now()
    world.advance(seconds(10))
    await remove(alice, resource.uri, PEOPLE.carol)
    const [stale] = (await world.store.read((tx) => tx.resources.stale(100))).filter(
      ({ uri }) => uri === resource.uri,
    )
    assert.equal(stale?.staleSince, since)
    assert.equal((await rotate(alice, resource.uri))['status'], 200)
    assert.equal(await isStale(resource.uri), false)
  })

  test('are stale after somebody left by themselves, or was removed by the URI of the authorization', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.bob, PEOPLE.carol])
    await remove(bob, resource.uri, PEOPLE.bob)
    assert.ok(await isStale(resource.uri))
    await rotate(alice, resource.uri)
    const list = authorizationsOf(await alice.ask('retrieve', `${resource.uri}/authorizations`))
    const carol = list.find(({ authId }) => authId === PEOPLE.carol)
    await alice.ask('delete', carol?.uri ?? '')
    assert.ok(await isStale(resource.uri))
  })

  test('stay stale, and a key that the leaver knows is no new one, whoever binds it once more', async () => {
    const { resource, key } = await aRoom(alice, [PEOPLE.bob])
    const bindAgain = () => alice.ask('update', key.uri, { resourceUri: resource.uri })
    assert.equal((await bindAgain())['status'], 200)
    await remove(alice, resource.uri, PEOPLE.bob)
    await world.refused(await bindAgain(), 409, 'kms.key-already-bound')
    assert.ok(await isStale(resource.uri))
  })

  test('are not stale for the removal of somebody who was not there, or that was refused', async () => {
    const { resource } = await aRoom(alice)
    await remove(alice, resource.uri, PEOPLE.carol)
    await remove(bob, resource.uri, PEOPLE.alice)
    assert.equal(await isStale(resource.uri), false)
  })
})

describe('the keys of a room in a team', () => {
  const aTeam = async () => {
    const team = (await aRoom(alice, [PEOPLE.bob])).resource
    const room = (await aRoom(alice)).resource
    await alice.ask('create', '/authorizations', { resourceUri: room.uri, userIds: [team.uri] })
    return { team, room }
  }

  test('are stale too when somebody leaves the team', async () => {
    const { team, room } = await aTeam()
    await remove(alice, team.uri, PEOPLE.bob)
    assert.deepEqual([await isStale(team.uri), await isStale(room.uri)], [true, true])
  })

  test('are not stale while the leaver may still read there', async () => {
    const { team, room } = await aTeam()
    await alice.ask('create', '/authorizations', { resourceUri: room.uri, userIds: [PEOPLE.bob] })
    await remove(alice, team.uri, PEOPLE.bob)
    assert.deepEqual([await isStale(team.uri), await isStale(room.uri)], [true, false])
    await remove(alice, room.uri, PEOPLE.bob)
    assert.ok(await isStale(room.uri))
  })

  test('are stale when the whole team is removed from it', async () => {
    const { team, room } = await aTeam()
    await remove(alice, room.uri, team.uri)
    assert.deepEqual([await isStale(team.uri), await isStale(room.uri)], [false, true])
  })
})

test('a room is stale from the same moment after a restart', async () => {
  const { resource } = await aRoom(alice, [PEOPLE.bob])
  await remove(alice, resource.uri, PEOPLE.bob)
  await world.restart()
  assert.ok(await isStale(resource.uri))
  const count = await world.store.read((tx) => tx.resources.countStale())
  assert.equal(count, (await staleUris()).length)
})

test('a leaver cannot get what is bound afterwards, and the log shows the refusal', async () => {
  const { resource } = await aRoom(alice, [PEOPLE.bob])
  await remove(alice, resource.uri, PEOPLE.bob)
  const [fresh] = keysOf(await alice.ask('create', '/keys', { count: 1 }))
  await alice.ask('update', fresh?.uri ?? '', { resourceUri: resource.uri })
  await world.refused(await bob.ask('retrieve', fresh?.uri ?? ''), 403, 'kms.not-authorized')
  const { actor } = await world.lastEntry()
  assert.deepEqual(actor, { kind: 'person', id: await world.pseudonymOf('bob') })
})

test('an authorization that lapses leaves stale keys like one that is removed', async () => {
  const { resource } = await aRoom(alice)
  const fields = { resourceUri: resource.uri, userIds: [PEOPLE.bob], ttl: 60 }
  await alice.ask('create', '/authorizations', fields)
  const { realm, ledger } = world
  const sweepOnce = () => sweep(ledger, realm.channels, realm.settings.sessionGrace, 100)
  await sweepOnce()
  assert.equal(await isStale(resource.uri), false)
  world.advance(seconds(60))
  await sweepOnce()
  assert.ok(await isStale(resource.uri))
})

test('a room is made anew under its own URI, so that nothing stale is inherited', async () => {
  const [key] = keysOf(await alice.ask('create', '/keys', { count: 1 }))
  const made = resourceOf(await alice.ask('create', '/resources', { keyUris: [key?.uri] }))
  assert.equal(await isStale(made.uri), false)
})
