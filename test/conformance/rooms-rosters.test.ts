// The core's rosters compared with the authorizations: a difference is recorded when it begins and when it
// ends, and is nothing that the realm acts on.

import assert from 'node:assert/strict'
import { after, beforeEach, describe, test } from 'node:test'
import type { RoomRoster } from '../../src/boundary/index.ts'
import { systemRandom } from '../../src/crypto/index.ts'
import type { OrganizationId, UserId } from '../../src/id.ts'
import { addMachine, createRosters, type Rosters } from '../../src/kms/index.ts'
import { urisOf } from '../../src/protocol/index.ts'
import { seconds } from '../../src/time.ts'
import { aRoom, DOMAIN, keysOf, PEOPLE, resourceOf, World } from '../support/world.ts'
import { ACME } from '../unit/identity/world.ts'

const { alice: ALICE, bob: BOB, carol: CAROL } = PEOPLE
const world = await World.open()
after(() => world.close())
const alice = await world.signedIn('alice')

let rosters: Rosters
beforeEach(() => {
  rosters = createRosters({
    store: world.store,
    ledger: world.ledger,
    uris: urisOf(DOMAIN),
    random: systemRandom,
    now: () => world.now(),
    settleFor: seconds(30),
  })
})

const compareAll = (...rooms: readonly RoomRoster[]) => rosters.take({ type: 'rosters', rooms })
/** Of the rooms that are named; the world has others. */
const compare = async (...rooms: readonly RoomRoster[]) => {
  const result = await compareAll(...rooms)
  if (result === undefined || result === 'too-many-rooms') return result
  const { unlisted: _, ...rest } = result
  return rest
}
const later = () => world.advance(seconds(31))
const aSettledRoom = async (others: readonly string[] = []) => {
  const { resource, key } = await aRoom(alice, others)
  later()
  return { resourceUri: resource.uri, keyUri: key.uri }
}
const drifts = async () =>
  (await world.store.read((tx) => tx.rosters.drifts()))
    .filter(({ side }) => side !== 'unlisted')
    .map(({ resourceUri, side, subject }) => ({ resourceUri, side, subject }))
const recorded = async (from: number) =>
  (await world.entries())
    .slice(from)
    .filter(
      ({ action, details }) =>
        action.startsWith('roster.') && !JSON.stringify(details ?? '').includes('unlisted'),
    )
    .map(({ action, resource, details }) => ({ action, resource, details }))
const entries = async () => (await world.entries()).length

describe('rosters and authorizations that agree', () => {
  test('are compared without a word', async () => {
    const room = await aSettledRoom([BOB])
    const from = await entries()
    const result = await compare({ ...room, members: [BOB, ALICE] })
    assert.deepEqual(result, { rooms: 1, began: 0, ended: 0, standing: 0 })
    assert.equal(await entries(), from)
    const check = await world.store.read((tx) => tx.rosters.lastCheck())
    assert.deepEqual(check, { checkedAt: world.now(), rooms: 1 })
  })

  test('agree about people who are authorised through a team', async () => {
    const team = await aSettledRoom([BOB])
    const room = await aSettledRoom()
    const fields = { resourceUri: room.resourceUri, userIds: [team.resourceUri] }
    await alice.ask('create', '/authorizations', fields)
    later()
    const result = await compare(
      { ...room, members: [ALICE, BOB, team.resourceUri] },
      { ...team, members: [ALICE, BOB] },
    )
    assert.equal(result === undefined || result === 'too-many-rooms' ? -1 : result.standing, 0)
  })

  test('agree about machines, whichever of them names one', async () => {
    const userId = systemRandom.uuid() as UserId
    const machine = { name: 'indexer', userId, organizationId: ACME as OrganizationId }
    await addMachine(world.ledger, systemRandom, machine)
    const [named, listed] = [await aSettledRoom([userId]), await aSettledRoom()]
    await compare({ ...named, members: [ALICE] }, { ...listed, members: [ALICE, userId] })
    assert.deepEqual(await drifts(), [])
  })
})

describe('a difference', () => {
  test('is recorded once when it begins and once when it ends, by pseudonym', async () => {
    const room = await aSettledRoom([BOB])
    const { resourceUri } = room
    const wrong = { ...room, members: [ALICE, CAROL] }
    const from = await entries()
    assert.deepEqual(await compare(wrong), { rooms: 1, began: 2, ended: 0, standing: 2 })
    assert.deepEqual(await compare(wrong), { rooms: 1, began: 0, ended: 0, standing: 2 })
    assert.deepEqual(await drifts(), [
      { resourceUri, side: 'core-only', subject: CAROL },
      { resourceUri, side: 'realm-only', subject: BOB },
    ])
    const right = { ...room, members: [ALICE, BOB] }
    assert.deepEqual(await compare(right), { rooms: 1, began: 0, ended: 2, standing: 0 })
    const acts = await recorded(from)
    const about = (action: string, side: string) => ({
      action,
      resource: resourceUri,
      details: { side },
    })
    assert.deepEqual(
      new Set(acts.slice(0, 2).map((act) => JSON.stringify(act))),
      new Set([
        JSON.stringify(about('roster.drifted', 'core-only')),
        JSON.stringify(about('roster.drifted', 'realm-only')),
      ]),
    )
    assert.deepEqual(
      acts.slice(2).map(({ action }) => action),
      ['roster.settled', 'roster.settled'],
    )
    const log = JSON.stringify(
      (await world.entries()).slice(from).filter(({ action }) => action.startsWith('roster.')),
    )
    assert.ok(!log.includes(BOB) && !log.includes(CAROL))
    assert.ok(log.includes((await world.pseudonymOf('carol')) ?? 'nobody'))
  })

  test('is one if a room of the core has no resource here', async () => {
    const resourceUri = `kms://${DOMAIN}/resources/${systemRandom.uuid()}`
    await compare({ resourceUri, members: [ALICE] })
    assert.deepEqual(await drifts(), [{ resourceUri, side: 'core-only', subject: ALICE }])
    await compare()
    assert.deepEqual(await drifts(), [])
  })

  test('is one if a resource that no roster names is let in', async () => {
    const hidden = await aSettledRoom([CAROL])
    const room = await aSettledRoom()
    const fields = { resourceUri: room.resourceUri, userIds: [hidden.resourceUri] }
    await alice.ask('create', '/authorizations', fields)
    later()
    await compare({ ...room, members: [ALICE] })
    assert.deepEqual(await drifts(), [
      { resourceUri: room.resourceUri, side: 'realm-only', subject: hidden.resourceUri },
    ])
    await compare()
  })

  test('is one if the core goes on under a stale key, until a new one is bound', async () => {
    const room = await aSettledRoom([BOB])
    const { resourceUri, keyUri } = room
    await alice.ask('delete', `${resourceUri}/authorizations?authId=${BOB}`)
    later()
    await compare({ ...room, members: [ALICE] })
    assert.deepEqual(await drifts(), [{ resourceUri, side: 'stale-key', subject: keyUri }])
    await compare({ resourceUri, members: [ALICE] })
    assert.deepEqual(await drifts(), [])
    const [fresh] = keysOf(await alice.ask('create', '/keys', { count: 1 }))
    await alice.ask('update', fresh?.uri ?? '', { resourceUri })
    await compare({ resourceUri, keyUri: fresh?.uri ?? '', members: [ALICE] })
    assert.deepEqual(await drifts(), [])
  })

  test('is one if people share keys in a room that the core leaves out, until it names it', async () => {
    const room = await aSettledRoom([BOB])
    const sharesNothing = await alice.ask('create', '/resources', { userIds: [ALICE], keyUris: [] })
    const unlisted = async (uri: string) =>
      (await world.store.read((tx) => tx.rosters.drifts())).filter(
        ({ side, subject }) => side === 'unlisted' && subject === uri,
      ).length
    later()
    const hidden = await compareAll()
    assert.ok(typeof hidden === 'object' && hidden.unlisted > 0)
    assert.equal(await unlisted(room.resourceUri), 1)
    assert.equal(await unlisted(resourceOf(sharesNothing).uri), 0)
    await compareAll({ ...room, members: [ALICE, BOB] })
    assert.equal(await unlisted(room.resourceUri), 0)
  })

  test('is none yet where something changed a moment ago', async () => {
    const { resource, key } = await aRoom(alice, [BOB])
    const room = { resourceUri: resource.uri, keyUri: key.uri, members: [ALICE] }
    await compare(room)
    assert.deepEqual(await drifts(), [])
    later()
    await compare(room)
    assert.equal((await drifts()).length, 1)
    // And what was recorded stays recorded while something new is settling.
    await alice.ask('delete', `${resource.uri}/authorizations?authId=${BOB}`)
    await compare(room)
    assert.equal((await drifts()).length, 1)
    later()
    await compare({ resourceUri: resource.uri, members: [ALICE] })
    assert.deepEqual(await drifts(), [])
  })
})

describe('rosters in pages', () => {
  test('are compared when the last has come', async () => {
    const [one, other] = [await aSettledRoom(), await aSettledRoom()]
    const first = {
      type: 'rosters',
      rooms: [{ ...one, members: [ALICE, BOB] }],
      more: true,
    } as const
    assert.equal(await rosters.take(first), undefined)
    assert.deepEqual(await drifts(), [])
    const result = await compare({ ...other, members: [ALICE] })
    assert.deepEqual(result, { rooms: 2, began: 1, ended: 0, standing: 1 })
    await compare()
  })

  test('of a line that was lost are forgotten', async () => {
    const one = await aSettledRoom()
    await rosters.take({ type: 'rosters', rooms: [{ ...one, members: [] }], more: true })
    rosters.forget()
    assert.deepEqual(await compare(), { rooms: 0, began: 0, ended: 0, standing: 0 })
  })

  test('of other realms are left to them', async () => {
    const resourceUri = `kms://kms.other.example/resources/${systemRandom.uuid()}`
    await compare({ resourceUri, members: [ALICE] })
    assert.deepEqual(await drifts(), [])
  })

  test('of more rooms than can be compared are not compared at all', async () => {
    const page = (from: number) => ({
      type: 'rosters' as const,
      rooms: Array.from({ length: 50_000 }, (_, n) => ({
        resourceUri: `kms://${DOMAIN}/resources/${from + n}`,
        members: [],
      })),
      more: true as const,
    })
    for (const from of [0, 50_000, 100_000]) await rosters.take(page(from))
    assert.equal(await compare(), 'too-many-rooms')
  })

  const invented = (count: number) => Array.from({ length: count }, () => systemRandom.uuid())
  const inventedRooms = (count: number, members: readonly string[]) =>
    Array.from({ length: count }, () => ({
      resourceUri: `kms://${DOMAIN}/resources/${systemRandom.uuid()}`,
      members,
    }))

  test('that invent people by the million are not compared, and the next are', async () => {
    assert.equal(await compare(...inventedRooms(401, invented(5000))), 'too-many-rooms')
    assert.deepEqual(await compare(), { rooms: 0, began: 0, ended: 0, standing: 0 })
  })

  test('that invent people are recorded as far as anybody could read, and no further', async () => {
    const result = await compareAll(...inventedRooms(3, invented(5000)))
    assert.ok(typeof result === 'object')
    assert.equal(result.began + result.unlisted, 10_000)
    await compare()
    assert.deepEqual(await drifts(), [])
  })

  test('that come while others are compared are left for the next time', async () => {
    const answers = await Promise.all([compare(), compare()])
    assert.deepEqual(answers, [{ rooms: 0, began: 0, ended: 0, standing: 0 }, undefined])
  })
})
