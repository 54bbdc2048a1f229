// What realm and core tell each other about rooms beyond single operations: who is in which room, and who has left
// the organisation.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { RoomRoster } from '../../../src/boundary/index.ts'
import {
  add,
  K1,
  leave,
  newRoom,
  openRoomLife,
  post,
  type Room,
  type RoomLife,
} from './room-life.ts'
import { ALICE, BOB, GINA } from './world.ts'

let life: RoomLife
beforeEach(async () => {
  life = await openRoomLife()
})
afterEach(() => life.close())

/** All pages that the realm gets when its line comes up. */
const rostersOnConnect = async (): Promise<readonly RoomRoster[]> => {
  life.line.cut()
  await life.dial()
  const rooms: RoomRoster[] = []
  for (;;) {
    const page = await life.line.rosters.take()
    rooms.push(...page.rooms)
    if (page.more === undefined) return rooms
  }
}

test('a realm that connects is told who is in its rooms, and nothing of rooms that are not its own', async () => {
  const first = await life.line.rosters.take()
  assert.deepEqual(first, { type: 'rosters', rooms: [] })
  const room = await life.room('alice', 'bob')
  const left = await life.room('alice', 'bob')
  await life.act('alice', left, leave('bob'))
  life.realm.alias = 'kms://kms.globex.example/resources/1'
  await life.room('alice', 'bob')
  life.realm.alias = undefined
  const rosters = await rostersOnConnect()
  assert.deepEqual(
    new Set(rosters),
    new Set([
      { resourceUri: room.kmsResourceObjectUrl, members: [ALICE, BOB], keyUri: K1 },
      { resourceUri: left.kmsResourceObjectUrl, members: [ALICE] },
    ]),
  )
})

test('many rooms come in pages, each once, and team rooms name the resource of their team', async () => {
  const make = (n: number) => life.make(['alice'], { tags: [`${n}`] })
  await Promise.all(Array.from({ length: 51 }, (_, n) => make(n)))
  const body = { ...newRoom(['alice']), objectType: 'team' }
  const team = JSON.parse((await life.ask('alice', 'POST', '/teams', body)).text)
  await life.ask('alice', 'POST', `/teams/${team.id}/conversations`, newRoom(['alice']))
  const rosters = await rostersOnConnect()
  assert.equal(new Set(rosters.map(({ resourceUri }) => resourceUri)).size, 53)
  const [general] = team.conversations.items
  const inTeam = rosters.filter(({ members }) => members.includes(general.kmsResourceObjectUrl))
  assert.deepEqual(
    inTeam.map(({ members }) => members),
    [[ALICE, general.kmsResourceObjectUrl]],
  )
})

test('a room whose operation is open is left out: it would look like drift', async () => {
  const room = await life.room('alice')
  life.realm.mode = 'applies-and-is-silent'
  life.realm.withdraws = false
  const adding = life.act('alice', room, add('bob'))
  while (life.realm.asked.length < 2) await new Promise(setImmediate)
  life.realm.mode = 'silent'
  assert.deepEqual(await rostersOnConnect(), [])
  life.realm.mode = 'in-order'
  life.line.cut()
  await life.dial()
  await adding
})

test('rosters are told again and again', async () => {
  await life.close()
  life = await openRoomLife({ limits: { rostersEveryMs: 100 } })
  await life.line.rosters.take()
  assert.deepEqual(await life.line.rosters.take(), { type: 'rosters', rooms: [] })
})

const offBoard = (userId: string, ...rooms: readonly Room[]) =>
  life.line.say({
    type: 'off-boarded',
    userId,
    resourceUris: rooms.map(({ kmsResourceObjectUrl }) => kmsResourceObjectUrl),
  })

test('whoever is off-boarded leaves the named rooms, their keys go, and the realm is told', async () => {
  const rooms = [await life.room('alice', 'bob'), await life.room('bob', 'alice')] as const
  const other = await life.room('alice', 'bob')
  const direct = JSON.parse((await life.make(['alice', 'bob'], { tags: ['ONE_ON_ONE'] })).text)
  offBoard(BOB, ...rooms, direct)
  assert.deepEqual(await life.line.acknowledged.take(), { type: 'off-boarded-done', userId: BOB })
  for (const room of [...rooms, direct]) {
    assert.equal((await life.ask('bob', 'GET', `/conversations/${room.id}`)).status, 404)
    assert.equal((await life.ask('bob', 'GET', `/conversations/user/${ALICE}`)).status, 404)
    const refused = await life.act('alice', room, post(K1))
    assert.equal(refused.body['code'], 'core.rotation-required')
    const left = (await life.acts('alice', room)).at(-1)
    assert.deepEqual([left?.verb, left?.object.id], ['leave', BOB])
    assert.equal(left?.object['reason'], 'off-boarded')
  }
  assert.equal((await life.show('bob', other)).id, other.id)
})

test('off-boarding said twice is done once, and acknowledged each time', async () => {
  const room = await life.room('alice', 'bob')
  offBoard(BOB, room)
  await life.line.acknowledged.take()
  offBoard(BOB, room)
  await life.line.acknowledged.take()
  const verbs = (await life.acts('alice', room)).map(({ verb }) => verb)
  assert.deepEqual(verbs, ['create', 'leave'])
})

test('off-boarding waits for what is open in a room, so that neither undoes the other', async () => {
  const room = await life.room('alice', 'bob')
  life.realm.mode = 'applies-and-is-silent'
  const rotating = life.act('alice', room, {
    verb: 'updateKey',
    object: { defaultActivityEncryptionKeyUrl: 'kms://kms.acme.example/keys/9' },
    kmsMessage: 'a..key.c.d',
  })
  while (life.realm.asked.length < 2) await new Promise(setImmediate)
  offBoard(BOB, room)
  life.realm.mode = 'in-order'
  const { id = '' } = life.realm.asked.at(-1) ?? {}
  const clear = { status: 200 }
  life.line.say({ type: 'answers', id, answers: [{ n: 0, clear }] })
  await Promise.all([rotating, life.line.acknowledged.take()])
  assert.equal((await life.show('alice', room)).defaultActivityEncryptionKeyUrl, undefined)
})

test('a realm that off-boards from rooms of another is not this realm: its line is closed', async () => {
  const resourceUris = ['kms://kms.globex.example/resources/1']
  life.line.say({ type: 'off-boarded', userId: GINA, resourceUris })
  assert.equal(await life.line.closed, 4403)
})
