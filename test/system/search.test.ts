// Search from end to end, in processes of their own: what people type finds what they may read, on every device, and
// whoever has left finds nothing.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  ClientError,
  type Hit,
  type KeyrealmClient,
  type Room,
  type SearchOptions,
} from '../../src/client/index.ts'
import { type RunningWorld, startRunningWorld } from '../support/running-world.ts'
import { allTexts, letIndex, until } from '../support/search-world.ts'

let world: RunningWorld
let alice: KeyrealmClient
let bob: KeyrealmClient
let carol: KeyrealmClient
let shared: Room
let own: Room

before(async () => {
  world = await startRunningWorld()
  await letIndex(world)
  ;[alice, bob, carol] = await Promise.all([
    world.client('alice'),
    world.client('bob'),
    world.client('carol'),
  ])
  const participantIds = [bob.userId, carol.userId]
  shared = await alice.rooms.create({ title: 'Quarterly planning', participantIds })
  own = await alice.rooms.create({ title: 'Notes of my own', participantIds: [] })
  await alice.rooms.post(shared.id, 'The budget of the zeppelin is running out')
  await bob.rooms.post(shared.id, 'We run two zeppelins already')
  await alice.rooms.post(own.id, 'A zeppelin for myself')
  await foundBy(alice, 'zeppelin', 3)
})
after(() => world.close())

const foundBy = (who: KeyrealmClient, words: string, count: number): Promise<void> =>
  until(async () => (await who.search(words)).hits.length === count)

const textsOf = (hits: readonly Hit[]) => hits.map(({ parts }) => parts[0]?.text)
const search = async (who: KeyrealmClient, words: string, options?: SearchOptions) =>
  textsOf((await who.search(words, options)).hits)
const hasCode = (code: string, about?: string) => (error: unknown) =>
  error instanceof ClientError && error.code === code && error.about === about

describe('words find', () => {
  test('what a person may read, newest first, and tell where', async () => {
    const { hits, rooms, isTruncated } = await alice.search('zeppelin')
    assert.deepEqual(textsOf(hits), [
      'A zeppelin for myself',
      'We run two zeppelins already',
      'The budget of the zeppelin is running out',
    ])
    assert.deepEqual([rooms, isTruncated], [2, false])
    const [, second] = hits
    assert.deepEqual(second?.parts[0]?.ranges, [{ start: 11, end: 20 }])
    assert.deepEqual(
      [second?.authorId, second?.roomTitle, second?.roomId],
      [bob.userId, 'Quarterly planning', shared.id],
    )
  })

  test('nothing of rooms that somebody is not in', async () => {
    assert.equal((await search(bob, 'zeppelin')).length, 2)
    assert.deepEqual(await search(bob, 'myself'), [])
    assert.deepEqual(await search(bob, 'zeppelin', { roomIds: [own.id] }), [])
  })

  test('by their roots, all of them, and phrases as they are written', async () => {
    assert.equal((await search(alice, 'runs zeppelin')).length, 2)
    assert.deepEqual(await search(alice, '"two zeppelins"'), ['We run two zeppelins already'])
    assert.deepEqual(await search(alice, '"zeppelins two"'), [])
    assert.deepEqual(await search(alice, 'zeppelin submarine'), [])
  })

  test('titles of rooms', async () => {
    const { hits } = await bob.search('planning')
    assert.deepEqual(
      hits.map(({ roomId, parts }) => [roomId, parts[0]?.name, parts[0]?.text]),
      [[shared.id, 'title', 'Quarterly planning']],
    )
  })

  test('only what room, sender and time allow', async () => {
    assert.deepEqual(await search(alice, 'zeppelin', { roomIds: [own.id] }), [
      'A zeppelin for myself',
    ])
    const senderId = bob.userId
    assert.deepEqual(await search(alice, 'zeppelin', { senderId }), [
      'We run two zeppelins already',
    ])
    const [newest] = (await alice.search('zeppelin')).hits
    const since = Date.parse(newest?.publishedAt ?? '')
    assert.equal((await search(alice, 'zeppelin', { since })).length, 1)
    assert.equal((await search(alice, 'zeppelin', { until: since - 1 })).length, 2)
    assert.deepEqual(await search(alice, 'zeppelin', { hasFile: true }), [])
  })
})

test('pages follow each other until everything was shown once', async () => {
  for (let n = 0; n < 150; n += 1) await bob.rooms.post(shared.id, `Lantern number ${n}`)
  const newest = () => search(alice, 'lantern 149')
  await until(async () => (await newest()).length === 1)
  for (const isComplete of [false, true]) {
    const texts = await allTexts(alice.search('lantern', { limit: 40, isComplete }))
    const expected = Array.from({ length: 150 }, (_, n) => `Lantern number ${149 - n}`)
    assert.deepEqual([...texts].toSorted(), [...expected].toSorted())
    assert.equal(new Set(texts).size, 150)
  }
})

test('whoever is removed finds nothing, at once; whoever comes finds what was said before', async () => {
  assert.equal((await search(carol, 'zeppelin')).length, 2)
  await alice.rooms.remove(shared.id, carol.userId)
  assert.deepEqual(await search(carol, 'zeppelin'), [])
  const again = await world.client('carol')
  assert.deepEqual(await search(again, 'zeppelin'), [])
  await alice.rooms.post(shared.id, 'A propeller under a new key')
  await foundBy(bob, 'propeller', 1)
  await bob.rooms.add(shared.id, carol.userId)
  assert.equal((await search(carol, 'zeppelin')).length, 2)
  assert.equal((await search(carol, 'propeller')).length, 1)
})

test('odd messages hold nothing up, and are found by what is in them', async () => {
  const room = await alice.rooms.create({ title: 'Oddities', participantIds: [bob.userId] })
  const long = 'q'.repeat(10_000)
  const odd: readonly (readonly [string, string])[] = [
    [' ', ''],
    ['🎉🎉', '🎉'],
    ['שלום עולם and مرحبا', 'עולם مرحبا'],
    [`a lone \ud800 half submarine`, 'submarine'],
    [`a word of ${long} letters`, long],
    ['co\u00adopera\u200btion of Cafe\u0301s', 'cooperation café'],
    [`the end ${'of it all '.repeat(12_000)} gyroscope`, 'gyroscope'],
  ]
  for (const [text] of odd) await alice.rooms.post(room.id, text)
  await alice.rooms.post(room.id, 'the last bassoon')
  await foundBy(bob, 'bassoon', 1)
  for (const [text, words] of odd.filter((one) => one[1] !== '')) {
    const [found] = await search(bob, words, { roomIds: [room.id] })
    assert.equal(found, text.toWellFormed(), words.slice(0, 40))
  }
})

describe('a query', () => {
  test('without words asks nobody', async () => {
    for (const words of ['', ' ', '?! … —', '\u200b', '"']) {
      await assert.rejects(alice.search(words), hasCode('client.invalid-argument', 'words'))
    }
  })

  test('of a thousand words is refused by the realm, and says why', async () => {
    const words = Array.from({ length: 1000 }, (_, n) => `word${n}`).join(' ')
    await assert.rejects(
      alice.search(words),
      hasCode('client.core-refused', 'indexer.too-many-words'),
    )
  })
})
