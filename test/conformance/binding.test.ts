// Binding a key to a resource: once, by its creator, where the creator is authorised (draft §4.7.6).

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { seconds } from '../../src/time.ts'
import type { Device } from '../support/device.ts'
import { aRoom, HOME, keyOf, keysOf, PEOPLE, World } from '../support/world.ts'

const world = await World.open({ settings: { unboundLifetime: seconds(60) } })
after(() => world.close())
const alice = await world.signedIn('alice')
const bob = await world.signedIn('bob')
const NO_RESOURCE = `${HOME}/resources/00000000-0000-4000-8000-000000000000`

const aKey = async (device: Device) => {
  const [key] = keysOf(await device.ask('create', '/keys', { count: 1 }))
  assert.ok(key)
  return key
}

const bind = (device: Device, keyUri: string, resourceUri: string) =>
  device.ask('update', keyUri, { resourceUri })

describe('binding a key', () => {
  test('answers with the key, its bind date and the absolute URI of its resource', async () => {
    const { resource } = await aRoom(alice)
    const key = await aKey(alice)
    const answer = await bind(alice, key.uri.slice(HOME.length), resource.uri.slice(HOME.length))
    assert.equal(answer['status'], 200)
    const bound = keyOf(answer)
    assert.deepEqual(bound.jwk, key.jwk)
    assert.equal(bound['bindDate'], new Date(world.now()).toISOString())
    assert.equal(bound['resourceUri'], resource.uri)
    assert.equal('expirationDate' in bound, false)
  })

  test('opens it to everyone who is authorised there, and only then', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.bob])
    const key = await aKey(alice)
    await world.refused(await bob.ask('retrieve', key.uri), 403, 'kms.not-key-creator')
    await bind(alice, key.uri, resource.uri)
    assert.equal((await bob.ask('retrieve', key.uri))['status'], 200)
  })

  test('is for every authorised person, not only for who made the resource', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.bob])
    assert.equal((await bind(bob, (await aKey(bob)).uri, resource.uri))['status'], 200)
  })

  test('again to the same resource is answered like the first time and changes nothing', async () => {
    const { resource } = await aRoom(alice)
    const key = await aKey(alice)
    const first = keyOf(await bind(alice, key.uri, resource.uri))
    world.advance(seconds(1))
    const again = await bind(alice, key.uri, resource.uri)
    assert.equal(again['status'], 200)
    assert.deepEqual(keyOf(again), first)
  })

  test('to another resource is refused, and the key stays where it is', async () => {
    const [first, second] = [await aRoom(alice), await aRoom(alice)]
    const answer = await bind(alice, first.key.uri, second.resource.uri)
    await world.refused(answer, 409, 'kms.key-already-bound')
    const key = keyOf(await alice.ask('retrieve', first.key.uri))
    assert.equal(key['resourceUri'], first.resource.uri)
  })

  test('of two requests at once to two resources, exactly one wins', async () => {
    const [first, second] = [await aRoom(alice), await aRoom(alice)]
    const key = await aKey(alice)
    const requests = [first, second].map(({ resource }) =>
      alice.seal(alice.request({ method: 'update', uri: key.uri, resourceUri: resource.uri })),
    )
    const answers = await alice.post(await Promise.all(requests))
    const opened = await Promise.all(answers.map((one) => alice.open(one.kmsMessage)))
    assert.deepEqual(
      opened.map((answer) => answer['status']),
      [200, 409],
    )
  })

  test('of somebody else is refused, also where both are authorised', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.bob])
    const key = await aKey(alice)
    await world.refused(await bind(bob, key.uri, resource.uri), 403, 'kms.not-key-creator')
    await bind(alice, key.uri, resource.uri)
    await world.refused(await bind(bob, key.uri, resource.uri), 403, 'kms.not-key-creator')
  })

  test('to a resource where its creator is not authorised is refused', async () => {
    const { resource } = await aRoom(bob)
    const key = await aKey(alice)
    await world.refused(await bind(alice, key.uri, resource.uri), 403, 'kms.not-authorized')
    assert.equal('bindDate' in keyOf(await alice.ask('retrieve', key.uri)), false)
  })

  test('to a resource that does not exist, or a key that does not, is refused', async () => {
    const { resource } = await aRoom(alice)
    const key = await aKey(alice)
    await world.refused(await bind(alice, key.uri, NO_RESOURCE), 403, 'kms.unknown-resource')
    const noKey = NO_RESOURCE.replace('resources', 'keys')
    await world.refused(await bind(alice, noKey, resource.uri), 403, 'kms.unknown-key')
  })

  test('after its time is refused', async () => {
    const { resource } = await aRoom(alice)
    const key = await aKey(alice)
    world.advance(seconds(60))
    await world.refused(await bind(alice, key.uri, resource.uri), 409, 'kms.key-expired')
    await world.refused(await alice.ask('retrieve', key.uri), 409, 'kms.key-expired')
  })

  test('without a resource, or to something else than one, is refused', async () => {
    const key = await aKey(alice)
    await world.refused(await alice.ask('update', key.uri), 400, 'request.invalid-uri')
    await world.refused(await bind(alice, key.uri, key.uri), 400, 'request.invalid-uri')
    const foreign = NO_RESOURCE.replace('acme', 'globex')
    await world.refused(await bind(alice, key.uri, foreign), 404, 'request.foreign-host')
  })

  test('ends with the authorization of its creator: a removed person adds no key', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.bob])
    const key = await aKey(bob)
    await alice.ask('delete', `${resource.uri}/authorizations?authId=${PEOPLE.bob}`)
    await world.refused(await bind(bob, key.uri, resource.uri), 403, 'kms.not-authorized')
  })
})
