import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { HASH_BYTES, parseCoreFrame, parseRealmFrame } from '../../../src/boundary/index.ts'
import { isRefusal } from '../../../src/refusal.ts'
import {
  FEED,
  FEED_ASK,
  FEED_NEWS,
  PART_OF_MESSAGE,
  POSTED,
  POSTINGS,
  POSTINGS_DONE,
  POSTINGS_DROP,
  RISING,
  SEALED,
  SEARCH,
  SEARCH_DECLINED,
  SEARCH_HASHES,
} from './make.ts'

const refusedOfRealm = (good: object, ...changes: object[]): void => {
  for (const change of changes) {
    assert.ok(isRefusal(parseRealmFrame({ ...good, ...change })), JSON.stringify(change))
  }
}
const refusedOfCore = (good: object, ...changes: object[]): void => {
  for (const change of changes) {
    assert.ok(isRefusal(parseCoreFrame({ ...good, ...change })), JSON.stringify(change))
  }
}
const isTaken = (hashes: string): boolean =>
  !isRefusal(parseRealmFrame({ ...SEARCH_HASHES, hashes }))

test('hashes pass only whole, in rising order, and written in one way', () => {
  const [one, two] = ['\0'.repeat(10), '\x01'.repeat(10)]
  assert.ok(isTaken(''))
  assert.ok(isTaken(btoa(one + two)))
  assert.ok(!isTaken(btoa(two + one)))
  assert.ok(!isTaken(btoa(one + two.slice(1))))
  // Other spellings of the same bytes.
  assert.ok(!isTaken(RISING.replaceAll('=', '')))
  assert.ok(!isTaken(`${RISING.slice(0, 4)}\n${RISING.slice(4)}`))
  assert.ok(!isTaken(RISING.replace(/E=$/, 'F=')))
  assert.ok(!isTaken('the words themselves'))
})

test('any hashes pass sorted, and no list that falls somewhere', () => {
  const hash = fc.uint8Array({ minLength: HASH_BYTES, maxLength: HASH_BYTES })
  fc.assert(
    fc.property(fc.array(hash, { maxLength: 40 }), (hashes) => {
      const sorted = hashes.toSorted(Buffer.compare)
      assert.ok(isTaken(Buffer.concat(sorted).toString('base64')))
      const isSorted = Buffer.concat(hashes).equals(Buffer.concat(sorted))
      assert.equal(isTaken(Buffer.concat(hashes).toString('base64')), isSorted)
    }),
  )
})

test('lists name a room, a message and a revision, and are no longer than they may be', () => {
  const [item] = POSTINGS.items
  const with_ = (change: object) => ({ items: [{ ...item, ...change }] })
  refusedOfRealm(
    POSTINGS,
    with_({ resourceUri: 'room' }),
    with_({ messageId: 'message' }),
    with_({ revision: 0 }),
    with_({ hashes: 'AA==' }),
    with_({ words: ['invoice'] }),
    with_({ hashes: Buffer.alloc(HASH_BYTES * 250_001).toString('base64') }),
    { items: Array(2001).fill(item) },
    { id: '' },
  )
  refusedOfRealm(POSTINGS_DROP, { resourceUri: '*' }, { id: 7 })
  refusedOfCore(POSTINGS_DONE, { id: 'two words' })
})

test('what people wrote passes only as ciphertext, with its key', () => {
  const event = (change: object) => ({ events: [{ ...POSTED, ...change }] })
  const part = (change: object) => event({ parts: [{ ...PART_OF_MESSAGE, ...change }] })
  refusedOfCore(
    FEED,
    part({ sealed: 'see you at nine' }),
    part({ sealed: 'header.payload.signature' }),
    part({ name: 'subject' }),
    part({ keyUri: 'https://kms.acme.example/keys/1' }),
    event({ parts: Array(129).fill(PART_OF_MESSAGE) }),
    event({ kind: 'deleted' }),
    event({ kind: 'read' }),
    event({ userId: 'alice' }),
    event({ version: 0 }),
    event({ at: -1 }),
  )
  refusedOfCore(SEARCH, { query: 'invoice' }, { query: 'a.b.c' })
  refusedOfRealm(SEARCH_HASHES, { sealed: 'three rooms' })
  const empty = { ...FEED, events: [{ ...POSTED, parts: [] }] }
  assert.deepEqual(parseCoreFrame(empty), empty)
})

test('a feed rises, and does not go beyond what it says it reached', () => {
  const [posted, deleted] = FEED.events
  refusedOfCore(
    FEED,
    { events: [deleted, posted] },
    { events: [posted, posted] },
    { upTo: 7 },
    { more: false },
    { events: Array.from({ length: 1001 }, (_, n) => ({ ...posted, seq: n + 1 })), upTo: 2000 },
  )
  refusedOfCore(FEED_NEWS, { head: -1 }, { head: 1.5 })
  refusedOfRealm(
    FEED_ASK,
    { after: -1 },
    { limit: 0 },
    { limit: 1001 },
    { upTo: '9' },
    { resourceUri: 'x' },
  )
})

test('a query names its user, its key and its page; an answer never says more than a code', () => {
  refusedOfCore(
    SEARCH,
    { httpUser: 'alice' },
    { keyUri: '' },
    { page: -1 },
    { resourceUris: ['x'] },
    { resourceUris: Array(1001).fill(FEED_ASK.resourceUri) },
    { query: `${SEALED}${'x'.repeat(64 * 1024)}` },
  )
  refusedOfRealm(SEARCH_HASHES, { more: 1 })
  refusedOfRealm(SEARCH_DECLINED, { status: 200 }, { code: 'no such word' }, { code: 'Search' })
})
