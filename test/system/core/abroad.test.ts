// A member whose realm is not the room's: their own realm opens what they say, and the room's realm alone says how it ended.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { MessagesFrame } from '../../../src/boundary/index.ts'
import { sealedAnswer } from './acting-realm.ts'
import type { FakeRealm } from './fake-realm.ts'
import {
  ACCEPTED,
  add,
  leave,
  openRoomLife,
  type Room,
  type RoomLife,
  updateKey,
} from './room-life.ts'
import { ALICE, BOB, GINA } from './world.ts'

const PATIENCE_MS = 300
const THEIR_KEY = 'kms://kms.globex.example/keys/1'
const DEVICE = 'https://core.test/wdm/api/v1/devices/1'

let life: RoomLife
let room: Room
/** Of Gina's realm. */
let abroad: FakeRealm
beforeEach(async () => {
  life = await openRoomLife({ limits: { realmPatienceMs: PATIENCE_MS } })
  abroad = await life.connectOther()
  room = await life.room('alice', 'gina')
  await life.nextQuestion()
})
afterEach(() => life.close())

const members = async () => (await life.show('alice', room)).participants.items.map(({ id }) => id)

/** Gina's realm answers her next question: what it has the room's realm do, and what it tells the core. */
const answers = async (status: number, isPassedOn = true): Promise<MessagesFrame> => {
  const frame = await abroad.posts.take()
  if (isPassedOn) life.realm.passedOn(frame)
  const clear = { status, resourceUri: room.kmsResourceObjectUrl }
  const sealed = { n: 0, deliverTo: DEVICE, kmsMessage: sealedAnswer(`abroad-${status}`), clear }
  abroad.say({ type: 'answers', id: frame.id, answers: [sealed] })
  return frame
}

test('adds, rotates and leaves: asked of their realm, ended by the room’s, answered in their realm’s words', async () => {
  for (const [doing, status] of [
    [add('bob'), 201],
    [updateKey(THEIR_KEY), 200],
    [leave('gina'), 200],
  ] as const) {
    const acting = life.act('gina', room, doing)
    const { part, id } = await answers(status)
    const acted = await acting
    assert.deepEqual(
      [acted.status, acted.body['kmsMessage']],
      [ACCEPTED, sealedAnswer(`abroad-${status}`)],
    )
    assert.equal(part?.user, GINA)
    assert.equal(await life.realm.withdrawals.take(), id)
  }
  assert.deepEqual(await members(), [ALICE, BOB])
  assert.equal(life.realm.asked.length, 1)
})

test('whose realm says "done" and has not had it done has not left', async () => {
  const leaving = life.act('gina', room, leave('gina'))
  await answers(200, false)
  assert.equal((await leaving).status, 503)
  assert.deepEqual(await members(), [ALICE, GINA])
  assert.ok(life.world.logLines.some((line) => line.includes('operation.not-at-home')))
})

test('is refused in the sealed words of their realm, and nothing is changed', async () => {
  const adding = life.act('gina', room, add('bob'))
  await answers(403, false)
  const refused = await adding
  assert.deepEqual([refused.status, refused.body['errorCode']], [400, 1_900_000])
  assert.equal(refused.body['message'], sealedAnswer('abroad-403'))
  assert.deepEqual(await members(), [ALICE, GINA])
})

test('is in the room if the room’s realm let them, whatever theirs says or does not say', async () => {
  const adding = life.act('gina', room, add('bob'))
  await answers(504)
  assert.deepEqual(
    [(await adding).status, (await adding).body['kmsMessage']],
    [ACCEPTED, undefined],
  )
  const leaving = life.act('gina', room, leave('gina'))
  life.realm.passedOn(await abroad.posts.take())
  assert.equal((await leaving).body['code'], 'core.realm-timeout')
  await life.settled(room)
  assert.deepEqual(await members(), [ALICE, BOB])
})

test('cannot hold up the room by a realm that goes away', async () => {
  const adding = life.act('gina', room, add('bob'))
  await abroad.posts.take()
  abroad.cut()
  assert.equal((await adding).body['code'], 'core.realm-timeout')
  await life.settled(room)
  assert.equal((await life.act('alice', room, add('bob'))).status, ACCEPTED)
})

test('is not heard while the room’s realm is away', async () => {
  life.line.cut()
  const asking = async () => (await life.act('gina', room, add('bob'))).body['code']
  while ((await asking()) !== 'core.realm-unreachable');
  assert.deepEqual(await members(), [ALICE, GINA])
})

test('is asked no more after a restart: the room’s realm says how it ended', async () => {
  life.realm.withdraws = false
  const leaving = life.act('gina', room, leave('gina'))
  await answers(200)
  assert.equal((await leaving).body['code'], 'core.realm-timeout')
  await life.restart()
  life.realm.withdraws = true
  await life.dial()
  await life.realm.withdrawals.take()
  await life.settled(room)
  assert.deepEqual(await members(), [ALICE])
})

test('and the realm that is not the room’s cannot end anything', async () => {
  const adding = life.act('alice', room, add('bob'))
  const { id } = await life.nextQuestion()
  assert.equal((await adding).status, ACCEPTED)
  life.realm.mode = 'silent'
  const removing = life.act('alice', room, leave('bob'))
  const removal = await life.nextQuestion()
  for (const one of [id, removal.id]) {
    abroad.say({ type: 'answers', id: one, answers: [{ n: 0, clear: { status: 200 } }] })
  }
  assert.equal((await removing).body['code'], 'core.realm-timeout')
  await life.settled(room)
  assert.deepEqual(await members(), [ALICE, GINA, BOB])
})
