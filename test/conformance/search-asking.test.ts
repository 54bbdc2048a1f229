// Who may search where: decided by the search key and the realm's own authorizations. The core's word counts for nothing,
// and whatever it sends gets a clear no, or an empty list.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { HASH_BYTES, LAST_PAGE, type SearchFrame } from '../../src/boundary/index.ts'
import { aesKeyFrom, decodeB64u, sealDirect, systemRandom } from '../../src/crypto/index.ts'
import type { UserId } from '../../src/id.ts'
import { WORDS_MOST } from '../../src/indexer/search.ts'
import { offBoard } from '../../src/kms/index.ts'
import type { Device } from '../support/device.ts'
import {
  anIndexer,
  aSearchKey,
  IndexWorld,
  type Key,
  letIndex,
  openAnswer,
  roomOf,
  sealed,
  stopIndexing,
} from '../support/index-world.ts'
import { HOME, PEOPLE, World } from '../support/world.ts'

let world: World
let index: IndexWorld
let alice: Device
let bob: Device
let aliceKey: Key
let room: Awaited<ReturnType<typeof roomOf>>

before(async () => {
  world = await World.open()
  index = new IndexWorld(world)
  alice = await world.signedIn('alice')
  bob = await world.signedIn('bob')
  aliceKey = await aSearchKey(alice)
  const account = await anIndexer(world)
  await letIndex(world, account, 'all')
  room = await roomOf(alice)
  index.post(room.uri, room.key, 'a purple umbrella')
  await index.settle()
})
after(() => world.close())

const ask = (frame: SearchFrame) => index.search.answer(frame)
const askAlice = (query: string, more: Partial<SearchFrame> = {}) =>
  ask(index.frame(PEOPLE.alice, aliceKey, query, more))

const declines = async (frame: SearchFrame, status: number, code: string): Promise<void> => {
  assert.deepEqual(await ask(frame), { type: 'search-declined', id: frame.id, status, code })
  const last = await world.lastEntry()
  assert.deepEqual([last.outcome, last['code']], ['refused', code])
}

const hashesOf = async (frame: SearchFrame): Promise<number> => {
  const answer = await ask(frame)
  assert.equal(answer.type, 'search-hashes')
  return answer.type === 'search-hashes'
    ? Buffer.from(answer.hashes, 'base64').length / HASH_BYTES
    : -1
}

describe('a query', () => {
  test('is answered under the search key, with what the client alone may know', async () => {
    const frame = index.frame(PEOPLE.alice, aliceKey, 'umbrella')
    const answer = await ask(frame)
    assert.ok(answer.type === 'search-hashes')
    // It names the question and the page: a core cannot pass it off as the answer to another one.
    const query = frame.query.split('.').at(-1)
    assert.deepEqual(openAnswer(answer.sealed ?? '', aliceKey), {
      ...{ query, page: 0, rooms: 1, languages: ['english'], more: false },
    })
  })

  test('gives its hashes in rising order', async () => {
    const answer = await askAlice('umbrella purple')
    assert.ok(answer.type === 'search-hashes')
    const hex = Buffer.from(answer.hashes, 'base64').toString('hex')
    const list = hex.match(/.{20}/g) ?? []
    assert.deepEqual(list, list.toSorted())
  })

  test('of nothing but punctuation, or of no room, gets no hashes', async () => {
    assert.equal(await hashesOf(index.frame(PEOPLE.alice, aliceKey, '… — !?')), 0)
    const bobKey = await aSearchKey(bob)
    assert.equal(await hashesOf(index.frame(PEOPLE.bob, bobKey, 'umbrella')), 0)
  })

  test('beyond the last page gets no hashes and says that there is no more', async () => {
    const answer = await askAlice('umbrella', { page: LAST_PAGE })
    assert.ok(answer.type === 'search-hashes')
    assert.deepEqual([answer.hashes, answer.more], ['', false])
  })

  test('of a thousand words is declined', async () => {
    const words = (count: number) =>
      Array.from({ length: count }, (_, each) => `word${each}`).join(' ')
    const frame = index.frame(PEOPLE.alice, aliceKey, words(1000))
    await declines(frame, 400, 'indexer.too-many-words')
    assert.ok((await hashesOf(index.frame(PEOPLE.alice, aliceKey, words(WORDS_MOST)))) <= 1)
  })

  test('that is not sealed under its key is declined', async () => {
    const other = await aSearchKey(alice)
    const frame = { ...index.frame(PEOPLE.alice, aliceKey, 'x'), query: sealed('x', other) }
    await declines(frame, 400, 'indexer.query-not-opened')
    await declines({ ...frame, query: 'a.b.c.d.e' }, 400, 'indexer.query-not-opened')
  })

  test('that says it is an object must be a known one', async () => {
    const { jwk } = aliceKey
    const key = aesKeyFrom(decodeB64u(jwk.k) ?? new Uint8Array(0))
    const seal = (value: unknown) => sealObject(value, key)
    const good = index.frame(PEOPLE.alice, aliceKey, '')
    assert.ok((await hashesOf({ ...good, query: seal({ words: 'umbrella', complete: true }) })) > 0)
    for (const bad of [
      [],
      'umbrella',
      { words: 1 },
      { words: 'a', complete: 1 },
      { words: 'a', x: 1 },
    ]) {
      await declines({ ...good, query: seal(bad) }, 400, 'indexer.query-malformed')
    }
  })
})

describe('a hostile core', () => {
  test('cannot name another user', async () => {
    await declines(index.frame(PEOPLE.bob, aliceKey, 'umbrella'), 403, 'kms.not-authorized')
    await declines(index.frame('nobody', aliceKey, 'umbrella'), 400, 'request.invalid-id')
  })

  test('cannot name rooms that the user is not in', async () => {
    const secret = await roomOf(bob)
    index.post(secret.uri, secret.key, 'umbrella')
    await index.settle()
    const frame = index.frame(PEOPLE.alice, aliceKey, 'umbrella', { resourceUris: [secret.uri] })
    assert.equal(await hashesOf(frame), 0)
  })

  test('cannot use a key that several people hold', async () => {
    const shared = await aSearchKey(alice, [PEOPLE.bob])
    await declines(index.frame(PEOPLE.alice, shared, 'x'), 403, 'indexer.search-key-shared')
  })

  test('cannot pass off a message as a query', async () => {
    const frame = index.frame(PEOPLE.alice, room.key, 'a purple umbrella')
    await declines(frame, 403, 'indexer.key-of-a-room')
  })

  test('cannot name keys that are not there, not bound, or not ours', async () => {
    const frame = index.frame(PEOPLE.alice, aliceKey, 'x')
    const unknown = `${HOME}/keys/${PEOPLE.carol}`
    await declines({ ...frame, keyUri: unknown }, 403, 'kms.unknown-key')
    const foreign = `kms://other.example/keys/${PEOPLE.carol}`
    await declines({ ...frame, keyUri: foreign }, 404, 'request.foreign-host')
    await declines({ ...frame, keyUri: room.uri }, 400, 'request.invalid-uri')
  })

  test('learns nothing of a query from the audit log of the realm', async () => {
    await askAlice('umbrella')
    assert.ok(!JSON.stringify(await world.entries()).includes('umbrella'))
  })
})

describe('a caller', () => {
  test('that is a machine does not search', async () => {
    const bot = await anIndexer(world)
    const frame = index.frame(bot.userId, aliceKey, 'umbrella')
    await declines(frame, 403, 'kms.person-not-allowed')
  })

  test('who has left finds nothing any more', async () => {
    const carol = await world.signedIn('carol')
    const key = await aSearchKey(carol)
    assert.equal(await hashesOf(index.frame(PEOPLE.carol, key, 'umbrella')), 0)
    await offBoard(world.ledger, world.means, PEOPLE.carol as UserId)
    await declines(index.frame(PEOPLE.carol, key, 'umbrella'), 403, 'identity.off-boarded')
  })

  test('is told where nothing is indexed', async () => {
    const gina = await world.signedIn('gina')
    const key = await aSearchKey(gina)
    await declines(index.frame(PEOPLE.gina, key, 'umbrella'), 503, 'indexer.not-granted')
  })

  test('finds nothing in rooms where indexing was stopped a moment ago', async () => {
    const account = await anIndexer(world)
    const only = await roomOf(alice)
    await letIndex(world, account, only.uri)
    await stopIndexing(world, account, only.uri)
    const frame = index.frame(PEOPLE.alice, aliceKey, 'umbrella', { resourceUris: [only.uri] })
    assert.equal(await hashesOf(frame), 0)
  })
})

const sealObject = (value: unknown, key: ReturnType<typeof aesKeyFrom>): string => {
  const header = { enc: 'A256GCM', alg: 'dir', cty: 'application/json' }
  const encoded = Buffer.from(JSON.stringify(header)).toString('base64url')
  const associatedData = Buffer.from(encoded, 'latin1')
  return sealDirect(
    JSON.stringify(value),
    key,
    { kid: undefined, encoded, associatedData },
    systemRandom,
  )
}
