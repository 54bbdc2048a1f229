// Two realms and one room: each client asks its own realm only, and is answered as if every key were at home (draft §4.4.4, §5).

import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { PEER_PATHS } from '../../src/federation/index.ts'
import { seconds } from '../../src/time.ts'
import type { Device } from '../support/device.ts'
import { ACME_DOMAIN, GLOBEX_DOMAIN, TwoRealms } from '../support/two-realms.ts'
import { aRoom, authorizationsOf, keyOf, keysOf, PEOPLE, resourceOf } from '../support/world.ts'

const UNKNOWN = '99999999-9999-4999-8999-999999999999'

let realms: TwoRealms
let alice: Device
let gina: Device

before(async () => {
  realms = await TwoRealms.open()
  alice = await realms.acme.signedIn('alice')
  gina = await realms.globex.signedIn('gina')
})

after(() => realms.close())

beforeEach(() => {
  realms.heal()
  realms.crossings.length = 0
})

afterEach(() => {
  assert.deepEqual([realms.acme.realm.faults, realms.globex.realm.faults], [[], []])
})

const read = (device: Device, uri: string) => device.ask('retrieve', uri)

describe('a key of another realm', () => {
  test('is read by a member through their own realm, the same as at home', async () => {
    const { key } = await aRoom(alice, [PEOPLE.gina])
    const answer = await read(gina, key.uri)
    assert.equal(answer['status'], 200)
    assert.deepEqual(keyOf(answer).jwk, key.jwk)
    assert.equal(realms.crossings.length, 1)
  })

  test('is recorded on both sides, with the peer and one tracking id', async () => {
    const { key } = await aRoom(alice, [PEOPLE.gina])
    await read(gina, key.uri)
    const [asked, came, released] = (await realms.globex.entries()).slice(-3)
    assert.ok(asked && came && released)
    assert.deepEqual([came.action, came['keys']], ['peer.keys-received', [key.uri]])
    assert.equal(came['trackingId'], released['trackingId'])
    const given = await realms.acme.lastEntry()
    assert.equal(asked.action, 'peer.asked')
    assert.equal(released.action, 'key.released')
    assert.deepEqual(given['actor'], { kind: 'peer', id: GLOBEX_DOMAIN })
    assert.equal(given['onBehalfOf'], await realms.acme.pseudonymOf('gina'))
    assert.deepEqual(given['keys'], [key.uri])
    assert.deepEqual(released['keys'], [key.uri])
    assert.equal((released['details'] as { peer: string }).peer, ACME_DOMAIN)
    assert.equal((given['details'] as { tlsGroup: string }).tlsGroup, 'X25519MLKEM768')
    assert.equal(given['trackingId'], released['trackingId'])
  })

  test('is not asked for again while what is known of the reader is fresh', async () => {
    const { key } = await aRoom(alice, [PEOPLE.gina])
    await read(gina, key.uri)
    assert.equal((await read(gina, key.uri))['status'], 200)
    assert.equal(realms.crossings.length, 1)
    realms.advance(seconds(6))
    assert.equal((await read(gina, key.uri))['status'], 200)
    assert.equal(realms.crossings.length, 2)
  })

  test('is refused to somebody who is not in the room', async () => {
    const { key } = await aRoom(alice)
    await realms.globex.refused(await read(gina, key.uri), 403, 'federation.denied-by-home')
  })

  test('that does not exist is refused in the same words', async () => {
    const answer = await read(gina, `kms://${ACME_DOMAIN}/keys/${UNKNOWN}`)
    await realms.globex.refused(answer, 403, 'federation.denied-by-home')
  })

  test('fifty of them, asked for in one post, are one request to the peer', async () => {
    const { key } = await aRoom(alice, [PEOPLE.gina])
    const sealed = await Promise.all(
      Array.from({ length: 50 }, () =>
        gina.seal(gina.request({ method: 'retrieve', uri: key.uri })),
      ),
    )
    const answers = await gina.post(sealed)
    const opened = await Promise.all(answers.map(({ kmsMessage }) => gina.open(kmsMessage)))
    assert.equal(opened.filter(({ status }) => status === 200).length, 50)
    assert.equal(realms.crossings.length, 1)
  })

  test('comes with the others of its resource', async () => {
    const { key, resource } = await aRoom(alice, [PEOPLE.gina])
    const answer = await read(gina, `${resource.uri}/keys`)
    assert.deepEqual(
      keysOf(answer).map((one) => one.jwk),
      [key.jwk],
    )
  })

  test('of a host that nobody is, is refused at once', async () => {
    const answer = await read(gina, `kms://kms.nowhere.example/keys/${UNKNOWN}`)
    await realms.globex.refused(answer, 404, 'federation.unknown-host')
  })
})

describe('a member of a foreign room', () => {
  test('lists those of their own organisation, adds, and leaves', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.gina, PEOPLE.bob])
    const listed = authorizationsOf(await read(gina, `${resource.uri}/authorizations`))
    assert.deepEqual(
      listed.map(({ authId }) => authId),
      [PEOPLE.gina],
    )
    const fields = { resourceUri: resource.uri, userIds: [PEOPLE.carol] }
    const added = await gina.ask('create', '/authorizations', fields)
    assert.equal(added['status'], 201)
    assert.equal(authorizationsOf(added)[0]?.authId, PEOPLE.carol)
    const left = await gina.ask('delete', '/authorizations', {
      resourceUri: resource.uri,
      userIds: [PEOPLE.gina],
    })
    assert.equal(authorizationsOf(left)[0]?.authId, PEOPLE.gina)
    const authIds = authorizationsOf(await read(alice, `${resource.uri}/authorizations`))
    assert.deepEqual(
      authIds.map(({ authId }) => authId),
      [PEOPLE.alice, PEOPLE.bob, PEOPLE.carol],
    )
  })

  test('sees of the resource its keys, and of its authorizations their own', async () => {
    const { key, resource } = await aRoom(alice, [PEOPLE.gina])
    const seen = resourceOf(await read(gina, resource.uri))
    assert.deepEqual(seen.keyUris, [key.uri])
    assert.equal(seen.authorizationUris.length, 1)
  })

  test('makes no anonymous bearers there', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.gina])
    const fields = { resourceUri: resource.uri, anonymous: 1 }
    const answer = await gina.ask('create', '/authorizations', fields)
    await realms.globex.refused(answer, 403, 'federation.not-forwarded')
  })
})

describe('after a removal', () => {
  test('the next read is refused once its home has pushed the withdrawal', async () => {
    const { key, resource } = await aRoom(alice, [PEOPLE.gina])
    await read(gina, key.uri)
    await alice.ask('delete', '/authorizations', {
      resourceUri: resource.uri,
      userIds: [PEOPLE.gina],
    })
    await realms.work(ACME_DOMAIN)
    assert.equal((await realms.acme.lastEntry()).action, 'peer.withdrawal-acknowledged')
    const received = await realms.globex.lastEntry()
    assert.equal(received.action, 'peer.withdrawal-received')
    assert.deepEqual(received['keys'], [key.uri])
    await realms.globex.refused(await read(gina, key.uri), 403, 'federation.denied-by-home')
  })

  test('a copy is of no use beyond the time it is fresh, even if nothing was pushed', async () => {
    const { key, resource } = await aRoom(alice, [PEOPLE.gina])
    await read(gina, key.uri)
    await alice.ask('delete', '/authorizations', {
      resourceUri: resource.uri,
      userIds: [PEOPLE.gina],
    })
    realms.advance(seconds(6))
    await realms.globex.refused(await read(gina, key.uri), 403, 'federation.denied-by-home')
  })

  test('a peer that was given a key in the very moment before is told as well', async () => {
    const { key, resource } = await aRoom(alice, [PEOPLE.gina])
    const path = `${resource.uri}/authorizations?authId=${PEOPLE.gina}`
    const removal = await alice.seal(alice.request({ method: 'delete', uri: path }))
    const request = { requestId: '0', client: {}, method: 'retrieve', uri: key.uri }
    const body = { requests: [{ userId: PEOPLE.gina, request }] }
    const question = { path: PEER_PATHS.requests, body, trackingId: 'T-1' }
    const asked = realms.askAs(GLOBEX_DOMAIN, ACME_DOMAIN, question)
    // Whether that peer is blocked is read first; the removal comes right behind.
    await realms.acme.store.read(async () => undefined)
    await Promise.all([asked, alice.post([removal])])
    const [released, removed] = (await realms.acme.entries()).slice(-2)
    assert.deepEqual(
      [released?.action, released?.outcome, removed?.action],
      ['key.released', 'done', 'authorization.removed'],
    )
    const owed = await realms.acme.store.read((tx) => tx.debts.owedTo(GLOBEX_DOMAIN, 10))
    assert.ok(owed.some((one) => one.resourceUri === resource.uri))
  })

  test('what a peer did not acknowledge is owed, and pushed until it does', async () => {
    const { key, resource } = await aRoom(alice, [PEOPLE.gina])
    await read(gina, key.uri)
    await alice.ask('delete', '/authorizations', {
      resourceUri: resource.uri,
      userIds: [PEOPLE.gina],
    })
    realms.cut()
    await realms.work(ACME_DOMAIN)
    const last = await realms.acme.lastEntry()
    assert.deepEqual(
      [last.action, last['code']],
      ['peer.withdrawal-owed', 'federation.peer-unreachable'],
    )
    const owed = await realms.acme.store.read((tx) => tx.debts.owedTo(GLOBEX_DOMAIN, 10))
    assert.deepEqual(
      owed.filter((one) => one.resourceUri === resource.uri).map(({ attempts }) => attempts),
      [1],
    )
    realms.heal()
    realms.advance(seconds(2))
    await realms.work(ACME_DOMAIN)
    assert.equal(await realms.acme.store.read((tx) => tx.debts.countOwed()), 0)
  })
})

describe('while the home of a key is away', () => {
  test('what is fresh is read, and what is not is refused', async () => {
    const { key } = await aRoom(alice, [PEOPLE.gina])
    await read(gina, key.uri)
    realms.cut()
    assert.equal((await read(gina, key.uri))['status'], 200)
    realms.advance(seconds(6))
    await realms.globex.refused(await read(gina, key.uri), 503, 'federation.peer-unreachable')
  })
})

describe('a key of their own that a member binds to a foreign room', () => {
  const newKey = async (device: Device) => {
    const [key] = keysOf(await device.ask('create', '/keys', { count: 1 }))
    assert.ok(key)
    return key
  }

  test('is read by those who are at home there, and by its own side', async () => {
    const { resource, key: first } = await aRoom(alice, [PEOPLE.gina])
    const key = await newKey(gina)
    const bound = await gina.ask('update', key.uri, { resourceUri: resource.uri })
    assert.equal(bound['status'], 200)
    assert.equal(keyOf(bound)['resourceUri'], resource.uri)
    assert.deepEqual(keyOf(await read(alice, key.uri)).jwk, key.jwk)
    realms.advance(seconds(6))
    assert.deepEqual(keyOf(await read(gina, key.uri)).jwk, key.jwk)
    for (const device of [alice, gina]) {
      const jwks = keysOf(await read(device, `${resource.uri}/keys`)).map(({ jwk }) => jwk.kid)
      assert.deepEqual(jwks.toSorted(), [first.uri, key.uri].toSorted())
      const seen = resourceOf(await read(device, resource.uri)).keyUris
      assert.deepEqual(seen.toSorted(), [first.uri, key.uri].toSorted())
    }
  })

  test('is not given to somebody of that realm who is not in the room', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.gina])
    const key = await newKey(gina)
    await gina.ask('update', key.uri, { resourceUri: resource.uri })
    const bob = await realms.acme.signedIn('bob')
    realms.crossings.length = 0
    await realms.acme.refused(await read(bob, key.uri), 403, 'kms.unknown-key')
    assert.equal(realms.crossings.length, 0)
  })

  test('is not bound by somebody who is not in the room', async () => {
    const { resource } = await aRoom(alice)
    const key = await newKey(gina)
    const answer = await gina.ask('update', key.uri, { resourceUri: resource.uri })
    await realms.globex.refused(answer, 403, 'federation.denied-by-home')
    assert.equal((await read(gina, key.uri))['status'], 200)
  })

  test('ends bound on both sides when the answer is lost half-way', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.gina])
    const key = await newKey(gina)
    realms.onLine = async (_crossing, deliver) => {
      await deliver()
      return { refused: 'federation.peer-timed-out' }
    }
    const lost = await gina.ask('update', key.uri, { resourceUri: resource.uri })
    await realms.globex.refused(lost, 504, 'federation.peer-timed-out')
    realms.heal()
    realms.advance(seconds(11))
    await realms.work(GLOBEX_DOMAIN)
    assert.equal((await realms.globex.lastEntry()).action, 'key.bound')
    assert.deepEqual(keyOf(await read(gina, key.uri))['resourceUri'], resource.uri)
    assert.deepEqual(keyOf(await read(alice, key.uri)).jwk, key.jwk)
  })

  test('may meanwhile not be bound elsewhere', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.gina])
    const own = await aRoom(gina)
    const key = await newKey(gina)
    realms.cut()
    await gina.ask('update', key.uri, { resourceUri: resource.uri })
    const answer = await gina.ask('update', key.uri, { resourceUri: own.resource.uri })
    await realms.globex.refused(answer, 409, 'kms.key-already-bound')
  })
})
