// A member from abroad acts in a room through their own realm and the core: that realm opens what they say and asks the room's
// realm, which has the last word. What ended there once has ended, however often and by whomever it is asked again.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { CorePart } from '../../src/boundary/index.ts'
import { type OperationAnswer, operationAnswer, withdrawOperation } from '../../src/kms/index.ts'
import { seconds } from '../../src/time.ts'
import { type Device, type Json, newOperationId } from '../support/device.ts'
import { furnishTwoRealms } from '../support/furnished-realms.ts'
import {
  ACME_DOMAIN,
  GLOBEX_DOMAIN,
  MALLORY_DOMAIN,
  type OnLine,
  type TwoRealms,
} from '../support/two-realms.ts'
import { aRoom, authorizationsOf, keyOf, keysOf, PEOPLE } from '../support/world.ts'

type Part = Omit<CorePart, 'user'>

let realms: TwoRealms
let alice: Device
let gina: Device

furnishTwoRealms(async (opened) => {
  realms = opened
  alice = await realms.acme.signedIn('alice')
  gina = await realms.globex.signedIn('gina')
})

interface Wish {
  readonly request: Json
  readonly part: Part
}
const addition = (resourceUri: string, ...userIds: readonly string[]): Wish => ({
  request: { method: 'create', uri: '/authorizations', resourceUri, userIds },
  part: { operation: 'create-authorizations', resourceUri, subjects: userIds },
})
const removal = (resourceUri: string, authId: string): Wish => ({
  request: { method: 'delete', uri: `${resourceUri}/authorizations?authId=${authId}` },
  part: { operation: 'delete-authorizations', resourceUri, subjects: [authId] },
})
const rotation = (resourceUri: string, keyUri: string): Wish => ({
  request: { method: 'update', uri: keyUri, resourceUri },
  part: { operation: 'bind-key', resourceUri, keyUris: [keyUri] },
})

const clearOf = ({ answers, declined }: OperationAnswer) =>
  declined ?? `${answers[0]?.clear?.status} ${answers[0]?.clear?.resourceUri ?? ''}`.trim()
const opened = (device: Device, { answers }: OperationAnswer): Promise<Json> =>
  device.open(answers[0]?.kmsMessage ?? '')

const sealedBy = (device: Device, { request }: Wish) => device.seal(device.request(request))
const operate = async (device: Device, wish: Wish, id = newOperationId()) =>
  device.operate(await sealedBy(device, wish), wish.part, { id })

/** What the room's realm tells the core when it asks how an operation of somebody from abroad ended. */
const settle = async (id: string, { part }: Wish, user: string = PEOPLE.gina) =>
  clearOf(operationAnswer(await withdrawOperation(realms.acme.ledger, id, { user, ...part })))

const newKey = async (device: Device): Promise<string> => {
  const [key] = keysOf(await device.ask('create', '/keys', { count: 1 }))
  assert.ok(key)
  return key.uri
}
const members = async (resourceUri: string) =>
  authorizationsOf(await alice.ask('retrieve', `${resourceUri}/authorizations`)).map(
    ({ authId }) => authId,
  )
const bound = async (device: Device, uri: string) =>
  keyOf(await device.ask('retrieve', uri))?.['resourceUri']

/** The question crosses and is done; nobody hears the answer. */
const losingAnswers: OnLine = async ({ to }, deliver) => {
  await deliver()
  return { refused: 'federation.peer-timed-out', about: to }
}

describe('a member from abroad, through the core', () => {
  test('adds somebody, removes somebody, and leaves', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.gina])
    const added = await operate(gina, addition(resource.uri, PEOPLE.carol))
    assert.equal(clearOf(added), `201 ${resource.uri}`)
    assert.equal(authorizationsOf(await opened(gina, added))[0]?.authId, PEOPLE.carol)
    const removed = await operate(gina, removal(resource.uri, PEOPLE.carol))
    assert.equal(clearOf(removed), `200 ${resource.uri}`)
    const left = await operate(gina, removal(resource.uri, PEOPLE.gina))
    assert.equal(clearOf(left), `200 ${resource.uri}`)
    assert.deepEqual(await members(resource.uri), [PEOPLE.alice])
  })

  test('writes with a key of their own realm', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.gina])
    const keyUri = await newKey(gina)
    const rotated = await operate(gina, rotation(resource.uri, keyUri))
    assert.match(clearOf(rotated), /^200/)
    assert.equal(keyOf(await opened(gina, rotated))['resourceUri'], resource.uri)
    assert.equal(await bound(alice, keyUri), resource.uri)
  })

  test('and who is gone gets no later key, whichever side it is made on', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.gina, PEOPLE.bob])
    await operate(gina, removal(resource.uri, PEOPLE.gina))
    const later = await newKey(alice)
    await operate(alice, rotation(resource.uri, later))
    await realms.globex.refused(await gina.ask('retrieve', later), 403, 'federation.denied-by-home')
    const own = await newKey(gina)
    const refused = await operate(gina, rotation(resource.uri, own))
    assert.equal(clearOf(refused), '403')
    assert.equal(await bound(gina, own), undefined)
  })

  test('is recorded on both sides under the core’s id and one tracking id', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.gina])
    const id = newOperationId()
    await operate(gina, addition(resource.uri, PEOPLE.carol), id)
    const here = await realms.acme.lastEntry()
    const there = await realms.globex.lastEntry()
    const operationIn = ({ details }: Json) => (details as { operation: string }).operation
    assert.deepEqual([here.action, there.action], Array(2).fill('authorization.created'))
    assert.deepEqual([operationIn(here), operationIn(there)], [id, id])
    assert.equal(here['trackingId'], there['trackingId'])
  })

  test('of whom the core says something else is not passed on at all', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.gina])
    const { request } = addition(resource.uri, PEOPLE.carol)
    const { part } = addition(resource.uri, PEOPLE.bob)
    realms.crossings.length = 0
    const answer = await operate(gina, { request, part })
    await realms.globex.refused(await opened(gina, answer), 403, 'rooms.parts-disagree')
    assert.equal(realms.crossings.length, 0)
  })
})

describe('the room’s realm', () => {
  test('tells the core what was done there, again and again', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.gina])
    const id = newOperationId()
    const wish = addition(resource.uri, PEOPLE.carol)
    await operate(gina, wish, id)
    assert.equal(await settle(id, wish), `201 ${resource.uri}`)
    assert.equal(await settle(id, wish), `201 ${resource.uri}`)
  })

  test('does not do what the core has given up', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.gina])
    const id = newOperationId()
    const wish = removal(resource.uri, PEOPLE.gina)
    assert.equal(await settle(id, wish), 'rooms.withdrawn')
    const answer = await operate(gina, wish, id)
    await realms.globex.refused(await opened(gina, answer), 403, 'federation.denied-by-home')
    assert.deepEqual(await members(resource.uri), [PEOPLE.alice, PEOPLE.gina])
  })

  test('does not pass off as agreed what a peer had done instead', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.gina])
    const id = newOperationId()
    // Gina's realm lets somebody in under the id of her leave, and tells the core that she has left.
    const added = { requestId: '0', client: {}, method: 'create', uri: '/authorizations' }
    const request = { ...added, resourceUri: resource.uri, userIds: [PEOPLE.olivia] }
    const question = {
      path: '/federation/v1/requests',
      body: { requests: [{ userId: PEOPLE.gina, operationId: id, request }] },
      trackingId: 'hostile_3',
    }
    await realms.askAs(GLOBEX_DOMAIN, ACME_DOMAIN, question)
    assert.equal(await settle(id, removal(resource.uri, PEOPLE.gina)), 'rooms.withdrawn')
    const last = await realms.acme.lastEntry()
    assert.deepEqual(
      [last.action, last.outcome, last['code'], (last['details'] as { peer: string }).peer],
      ['operation.withdrawn', 'refused', 'rooms.parts-disagree', GLOBEX_DOMAIN],
    )
  })

  test('does nothing twice under one id, and for nobody else', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.gina])
    const id = newOperationId()
    await operate(gina, addition(resource.uri, PEOPLE.carol), id)
    await alice.ask('delete', `${resource.uri}/authorizations?authId=${PEOPLE.carol}`)
    const again = (domain: string, subjects: readonly string[]) => {
      const { request } = addition(resource.uri, ...subjects)
      const item = { requestId: '0', client: {}, ...request }
      const body = { requests: [{ userId: PEOPLE.gina, operationId: id, request: item }] }
      const question = { path: '/federation/v1/requests', body, trackingId: 'hostile_4' }
      return realms.askAs(domain, ACME_DOMAIN, question)
    }
    await again(GLOBEX_DOMAIN, [PEOPLE.carol])
    assert.equal((await realms.acme.lastEntry()).action, 'answer.repeated')
    await again(GLOBEX_DOMAIN, [PEOPLE.olivia])
    assert.equal((await realms.acme.lastEntry())['code'], 'rooms.repeated')
    await again(MALLORY_DOMAIN, [PEOPLE.carol])
    assert.equal((await realms.acme.lastEntry())['code'], 'federation.claim-conflict')
    assert.deepEqual(await members(resource.uri), [PEOPLE.alice, PEOPLE.gina])
  })

  test('says yes to one who has left by it when the first answer was lost', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.gina])
    const id = newOperationId()
    const wish = removal(resource.uri, PEOPLE.gina)
    const sealed = await sealedBy(gina, wish)
    realms.onLine = losingAnswers
    // The realm dies before it has written down what it heard: nothing of this is in its store but that it asked.
    const { foreign } = realms.globex.realm
    assert.ok(foreign)
    const uri = resource.uri as never
    const operation = {
      name: 'delete-authorizations',
      uri,
      authIds: [PEOPLE.gina as never],
    } as const
    const ask = { domain: ACME_DOMAIN, userId: PEOPLE.gina as never, operation, operationId: id }
    await foreign.ask([ask], { at: realms.globex.now(), trackingId: 'lost_1', sizeBytes: 0 })
    realms.heal()
    const answer = await gina.operate(sealed, wish.part, { id })
    assert.equal(clearOf(answer), `200 ${resource.uri}`)
    assert.equal(await settle(id, wish), `200 ${resource.uri}`)
  })
})

describe('a bind whose answer was lost', () => {
  test('ends bound on both sides, and the core hears so from the room’s realm', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.gina])
    const keyUri = await newKey(gina)
    const id = newOperationId()
    const wish = rotation(resource.uri, keyUri)
    realms.onLine = losingAnswers
    const lost = await operate(gina, wish, id)
    await realms.globex.refused(await opened(gina, lost), 504, 'federation.peer-timed-out')
    assert.match(await settle(id, wish), /^200/)
    realms.heal()
    realms.advance(seconds(11))
    await realms.work(GLOBEX_DOMAIN)
    assert.equal(await bound(gina, keyUri), resource.uri)
    assert.equal(await bound(alice, keyUri), resource.uri)
  })

  test('that was never heard of is bound nowhere once the core has given it up', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.gina])
    const keyUri = await newKey(gina)
    const id = newOperationId()
    const wish = rotation(resource.uri, keyUri)
    realms.cut()
    await operate(gina, wish, id)
    assert.equal(await settle(id, wish), 'rooms.withdrawn')
    realms.heal()
    realms.advance(seconds(11))
    await realms.work(GLOBEX_DOMAIN)
    assert.equal(await bound(gina, keyUri), undefined)
    const { foreignKeys } = await realms.acme.store.read(async (tx) => ({
      foreignKeys: await tx.copies.foreignKeysOf(resource.uri as never),
    }))
    assert.deepEqual(foreignKeys, [])
  })

  test('and that was tried again under another id is bound once, though the core gave up that one', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.gina])
    const keyUri = await newKey(gina)
    const [first, second] = [newOperationId(), newOperationId()]
    const wish = rotation(resource.uri, keyUri)
    realms.onLine = losingAnswers
    await operate(gina, wish, first)
    realms.cut()
    await operate(gina, wish, second)
    assert.equal(await settle(second, wish), 'rooms.withdrawn')
    realms.heal()
    realms.advance(seconds(11))
    await realms.work(GLOBEX_DOMAIN)
    assert.equal(await bound(gina, keyUri), resource.uri)
    assert.equal(await bound(alice, keyUri), resource.uri)
  })
})
