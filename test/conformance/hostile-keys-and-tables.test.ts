// A peer that uses what a member may: keys with dates of its own choosing, keys that do not exist, ids of its own making, questions and
// withdrawals without number. Nobody else pays for it.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { systemRandom } from '../../src/crypto/index.ts'
import { blockPeer, unblockPeer } from '../../src/federation/index.ts'
import type { KeyUri, UserId } from '../../src/id.ts'
import { seconds } from '../../src/time.ts'
import type { Device, Json } from '../support/device.ts'
import { furnishTwoRealms } from '../support/furnished-realms.ts'
import {
  ACME_DOMAIN,
  GLOBEX_DOMAIN,
  MALLORY_DOMAIN,
  type TwoRealms,
} from '../support/two-realms.ts'
import { aRoom, keysOf, PEOPLE, resourceOf } from '../support/world.ts'
import { ACME, organization } from '../unit/identity/world.ts'

let realms: TwoRealms
let alice: Device
let gina: Device

furnishTwoRealms(async (opened) => {
  realms = opened
  alice = await realms.acme.signedIn('alice')
  gina = await realms.globex.signedIn('gina')
})

const newKey = async (device: Device): Promise<string> => {
  const [key] = keysOf(await device.ask('create', '/keys', { count: 1 }))
  assert.ok(key)
  return key.uri
}
const bind = (device: Device, uri: string, resourceUri: string) =>
  device.ask('update', uri, { resourceUri })
const ask = async (path: string, body: Json, domain = GLOBEX_DOMAIN, to = ACME_DOMAIN) => {
  const question = { path: `/federation/v1/${path}`, body, trackingId: 'hostile_9' }
  const reply = await realms.askAs(domain, to, question)
  assert.ok('status' in reply)
  return reply
}
const retrieve = (userId: string, uri: string): Json => ({
  userId,
  request: { requestId: '0', method: 'retrieve', uri, client: {} },
})
const entriesOf = async (work: () => Promise<unknown>): Promise<number> => {
  const before = (await realms.acme.entries()).length
  await work()
  return (await realms.acme.entries()).length - before
}

describe('a key that a peer has bound to a room of ours', () => {
  test('is as old as we know, and never the newest by its own word', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.gina])
    const theirs = await newKey(gina)
    await bind(gina, theirs, resource.uri)
    await alice.ask('delete', `${resource.uri}/authorizations?authId=${PEOPLE.gina}`)
    realms.onLine = async (_crossing, deliver) => {
      const text = JSON.stringify(await deliver())
      return JSON.parse(text.replace(/"bindDate":"[^"]*"/, '"bindDate":"2099-01-01T00:00:00.000Z"'))
    }
    assert.equal((await alice.ask('retrieve', theirs))['status'], 200)
    realms.heal()
    realms.advance(seconds(1))
    const ours = await newKey(alice)
    await bind(alice, ours, resource.uri)
    const [newest] = keysOf(await alice.ask('retrieve', `${resource.uri}/keys`, { count: 1 }))
    assert.equal(newest?.uri, ours)
  })

  test('and does not give, keeps nobody from the others', async () => {
    const { key, resource } = await aRoom(alice, [PEOPLE.gina])
    const uri = `kms://${GLOBEX_DOMAIN}/keys/99999999-9999-4999-8999-999999999998`
    const request = { requestId: '0', method: 'update', uri, client: {} }
    const body = {
      requests: [{ userId: PEOPLE.gina, request: { ...request, resourceUri: resource.uri } }],
    }
    assert.equal((await ask('requests', body)).status, 200)
    const listed = await alice.ask('retrieve', `${resource.uri}/keys`)
    assert.deepEqual(
      keysOf(listed).map((one) => one.uri),
      [key.uri],
    )
  })

  test('is named to no third realm', async () => {
    const { key, resource } = await aRoom(alice, [PEOPLE.gina, PEOPLE.carol])
    const theirs = await newKey(gina)
    await bind(gina, theirs, resource.uri)
    const carol = { requests: [retrieve(PEOPLE.carol, resource.uri)] }
    const { body } = await ask('requests', carol, MALLORY_DOMAIN)
    const [answer] = (body as { answers: Json[] }).answers
    assert.deepEqual(resourceOf(answer ?? {}).keyUris, [key.uri])
  })
})

describe('a peer that asks without end', () => {
  test('in names that nobody ever heard makes us remember none of them', async () => {
    const { key } = await aRoom(alice)
    const ids = Array.from({ length: 20 }, () => systemRandom.uuid())
    await ask('requests', { requests: ids.map((id) => retrieve(id, key.uri)) }, MALLORY_DOMAIN)
    const known = await realms.acme.store.read((tx) => tx.people.find(ids as never))
    assert.equal(known.size, 0)
  })

  test('and is blocked fills no log', async () => {
    const { key } = await aRoom(alice)
    const domain = MALLORY_DOMAIN as never
    await blockPeer(realms.acme.ledger, domain)
    const requests = Array.from({ length: 100 }, () => retrieve(PEOPLE.gina, key.uri))
    const written = await entriesOf(async () => {
      for (let n = 0; n < 5; n += 1) await ask('requests', { requests }, MALLORY_DOMAIN)
    })
    await unblockPeer(realms.acme.ledger, domain)
    assert.ok(written <= 1, `${written} entries`)
  })

  test('takes back what it never said, and leaves neither row nor log of it', async () => {
    const { key } = await aRoom(gina, [PEOPLE.alice])
    const resourceUri = () => `kms://${GLOBEX_DOMAIN}/resources/${systemRandom.uuid()}`
    const someOf = (userId: () => string) =>
      Array.from({ length: 500 }, () => ({ resourceUri: resourceUri(), userId: userId() }))
    const take = async (withdrawals: readonly Json[]) =>
      (await ask('withdrawals', { withdrawals })).status
    // Of somebody who is ours there may be an answer on its way: so much is remembered, and no more.
    const replies = []
    for (let n = 0; n < 3; n += 1) replies.push(await take(someOf(() => PEOPLE.alice)))
    assert.deepEqual(replies, [200, 200, 429])
    const written = await entriesOf(async () => {
      for (let n = 0; n < 50; n += 1) {
        await take(n % 2 === 0 ? [] : someOf(() => systemRandom.uuid()).slice(0, 9))
      }
    })
    assert.ok(written <= 20, `${written} entries`)
    // What it did say it may take back at any time.
    assert.equal((await alice.ask('retrieve', key.uri))['status'], 200)
    const known = await realms.acme.store.read((tx) => tx.keys.find([key.uri as KeyUri]))
    const copy = known.get(key.uri as KeyUri)
    assert.ok(copy?.state === 'bound')
    assert.equal(await take([{ resourceUri: copy.resourceUri, userId: PEOPLE.alice }]), 200)
    realms.advance(seconds(61))
    assert.equal(await take(someOf(() => PEOPLE.alice)), 200)
  })

  test('tells of uses of keys that are none, and nothing of it is kept', async () => {
    const told = { sequence: 1, time: realms.globex.now(), trackingId: 'hostile_9' }
    const sign = async (keys: readonly string[]) => {
      const statement = { kind: 'use', by: GLOBEX_DOMAIN, to: ACME_DOMAIN } as const
      const entries = [{ ...told, keys: keys as readonly KeyUri[] }]
      const signed = await realms.globex.realm.statements.sign({ ...statement, entries })
      assert.ok(signed)
      return ask('receipts', { statement: signed.note, logKey: signed.vkey })
    }
    const none = `kms://${ACME_DOMAIN}/keys/${systemRandom.uuid()}`
    for (const keys of [[none], []]) {
      const { status, body } = await sign(keys)
      assert.deepEqual([status, (body as Json)['code']], [502, 'federation.statement-wrong'])
    }
  })

  test('in words that say whether somebody is ours or another’s learns it from none', async () => {
    const { key } = await aRoom(alice, [PEOPLE.gina])
    await gina.ask('retrieve', key.uri)
    const unknown = systemRandom.uuid()
    const asked = [PEOPLE.alice, PEOPLE.gina, unknown].map((id) => retrieve(id, key.uri))
    const { body } = await ask('requests', { requests: asked }, MALLORY_DOMAIN)
    const { answers } = body as { answers: Json[] }
    assert.equal(new Set(answers.map((one) => JSON.stringify(one))).size, 1)
  })
})

describe('a peer that is blocked', () => {
  test('is not asked for what was on its way to it, and is once it is not', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.gina])
    const own = await newKey(gina)
    realms.cut()
    await bind(gina, own, resource.uri)
    realms.heal()
    const { ledger } = realms.globex
    await blockPeer(ledger, ACME_DOMAIN as never)
    realms.advance(seconds(11))
    realms.crossings.length = 0
    await realms.work(GLOBEX_DOMAIN)
    const asked = realms.crossings.filter(({ question }) => question.path.endsWith('/requests'))
    assert.deepEqual(asked, [])
    await unblockPeer(ledger, ACME_DOMAIN as never)
    realms.advance(seconds(60))
    await realms.work(GLOBEX_DOMAIN)
    assert.equal((await alice.ask('retrieve', own))['status'], 200)
  })
})

describe('a user of ours', () => {
  test('who has signed in by another process is claimed by nobody in this one', async () => {
    const { key } = await aRoom(alice, [PEOPLE.bob])
    const { store, now } = { store: realms.acme.store, now: realms.acme.now() }
    const userId = PEOPLE.bob as UserId
    // This process knows of Bob that somebody named him; the other one has seen his token since.
    const person = { userId, organizationId: organization(ACME), pseudonym: systemRandom.uuid() }
    await store.transact((tx) => tx.people.remember([{ ...person, firstSeenAt: now }]))
    await ask('requests', { requests: [retrieve(PEOPLE.bob, key.uri)] }, MALLORY_DOMAIN)
    assert.equal((await realms.acme.lastEntry())['code'], 'federation.claim-conflict')
    const pins = await store.read((tx) => tx.peers.pins([userId]))
    assert.equal(pins.size, 0)
  })
})

describe('a peer that asks for more than anybody reads', () => {
  test('gets refusals in place of what would not fit', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.gina])
    // Guests of the peer's own making, so that one list is long.
    for (let n = 0; n < 5; n += 1) {
      const authIds = Array.from({ length: 500 }, () => systemRandom.uuid())
      const create = { requestId: '0', method: 'create', uri: '/authorizations', client: {} }
      const request = { ...create, resourceUri: resource.uri, authIds }
      await ask('requests', { requests: [{ userId: PEOPLE.gina, request }] })
      const pin = { domain: GLOBEX_DOMAIN, pinnedAt: realms.acme.now() }
      const pins = authIds.map((userId) => ({ ...pin, userId: userId as UserId }))
      await realms.acme.store.transact((tx) => tx.peers.claim(pins))
    }
    const lists = Array.from({ length: 30 }, () =>
      retrieve(PEOPLE.gina, `${resource.uri}/authorizations`),
    )
    const { body } = await ask('requests', { requests: lists })
    const { answers } = body as { answers: Json[] }
    assert.equal(answers[0]?.['status'], 200)
    assert.equal(answers.at(-1)?.['status'], 413)
    assert.ok(JSON.stringify(body).length < 24 * 1024 * 1024)
  })
})
