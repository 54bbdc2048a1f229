// Two appliances federate, as processes of their own on one core.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type RunningWorld, startRunningWorld } from '../support/running-world.ts'

let world: RunningWorld

before(async () => {
  world = await startRunningWorld({ globex: () => ({}) })
})
after(() => world.close())

test('Alice of acme makes a room with Gina of globex, and Gina reads through her own realm only', async () => {
  const alice = await world.client('alice')
  const gina = await world.client('gina')
  const room = await alice.rooms.create({ title: 'Both', participantIds: [gina.userId] })
  await alice.rooms.post(room.id, 'Hello, Gina')
  try {
    assert.deepEqual(
      (await gina.rooms.history(room.id)).map(({ text }) => text),
      ['Hello, Gina'],
    )
  } finally {
    console.log((await world.at('globex').entries()).slice(-8), (await world.entries()).slice(-8))
  }
})
