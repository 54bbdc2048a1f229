import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RoomChange } from '../../../../src/core/rooms/room-change.ts'
import { newestOf } from '../../../../src/core/search/newest.ts'
import { openCoreStore } from '../../../../src/core/store/store.ts'

const ROOM = '1d0f4b7e-2a65-4c19-8b3e-5f92c7d60a41'
const ALICE = '0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114'
const RESOURCE = 'kms://kms.acme.example/resources/1'
const MESSAGES = 2500

test('of thousands of matches the newest are shown, page by page, and none is lost', async () => {
  const store = await openCoreStore(':memory:')
  const ids = Array.from({ length: MESSAGES }, (_, n) => `${10_000 + n}`)
  const activities = ids.map((id) => ({ id, actorId: ALICE, verb: 'post', object: {} }))
  const change: RoomChange = {
    roomId: ROOM,
    open: { createdBy: ALICE },
    join: [ALICE],
    resourceUri: RESOURCE,
    activities: [],
  }
  await store.change(change, 1)
  for (let n = 0; n < MESSAGES; n += 500) {
    await store.change({ roomId: ROOM, activities: activities.slice(n, n + 500) }, 1)
  }
  // In an order that has nothing to do with time.
  const refs = ids
    .toSorted((one, other) => (Number(one) % 7) - (Number(other) % 7))
    .map((messageId) => ({ resourceUri: RESOURCE, messageId }))
  const seen: string[] = []
  let before: { at: number; id: string } | undefined
  do {
    const rows = await newestOf(store, { refs, userId: ALICE, limit: 400, before })
    seen.push(...rows.map(({ id }) => id))
    const last = rows.at(-1)
    before = last && { at: last.published_at, id: last.id }
  } while (before !== undefined)
  assert.deepEqual(seen, ids.toReversed())
  await store.close()
})
