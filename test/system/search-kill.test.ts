// kill -9 of realm and core in the middle of indexing: afterwards every message is in the index, once, and found.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { KeyrealmClient, Room } from '../../src/client/index.ts'
import { countRows, heldLists } from '../support/core-postings.ts'
import { forAll } from '../support/corpus.ts'
import { type RunningWorld, startRunningWorld } from '../support/running-world.ts'
import { letIndex, until } from '../support/search-world.ts'

const MESSAGES = 400
/** Small steps: there is always one to be in the middle of. */
const STEP = 10
const DEATHS = ['realm', 'core', 'realm', 'core', 'realm', 'core'] as const

let world: RunningWorld
let alice: KeyrealmClient
let room: Room
const ids = new Map<string, string>()

before(async () => {
  world = await startRunningWorld({ realm: () => ({ search: { batchEvents: STEP } }) })
  alice = await world.client('alice')
  room = await alice.rooms.create({ title: 'Deadly room', participantIds: [] })
  const words = Array.from({ length: MESSAGES }, (_, n) => `lantern${n}`)
  await forAll(words, 16, async (word) => {
    const { id } = await alice.rooms.post(room.id, `everybody says ${word}`)
    ids.set(word, id)
  })
})
after(() => world.close())

test('a realm and a core that die while they index lose nothing and double nothing', async (t) => {
  await letIndex(world)
  const diedAt: number[] = []
  for (const [n, who] of DEATHS.entries()) {
    const enough = ((n + 0.5) * MESSAGES) / (DEATHS.length + 1)
    await until(async () => heldLists(world).length >= enough)
    diedAt.push(heldLists(world).length)
    await world[who].restart()
  }
  t.diagnostic(`died with ${diedAt.join(', ')} of ${MESSAGES} messages indexed`)
  assert.ok(diedAt.filter((count) => count < MESSAGES).length > 2, 'died too late')
  const all = [...ids.values(), room.id].toSorted()
  await until(async () => heldLists(world).length >= all.length)
  const lists = heldLists(world)
  assert.deepEqual(lists.map(({ messageId }) => messageId).toSorted(), all)
  const hashes = lists.flatMap((list) => list.hashes)
  assert.equal(new Set(hashes).size, hashes.length, 'a hash came twice')
  await until(async () => countRows(world) === hashes.length)
})

test('everything is found afterwards, exactly once', async () => {
  await until(async () => (await alice.search('lantern0')).hits.length === 1)
  for (const word of [...ids.keys()].filter((_, n) => n % 8 === 0)) {
    const { hits } = await alice.search(word)
    assert.deepEqual(
      hits.map(({ id }) => id),
      [ids.get(word)],
    )
  }
  const found: string[] = []
  let page = await alice.search('everybody', { limit: 500, isComplete: true })
  for (;;) {
    found.push(...page.hits.map(({ id }) => id))
    if (page.next === undefined) break
    page = await page.next()
  }
  assert.deepEqual(found.toSorted(), [...ids.values()].toSorted())
})
