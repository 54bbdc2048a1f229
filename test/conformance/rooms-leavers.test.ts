// Somebody who means to leave with a way back in. What they made while they were a member must not outlast their
// membership: not resources that they let in, nor the bearers of anonymous shares, nor the keys that they know.

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { systemRandom } from '../../src/crypto/index.ts'
import type { OrganizationId, UserId } from '../../src/id.ts'
import { addMachine } from '../../src/kms/index.ts'
import { seconds } from '../../src/time.ts'
import type { Device } from '../support/device.ts'
import { aRoom, authorizationsOf, keysOf, PEOPLE, World } from '../support/world.ts'
import { ACME } from '../unit/identity/world.ts'

const world = await World.open()
after(() => world.close())
const alice = await world.signedIn('alice')
const bob = await world.signedIn('bob')

const remove = (by: Device, resourceUri: string, authId: string) =>
  by.ask('delete', `${resourceUri}/authorizations?authId=${authId}`)
const add = (by: Device, resourceUri: string, userId: string, fields = {}) =>
  by.ask('create', '/authorizations', { resourceUri, userIds: [userId], ...fields })
const rotate = async (by: Device, resourceUri: string): Promise<string> => {
  const [key] = keysOf(await by.ask('create', '/keys', { count: 1 }))
  assert.equal((await by.ask('update', key?.uri ?? '', { resourceUri }))['status'], 200)
  return key?.uri ?? ''
}

/** As an operation of the core. */
const addTogether = async (by: Device, resourceUri: string, authId: string): Promise<void> => {
  const request = { method: 'create', uri: '/authorizations', resourceUri, userIds: [authId] }
  const part = { operation: 'create-authorizations', resourceUri, subjects: [authId] } as const
  const { answers } = await by.operate(await by.seal(by.request(request)), part)
  assert.equal(answers[0]?.clear?.status, 201)
}

let holders = 0
/** A bearer that this member makes, on a device of its own. */
const holderFrom = async (maker: Device, resourceUri: string): Promise<Device> => {
  const answer = await maker.ask('create', '/authorizations', { resourceUri, anonymous: 1 })
  holders += 1
  const device = `https://core.example/devices/holder-${holders}`
  const bearer = authorizationsOf(answer)[0]?.bearer ?? ''
  const holder = world.deviceWith('', bearer, device)
  assert.equal((await holder.shake())['status'], 201)
  return holder
}
const refusedTo = async (holder: Device, keyUri: string): Promise<void> =>
  world.refused(await holder.ask('retrieve', keyUri), 403, 'identity.bearer-withdrawn')

describe('a resource that a member let in', () => {
  /** Of bob's own making, with carol. */
  const hideout = async () => (await aRoom(bob, [PEOPLE.carol])).resource
  const status = async (by: Device, uri: string) => (await by.ask('retrieve', uri))['status']
  const isStale = async (uri: string) =>
    (await world.store.read((tx) => tx.resources.stale(1000))).some((one) => one.uri === uri)

  test('opens nothing once that member was removed by name, and the room is stale', async () => {
    const carol = await world.signedIn('carol')
    const { resource, key } = await aRoom(alice, [PEOPLE.bob])
    assert.equal((await add(bob, resource.uri, (await hideout()).uri))['status'], 201)
    assert.deepEqual([await status(bob, key.uri), await status(carol, key.uri)], [200, 200])
    await remove(alice, resource.uri, PEOPLE.bob)
    assert.ok(await isStale(resource.uri))
    const fresh = await rotate(alice, resource.uri)
    for (const device of [bob, carol]) {
      assert.deepEqual([await status(device, key.uri), await status(device, fresh)], [403, 403])
    }
    assert.equal((await remove(bob, resource.uri, PEOPLE.alice))['status'], 403)
  })

  test('opens nothing by another one that it lets in, however they hang together', async () => {
    const { resource, key } = await aRoom(alice, [PEOPLE.bob])
    const [one, other] = [await hideout(), await hideout()]
    await add(bob, resource.uri, one.uri)
    await add(bob, resource.uri, other.uri)
    await add(bob, one.uri, other.uri)
    await add(bob, one.uri, resource.uri)
    await remove(alice, resource.uri, PEOPLE.bob)
    assert.equal(await status(bob, key.uri), 403)
  })

  test('opens nothing in the rooms of a team once that member left the team', async () => {
    const team = (await aRoom(alice, [PEOPLE.bob])).resource
    const { resource, key } = await aRoom(alice)
    await add(alice, resource.uri, team.uri)
    await add(bob, team.uri, (await hideout()).uri)
    assert.equal(await status(bob, key.uri), 200)
    await remove(alice, team.uri, PEOPLE.bob)
    assert.equal(await status(bob, key.uri), 403)
    assert.ok(await isStale(resource.uri))
  })

  test('opens nothing once the time of that member is over', async () => {
    const carol = await world.signedIn('carol')
    const { resource, key } = await aRoom(alice)
    await add(alice, resource.uri, PEOPLE.bob, { ttl: 60 })
    await add(bob, resource.uri, (await hideout()).uri)
    assert.equal(await status(carol, key.uri), 200)
    world.advance(seconds(60))
    assert.deepEqual([await status(carol, key.uri), await status(bob, key.uri)], [403, 403])
  })

  test('is let in only by somebody who is there by name', async () => {
    const team = (await aRoom(alice, [PEOPLE.bob])).resource
    const { resource } = await aRoom(alice)
    await add(alice, resource.uri, team.uri)
    await world.refused(
      await add(bob, resource.uri, (await hideout()).uri),
      403,
      'kms.not-authorized',
    )
  })

  test('is let in anew by whoever is still there', async () => {
    const carol = await world.signedIn('carol')
    const { resource, key } = await aRoom(alice, [PEOPLE.bob])
    const team = await hideout()
    await add(bob, resource.uri, team.uri)
    await remove(alice, resource.uri, PEOPLE.bob)
    assert.equal(await status(carol, key.uri), 403)
    assert.equal((await add(alice, resource.uri, team.uri))['status'], 201)
    assert.equal(await status(carol, key.uri), 200)
  })

  test('stays if core and realm let it in together, whoever leaves', async () => {
    const carol = await world.signedIn('carol')
    const { resource, key } = await aRoom(alice, [PEOPLE.bob])
    const team = (await aRoom(alice, [PEOPLE.bob, PEOPLE.carol])).resource
    // Bob was first, alone; then the room enters the team.
    await add(bob, resource.uri, team.uri)
    await addTogether(bob, resource.uri, team.uri)
    await remove(alice, resource.uri, PEOPLE.bob)
    assert.equal(await status(carol, key.uri), 200)
  })
})

describe('a bearer that a member made opens nothing', () => {
  test('once its maker was removed', async () => {
    const { resource, key } = await aRoom(alice, [PEOPLE.bob])
    const holder = await holderFrom(bob, resource.uri)
    assert.equal((await holder.ask('retrieve', key.uri))['status'], 200)
    await remove(alice, resource.uri, PEOPLE.bob)
    await refusedTo(holder, await rotate(alice, resource.uri))
    await refusedTo(holder, key.uri)
  })

  test('once the time of its maker was over, swept or not', async () => {
    const { resource, key } = await aRoom(alice)
    await add(alice, resource.uri, PEOPLE.bob, { ttl: 60 })
    const holder = await holderFrom(bob, resource.uri)
    world.advance(seconds(60))
    await refusedTo(holder, key.uri)
  })

  test('once its maker left the team by which they were there', async () => {
    const team = (await aRoom(alice, [PEOPLE.bob])).resource
    const { resource, key } = await aRoom(alice)
    await add(alice, resource.uri, team.uri)
    const holder = await holderFrom(bob, resource.uri)
    assert.equal((await holder.ask('retrieve', key.uri))['status'], 200)
    await remove(alice, team.uri, PEOPLE.bob)
    await refusedTo(holder, key.uri)
  })

  test('once its maker is known to be a machine', async () => {
    const { resource, key } = await aRoom(alice, [PEOPLE.carol])
    const holder = await holderFrom(await world.signedIn('carol'), resource.uri)
    const machine = {
      userId: PEOPLE.carol as UserId,
      name: 'carol',
      organizationId: ACME as OrganizationId,
    }
    assert.ok(await addMachine(world.ledger, systemRandom, machine))
    await refusedTo(holder, key.uri)
  })

  test('and one that somebody else made goes on', async () => {
    const { resource, key } = await aRoom(alice, [PEOPLE.bob])
    const holder = await holderFrom(alice, resource.uri)
    await remove(alice, resource.uri, PEOPLE.bob)
    assert.equal((await holder.ask('retrieve', key.uri))['status'], 200)
  })

  test('from the moment its maker is off-boarded, however many they made', async () => {
    const { resource, key } = await aRoom(alice, [PEOPLE.bob])
    const holder = await holderFrom(bob, resource.uri)
    await world.store.transact((tx) => tx.people.markOffBoarded(PEOPLE.bob as UserId, world.now()))
    await refusedTo(holder, key.uri)
  })
})
