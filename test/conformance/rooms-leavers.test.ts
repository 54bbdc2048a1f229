// Somebody who means to leave with a way back in. What they made while they were a member must not outlast their
// membership: not the bearers of anonymous shares, nor the keys that they know.

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
