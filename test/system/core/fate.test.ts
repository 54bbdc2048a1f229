// Core and realm share the fate of an operation: both do it or neither does, whoever is slow, silent or away.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { sealedAnswer } from './acting-realm.ts'
import {
  ACCEPTED,
  add,
  K2,
  leave,
  openRoomLife,
  type Room,
  type RoomLife,
  updateKey,
} from './room-life.ts'
import { ACME, ALICE, BOB, CAROL } from './world.ts'

const PATIENCE_MS = 300

let life: RoomLife
let room: Room
beforeEach(async () => {
  life = await openRoomLife({ limits: { realmPatienceMs: PATIENCE_MS } })
  room = await life.room('alice')
  await life.nextQuestion()
})
afterEach(() => life.close())

const members = async () => (await life.show('alice', room)).participants.items.map(({ id }) => id)
const authorized = () => [...(life.realm.authorized.get(room.kmsResourceObjectUrl) ?? [])]
const agree = async (...ids: string[]) => {
  assert.deepEqual(await members(), ids)
  assert.deepEqual(authorized(), ids)
}
const codeOf = async (asking: Promise<{ body: Readonly<Record<string, unknown>> }>) =>
  (await asking).body['code']

test('a realm that is silent costs the client its patience and no more, and neither side acts', async () => {
  life.realm.mode = 'silent'
  const startedMs = performance.now()
  const answer = await life.act('alice', room, add('bob'))
  assert.ok(performance.now() - startedMs < PATIENCE_MS * 5)
  assert.deepEqual([answer.status, answer.body['code']], [503, 'core.realm-timeout'])
  assert.equal(await life.realm.withdrawals.take(), life.realm.asked.at(-1)?.id)
  await agree(ALICE)
})

test('what the realm applied before it fell silent is applied here after all', async () => {
  life.realm.mode = 'applies-and-is-silent'
  assert.equal(await codeOf(life.act('alice', room, add('bob'))), 'core.realm-timeout')
  await life.realm.withdrawals.take()
  await life.settled(room)
  await agree(ALICE, BOB)
})

test('while an operation is open, the next of its room waits, and gives up without a trace', async () => {
  life.realm.mode = 'silent'
  life.realm.withdraws = false
  assert.equal(await codeOf(life.act('alice', room, add('bob'))), 'core.realm-timeout')
  assert.equal(await codeOf(life.act('alice', room, add('carol'))), 'core.realm-timeout')
  life.realm.mode = 'in-order'
  const other = await life.room('bob')
  assert.equal((await life.act('bob', other, add('carol'))).status, ACCEPTED)
  life.realm.withdraws = true
  life.line.cut()
  await life.dial()
  await life.settled(room)
  await agree(ALICE)
  assert.equal((await life.act('alice', room, add('carol'))).status, ACCEPTED)
  await agree(ALICE, CAROL)
})

for (const [mode, code] of [
  ['locked', 'kms.locked'],
  ['overloaded', 'core.realm-declined'],
] as const) {
  test(`a realm that declines (${mode}) is not asked twice: the operation is withdrawn`, async () => {
    life.realm.mode = mode
    const answer = await life.act('alice', room, add('bob'))
    assert.deepEqual([answer.status, answer.body['code']], [503, code])
    await life.realm.withdrawals.take()
    life.realm.mode = 'in-order'
    await life.settled(room)
    await agree(ALICE)
  })
}

test('without a line nothing is begun', async () => {
  life.line.cut()
  while ((await codeOf(life.make(['alice']))) !== 'core.realm-unreachable');
  const before = life.realm.asked.length
  await life.dial()
  await life.settled(room)
  await agree(ALICE)
  assert.equal(life.realm.asked.length, before)
})

test('a realm that says it is locked is not asked', async () => {
  const { details } = life.hello
  life.line.say({ type: 'state', state: 'locked', details })
  while ((await codeOf(life.act('alice', room, add('bob')))) !== 'kms.locked');
  assert.deepEqual(await members(), authorized())
})

test('a line that drops is asked again under the same id, and the answer is the same', async () => {
  life.realm.mode = 'applies-and-is-silent'
  const adding = life.act('alice', room, add('bob'))
  const { id } = await life.nextQuestion()
  life.realm.mode = 'in-order'
  life.line.cut()
  await life.dial()
  const added = await adding
  assert.equal(added.body['kmsMessage'], sealedAnswer('says-201'))
  assert.equal(life.realm.asked.at(-1)?.id, id)
  await agree(ALICE, BOB)
})

test('an outcome without sealed words is applied, and refused ones have a code of their own', async () => {
  life.realm.mode = 'bare'
  const added = await life.act('alice', room, add('bob'))
  assert.deepEqual([added.status, added.body['kmsMessage']], [ACCEPTED, undefined])
  const refused = await life.act('alice', room, leave('bob', 'a..refuse.c.d'))
  assert.deepEqual([refused.status, refused.body['code']], [403, 'core.realm-refused'])
  await agree(ALICE, BOB)
})

test('a withdrawal that was not answered is made again after a restart', async () => {
  life.realm.mode = 'silent'
  life.realm.withdraws = false
  assert.equal(await codeOf(life.act('alice', room, add('bob'))), 'core.realm-timeout')
  await life.restart()
  life.realm.withdraws = true
  life.realm.mode = 'in-order'
  await life.dial()
  await life.realm.withdrawals.take()
  await life.settled(room)
  await agree(ALICE)
  assert.equal((await life.act('alice', room, add('bob'))).status, ACCEPTED)
})

test('a key that was bound for a room somebody has left since does not become its key', async () => {
  await life.act('alice', room, add('bob'))
  const [left, rotated] = await Promise.all([
    life.act('alice', room, leave('bob')),
    life.act('alice', room, updateKey(K2)),
  ])
  assert.deepEqual([left.status, rotated.status], [ACCEPTED, ACCEPTED])
  // One after the other, as the realm has seen them.
  const operations = life.realm.asked.slice(-2).map(({ part }) => part.operation)
  const { defaultActivityEncryptionKeyUrl: key } = await life.show('alice', room)
  assert.equal(key, operations[1] === 'bind-key' ? K2 : undefined)
})

test('answers of another realm, late ones and repeated ones change nothing', async () => {
  const { id } = life.realm.asked.at(-1) ?? { id: '' }
  const answer = { n: 0, clear: { status: 200 } }
  life.line.say({ type: 'answers', id, answers: [answer] })
  life.line.say({ type: 'answers', id: crypto.randomUUID(), answers: [answer] })
  life.realm.mode = 'silent'
  const adding = life.act('alice', room, add('bob'))
  const question = await life.nextQuestion()
  const foreign = await life.connectOther()
  foreign.say({ type: 'answers', id: question.id, answers: [answer] })
  assert.equal(await codeOf(adding), 'core.realm-timeout')
  await life.realm.withdrawals.take()
  await life.settled(room)
  await agree(ALICE)
})

test('one user cannot keep more operations open than the settings allow', async () => {
  await life.close()
  const limits = { realmPatienceMs: PATIENCE_MS, heldPostsPerUser: 1 }
  life = await openRoomLife({ limits })
  room = await life.room('alice')
  life.realm.mode = 'silent'
  const codes = await Promise.all([
    codeOf(life.act('alice', room, add('bob'))),
    codeOf(life.make(['alice', 'bob'])),
  ])
  assert.deepEqual(codes.sort(), ['core.realm-timeout', 'core.too-many-held'])
})

test('the realm is told who the core is to ask on behalf of, and nothing of the message is read', async () => {
  await life.act('alice', room, add('bob', 'anything at all'))
  const asked = life.realm.asked.at(-1)
  assert.equal(asked?.kmsMessage, 'anything at all')
  assert.equal(asked?.part.user, ALICE)
  assert.equal(ACME.domain, life.realm.domain)
})
