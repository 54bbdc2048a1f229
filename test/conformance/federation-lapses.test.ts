// What a team opened at another realm is let go of there when the team ends, or is let in no more: by time as by hand.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KeyUri } from '../../src/id.ts'
import { sweep } from '../../src/kms/index.ts'
import { seconds } from '../../src/time.ts'
import type { Device } from '../support/device.ts'
import { furnishTwoRealms } from '../support/furnished-realms.ts'
import { ACME_DOMAIN, type TwoRealms } from '../support/two-realms.ts'
import { keyOf, keysOf, PEOPLE, resourceOf } from '../support/world.ts'

let realms: TwoRealms
let alice: Device
let gina: Device

furnishTwoRealms(async (opened) => {
  realms = opened
  alice = await realms.acme.signedIn('alice')
  gina = await realms.globex.signedIn('gina')
})

const isRead = async (device: Device, key: { uri: string; jwk: unknown }) => {
  const answer = await device.ask('retrieve', key.uri)
  assert.equal(answer['status'], 200, JSON.stringify(answer))
  assert.deepEqual(keyOf(answer).jwk, key.jwk)
}
const made = async (device: Device, fields: object) => {
  const [key] = keysOf(await device.ask('create', '/keys', { count: 1 }))
  assert.ok(key)
  const answer = await device.ask('create', '/resources', { keyUris: [key.uri], ...fields })
  assert.equal(answer['status'], 201, JSON.stringify(answer))
  return { key, resource: resourceOf(answer) }
}
const letIn = (device: Device, resourceUri: string, authId: string, ttl = 0) =>
  device.ask('create', '/authorizations', {
    ...{ resourceUri, userIds: [authId] },
    ...(ttl === 0 ? {} : { ttl }),
  })
const sweepAcme = () => sweep(realms.acme.ledger, realms.acme.realm.channels, seconds(60), 100)

const nothingOwed = async () => {
  await realms.work(ACME_DOMAIN)
  assert.equal(await realms.acme.store.read((tx) => tx.debts.countOwed()), 0)
}
const staleRooms = async (): Promise<readonly string[]> =>
  (await realms.acme.store.read((tx) => tx.resources.stale(100))).map(({ uri }) => uri)
/** What globex keeps of a room. */
const copies = (keyUri: string) =>
  realms.globex.store.read(async (tx) => (await tx.keys.find([keyUri as KeyUri])).size)

const lives = { userIds: [PEOPLE.alice, PEOPLE.gina] }
const ends = { ...lives, ttl: 20 }

/** Ways of Gina's into a room of Alice's, each of which ends after twenty seconds. */
const ways: Readonly<Record<string, () => Promise<Awaited<ReturnType<typeof made>>>>> = {
  'the team ends': async () => {
    const team = await made(alice, ends)
    return made(alice, { userIds: [PEOPLE.alice, team.resource.uri] })
  },
  'her time in the team is over': async () => {
    const team = await made(alice, { userIds: [PEOPLE.alice] })
    await letIn(alice, team.resource.uri, PEOPLE.gina, 20)
    return made(alice, { userIds: [PEOPLE.alice, team.resource.uri] })
  },
  'the team’s time in the room is over': async () => {
    const team = await made(alice, lives)
    const room = await made(alice, { userIds: [PEOPLE.alice] })
    await letIn(alice, room.resource.uri, team.resource.uri, 20)
    return room
  },
  'a team of the team ends': async () => {
    const inner = await made(alice, ends)
    const outer = await made(alice, { userIds: [PEOPLE.alice, inner.resource.uri] })
    return made(alice, { userIds: [PEOPLE.alice, outer.resource.uri] })
  },
  'both end together': async () => {
    const inner = await made(alice, ends)
    const outer = await made(alice, { userIds: [PEOPLE.alice, inner.resource.uri], ttl: 20 })
    return made(alice, { userIds: [PEOPLE.alice, outer.resource.uri] })
  },
  'whoever brought the team in was there for a time': async () => {
    const bob = await realms.acme.signedIn('bob')
    const team = await made(alice, { userIds: [PEOPLE.alice, PEOPLE.gina, PEOPLE.bob] })
    const room = await made(alice, { userIds: [PEOPLE.alice] })
    await letIn(alice, room.resource.uri, PEOPLE.bob, 20)
    await letIn(bob, room.resource.uri, team.resource.uri)
    return room
  },
}

describe('a copy at another realm, and the keys of the room, once', () => {
  for (const [what, make] of Object.entries(ways)) {
    test(`${what}: the one is let go of, the others are stale`, async () => {
      const { key, resource } = await make()
      await isRead(gina, key)
      await sweepAcme()
      await nothingOwed()
      assert.equal(await copies(key.uri), 1)
      assert.ok(!(await staleRooms()).includes(resource.uri))
      realms.advance(seconds(21))
      await sweepAcme()
      await nothingOwed()
      assert.equal(await copies(key.uri), 0)
      assert.ok((await staleRooms()).includes(resource.uri))
      await realms.globex.refused(
        await gina.ask('retrieve', key.uri),
        403,
        'federation.denied-by-home',
      )
    })
  }

  test('a team ends: who reads the room by name reads on, from the copy that is there', async () => {
    const team = await made(alice, ends)
    const room = await made(alice, { userIds: [PEOPLE.alice, PEOPLE.gina, team.resource.uri] })
    await isRead(gina, room.key)
    realms.advance(seconds(21))
    await sweepAcme()
    await nothingOwed()
    assert.equal(await copies(room.key.uri), 1)
    await isRead(gina, room.key)
  })
})
