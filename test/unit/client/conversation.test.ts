import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Message } from '../../../src/client/index.ts'
import { until } from './clock.ts'
import { ALICE, BOB } from './core.ts'
import { aWorld, type World } from './world.ts'

const open: World[] = []
const world = async () => {
  const made = await aWorld()
  open.push(made)
  return made
}
after(() => Promise.all(open.map((one) => one.close())))

const NEW = { title: 'Lunch', participantIds: [BOB] }

test('a room is made with a bound key, and the core sees no word of it', async () => {
  const { client, core } = await world()
  const room = await client.rooms.create(NEW)
  assert.equal(room.title, 'Lunch')
  assert.deepEqual(room.participantIds, [ALICE, BOB])
  const message = await client.rooms.post(room.id, 'Where shall we eat?')
  assert.equal(message.text, 'Where shall we eat?')
  const seen = JSON.stringify([[...core.conversations.values()], core.activities, core.posts])
  assert.equal(/Lunch|Where shall/.test(seen), false)
  const authorized = await client.resources.list(room.resourceUri ?? '')
  assert.deepEqual(
    authorized.map(({ authId }) => authId),
    [ALICE, BOB],
  )
})

test('history is read back, oldest first', async () => {
  const { client } = await world()
  const { id } = await client.rooms.create(NEW)
  for (const text of ['one', 'two', 'three']) await client.rooms.post(id, text)
  const history = await client.rooms.history(id, { limit: 2 })
  assert.deepEqual(
    history.map(({ text }) => text),
    ['one', 'two'],
  )
})

test('new messages are heard as they arrive, until nobody listens', async () => {
  const { client } = await world()
  const heard: Message[] = []
  const stop = client.rooms.onMessage((message) => heard.push(message))
  const { id } = await client.rooms.create(NEW)
  await client.rooms.post(id, 'hello')
  await until(() => heard.length === 1)
  assert.deepEqual([heard[0]?.text, heard[0]?.authorId, heard[0]?.roomId], ['hello', ALICE, id])
  stop()
  await client.rooms.post(id, 'still there?')
  assert.equal(heard.length, 1)
})

test('a message that cannot be read is reported and harms nobody', async () => {
  const { client, core, problems } = await world()
  const { id } = await client.rooms.create(NEW)
  await client.rooms.post(id, 'hello')
  const [activity] = core.activities
  const broken = { ...activity, id: 'a1', object: { content: 'no.ciphertext' } }
  core.deliver({ eventType: 'conversation.activity', activity: broken })
  await until(() => problems.length === 1)
  assert.equal(Object(problems[0]).activityId, 'a1')
  await client.rooms.post(id, 'still fine')
})
