import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeCoreFrame, type FeedEvent } from '../../../../src/boundary/index.ts'
import { toFeedEvent } from '../../../../src/core/search/feed-events.ts'
import type { FeedRow } from '../../../../src/core/store/store.ts'

const JWE = 'aaaa..bbbb.cccc.dddd'
const KEY = 'kms://kms.acme.example/keys/1'
const ROW: FeedRow = {
  sequence: 7,
  id: '3c9e7d15-6f02-4b8a-9a4d-e1b7c6052f38',
  conversation_id: '1d0f4b7e-2a65-4c19-8b3e-5f92c7d60a41',
  actor_id: '0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114',
  verb: 'post',
  object: JSON.stringify({ objectType: 'comment', displayName: JWE, content: `${JWE}e` }),
  encryption_key_url: KEY,
  parent_id: null,
  parent_type: null,
  client_temp_id: null,
  published_at: 5,
  resourceUri: 'kms://kms.acme.example/resources/1',
  title: null,
  titleKeyUri: null,
}
const partsOf = (change: Partial<FeedRow>) => {
  const event = toFeedEvent({ ...ROW, ...change })
  return event?.kind === 'posted' ? event.parts : event?.kind
}
const object = (value: object): Partial<FeedRow> => ({ object: JSON.stringify(value) })

test('a message is told with its text, once, and its key', () => {
  assert.deepEqual(partsOf({}), [{ name: 'text', keyUri: KEY, sealed: JWE }])
  assert.deepEqual(partsOf(object({ content: JWE })), [{ name: 'text', keyUri: KEY, sealed: JWE }])
})

test('what is no ciphertext, or has no key, stays out; the message is still told of', () => {
  for (const change of [
    object({ displayName: 'readable' }),
    object({ displayName: 'three.parts.only' }),
    object({ displayName: 7 }),
    object({ files: { items: [null, 'x', { displayName: 'budget.xls' }] } }),
    object([]),
    { object: 'null' },
    { encryption_key_url: null },
  ]) {
    assert.deepEqual(partsOf(change), [])
  }
})

test('a hundred files are a hundred names beside the text, and never more than a frame takes', () => {
  const items = Array.from({ length: 200 }, () => ({ displayName: JWE }))
  const event = toFeedEvent({
    ...ROW,
    verb: 'share',
    ...object({ displayName: JWE, files: { items } }),
  })
  assert.ok(event?.kind === 'posted')
  assert.equal(event.parts.length, 128)
  const events: readonly FeedEvent[] = [event]
  assert.ok(encodeCoreFrame({ type: 'feed', id: 'f', events, upTo: 7, head: 7 }))
})

test('a title is a message under the name of its room; a room without one says nothing', () => {
  const created = toFeedEvent({ ...ROW, verb: 'create', title: JWE, titleKeyUri: KEY })
  assert.equal(created?.messageId, ROW.conversation_id)
  assert.deepEqual(partsOf({ verb: 'create', title: JWE, titleKeyUri: KEY }), [
    { name: 'title', keyUri: KEY, sealed: JWE },
  ])
  assert.equal(partsOf({ verb: 'create' }), undefined)
})

test('tombstones, joins, keys and locks are not told', () => {
  for (const verb of ['tombstone', 'add', 'leave', 'updateKey', 'lock', 'assignModerator']) {
    assert.equal(partsOf({ verb }), undefined)
  }
  assert.equal(partsOf({ verb: 'delete', ...object({}) }), undefined)
})
