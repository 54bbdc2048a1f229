// Somebody of a peer's who was removed, with a peer or a core on their side: repeats, retries, answers that are overtaken, clocks that
// are set back. What was taken stays taken, and no copy stays without a reader.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { systemRandom } from '../../src/crypto/index.ts'
import { pinUser } from '../../src/federation/index.ts'
import { offBoard, sweep } from '../../src/kms/index.ts'
import { type Duration, milliseconds, seconds } from '../../src/time.ts'
import type { Device } from '../support/device.ts'
import { furnishTwoRealms } from '../support/furnished-realms.ts'
import { ACME_DOMAIN, GLOBEX_DOMAIN, MALLORY_DOMAIN, TwoRealms } from '../support/two-realms.ts'
import { aRoom, keysOf, PEOPLE, resourceOf, type World } from '../support/world.ts'
import { GLOBEX } from '../unit/identity/world.ts'

let realms: TwoRealms
let alice: Device
let gina: Device
let olivia: Device

furnishTwoRealms(async (opened) => {
  realms = opened
  alice = await realms.acme.signedIn('alice')
  gina = await realms.globex.signedIn('gina')
  olivia = await realms.globex.signedIn('olivia', { organization_id: GLOBEX })
})

const read = (device: Device, uri: string) => device.ask('retrieve', uri)
const newKey = async (device: Device): Promise<string> => {
  const [key] = keysOf(await device.ask('create', '/keys', { count: 1 }))
  assert.ok(key)
  return key.uri
}
const bind = (device: Device, uri: string, resourceUri: string) =>
  device.ask('update', uri, { resourceUri })
const remove = (device: Device, resourceUri: string, userId: string) =>
  device.ask('delete', `${resourceUri}/authorizations?authId=${userId}`)
const stored = async ({ store }: World, uri: string) =>
  (await store.read((tx) => tx.keys.find([uri as never]))).size

describe('somebody who was removed', () => {
  test('does not read on by binding again what they bound before', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.gina, PEOPLE.olivia])
    const own = await newKey(gina)
    assert.equal((await bind(gina, own, resource.uri))['status'], 200)
    await remove(alice, resource.uri, PEOPLE.gina)
    await realms.work(ACME_DOMAIN)
    const later = await newKey(alice)
    await bind(alice, later, resource.uri)
    assert.equal((await read(olivia, later))['status'], 200)
    realms.advance(seconds(6))
    await bind(gina, own, resource.uri)
    assert.equal((await read(gina, later))['status'], 403)
  })

  test('leaves no copy behind that the removal has overtaken', async () => {
    const { key, resource } = await aRoom(alice, [PEOPLE.gina])
    realms.onLine = async (_crossing, deliver) => {
      const reply = await deliver()
      realms.heal()
      await remove(alice, resource.uri, PEOPLE.gina)
      await realms.work(ACME_DOMAIN)
      return reply
    }
    assert.equal((await read(gina, key.uri))['status'], 403)
    assert.equal(await stored(realms.globex, key.uri), 0)
  })

  test('and had removed somebody before keeps no copy alive', async () => {
    const { key, resource } = await aRoom(alice, [PEOPLE.gina, PEOPLE.bob])
    await remove(gina, resource.uri, PEOPLE.bob)
    await remove(alice, resource.uri, PEOPLE.gina)
    await alice.ask('create', '/authorizations', {
      resourceUri: resource.uri,
      userIds: [PEOPLE.olivia],
    })
    await read(olivia, key.uri)
    await remove(alice, resource.uri, PEOPLE.olivia)
    await realms.work(ACME_DOMAIN)
    assert.equal(await stored(realms.globex, key.uri), 0)
  })

  test('is asked about again after a clock was set back', async () => {
    const { key, resource } = await aRoom(alice, [PEOPLE.gina])
    realms.advance(seconds(900))
    assert.equal((await read(gina, key.uri))['status'], 200)
    realms.advance(-seconds(900) as Duration)
    await remove(alice, resource.uri, PEOPLE.gina)
    assert.equal((await read(gina, key.uri))['status'], 403)
    // Nobody is locked out by it.
    const fields = { resourceUri: resource.uri, userIds: [PEOPLE.gina] }
    await alice.ask('create', '/authorizations', fields)
    realms.advance(milliseconds(1))
    assert.equal((await read(gina, key.uri))['status'], 200)
  })

  test('by way of a room that has ended leaves no copy either', async () => {
    const [key] = keysOf(await alice.ask('create', '/keys', { count: 1 }))
    assert.ok(key)
    const fields = { keyUris: [key.uri], userIds: [PEOPLE.gina], ttl: 60 }
    assert.ok(resourceOf(await alice.ask('create', '/resources', fields)))
    await read(gina, key.uri)
    assert.equal(await stored(realms.globex, key.uri), 1)
    realms.advance(seconds(61))
    const { ledger, realm } = realms.acme
    await sweep(ledger, realm.channels, seconds(60), 100)
    await realms.work(ACME_DOMAIN)
    assert.equal(await stored(realms.globex, key.uri), 0)
  })

  test('by an administrator who gave them to another realm leaves no copy at the old one', async () => {
    const { key } = await aRoom(alice, [PEOPLE.gina])
    await read(gina, key.uri)
    const wish = { userId: PEOPLE.gina as never, mayMove: true }
    const move = (domain: string) =>
      pinUser(realms.acme.ledger, systemRandom, { ...wish, domain: domain as never })
    await move(MALLORY_DOMAIN)
    await realms.work(ACME_DOMAIN)
    assert.equal(await stored(realms.globex, key.uri), 0)
    await move(GLOBEX_DOMAIN)
  })
})

describe('a home that works with us no more', () => {
  test('has said no, however long what it said before may count', async () => {
    const pair = await TwoRealms.open({ globex: { offlineGraceFor: seconds(3600) } })
    try {
      const { key } = await aRoom(await pair.acme.signedIn('alice'), [PEOPLE.gina])
      const device = await pair.globex.signedIn('gina')
      await read(device, key.uri)
      pair.advance(seconds(600))
      pair.onLine = async () => ({ status: 403, body: {} })
      const answer = await read(device, key.uri)
      await pair.globex.refused(answer, 403, 'federation.refused-by-peer')
    } finally {
      await pair.close()
    }
  })
})

describe('somebody who leaves their own organisation', () => {
  test('takes the copies along that only they could read', async () => {
    const pair = await TwoRealms.open()
    try {
      const { key } = await aRoom(await pair.acme.signedIn('alice'), [PEOPLE.gina])
      await read(await pair.globex.signedIn('gina'), key.uri)
      assert.equal(await stored(pair.globex, key.uri), 1)
      await offBoard(pair.globex.ledger, pair.globex.means, PEOPLE.gina as never)
      assert.equal(await stored(pair.globex, key.uri), 0)
    } finally {
      await pair.close()
    }
  })

  test('and was taken out here, too, is let in by no claim of their realm', async () => {
    const pair = await TwoRealms.open()
    try {
      const device = await pair.acme.signedIn('alice')
      await offBoard(pair.acme.ledger, pair.acme.means, PEOPLE.gina as never)
      const { key } = await aRoom(device, [PEOPLE.gina])
      const answer = await read(await pair.globex.signedIn('gina'), key.uri)
      await pair.globex.refused(answer, 403, 'federation.denied-by-home')
      assert.equal((await pair.acme.lastEntry())['code'], 'identity.off-boarded')
    } finally {
      await pair.close()
    }
  })
})
