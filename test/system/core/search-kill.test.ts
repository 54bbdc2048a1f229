// kill -9 of the core at every step of its search index: what was acknowledged is found afterwards, once; what was not
// is sent again and does no harm; feed and index go on where they were.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import type { PostingList } from '../../../src/boundary/index.ts'
import { packed } from '../../unit/core/search/hashes.ts'
import { type ActingRealm, createActingRealm } from './acting-realm.ts'
import type { FakeRealm } from './fake-realm.ts'
import { type KilledCore, openKilledCore } from './killed-core.ts'
import { K1, newRoom, PATH, post, type Room } from './room-life.ts'
import {
  answerNext,
  type Found,
  keep,
  nextFrame,
  readAll,
  SEARCH_KEY,
  SEARCH_PATH,
  sealed,
} from './search-life.ts'
import { ACME } from './world.ts'

const MESSAGES = 40
const WORDS_EACH = 400

let core: KilledCore
let realm: ActingRealm
let line: FakeRealm
let room: Room
let ids: readonly string[]

const dial = async (): Promise<void> => {
  line = await realm.dial({ port: core.world.core.linkPort, authority: core.world.authority })
}
const ask = async (path: string, body: object) => {
  const { text } = await core.world.ask('POST', path, { token: 'alice', body })
  return JSON.parse(text)
}
const find = async (word: string): Promise<readonly string[]> => {
  const query = { query: sealed(word), searchEncryptionKeyUrl: SEARCH_KEY, limit: 500 }
  const asking: Promise<Found> = ask(SEARCH_PATH, query)
  await answerNext(line)
  return (await asking).activities.items.map(({ id }) => id).toSorted()
}
/** Every message has the word of its revision, and many of its own. */
const lists = (revision: number): readonly PostingList[] =>
  ids.map((messageId, n) => {
    const own = Array.from({ length: WORDS_EACH }, (_, at) => `${revision} ${n} ${at}`)
    const hashes = packed(`revision-${revision}`, ...own).toString('base64')
    return { resourceUri: room.kmsResourceObjectUrl, messageId, revision, hashes }
  })

const countIn = (query: string): number => {
  const database = new Sqlite(join(core.world.directory, 'core.sqlite-search'), { readonly: true })
  const row = database.prepare<[], { count: number }>(query).get()
  database.close()
  return row?.count ?? 0
}
const rows = (): number => countIn('select count(*) as count from postings')
const waiting = (): number => countIn('select count(*) as count from lists where state <> 1')
const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await delay(2)
}
const killAndRestart = async (): Promise<void> => {
  await core.kill()
  line.cut()
  await core.start()
  await dial()
}

before(async () => {
  core = await openKilledCore({ mergeAfterMs: 300, postingsInMemory: 1000 })
  realm = createActingRealm(ACME.domain, ACME.organizationId)
  await core.start()
  await dial()
  room = await ask(`${PATH}/conversations`, newRoom(['alice']))
  const said: string[] = []
  for (let n = 0; n < MESSAGES; n += 1) {
    const { id } = await ask(`${PATH}/conversations/${room.id}/activities`, {
      objectType: 'activity',
      ...post(K1),
    })
    said.push(id)
  }
  ids = said.toSorted()
})
after(() => core.close())

test('killed between the acknowledgement and the merge', async () => {
  await keep(line, lists(1))
  await killAndRestart()
  assert.deepEqual(await find('revision-1'), ids)
})

test('killed in the middle of merging', async () => {
  await until(() => rows() > 0)
  await killAndRestart()
  assert.deepEqual(await find('revision-1'), ids)
  await until(() => waiting() === 0)
  assert.equal(rows(), MESSAGES * (WORDS_EACH + 1))
  assert.deepEqual(await find('revision-1'), ids)
})

for (const laterMs of [0, 3, 10, 30]) {
  test(`killed ${laterMs} ms after a newer list was sent; the realm sends it again`, async () => {
    const revision = 10 + laterMs
    line.say({ type: 'postings', id: 'in-flight', items: lists(revision) })
    await delay(laterMs)
    await killAndRestart()
    await keep(line, lists(revision))
    assert.deepEqual(await find(`revision-${revision}`), ids)
    assert.deepEqual(await find('revision-1'), [])
  })
}

test('killed while what was replaced is taken out', async () => {
  const before = rows()
  await keep(line, lists(100))
  await until(() => rows() !== before)
  await killAndRestart()
  assert.deepEqual(await find('revision-100'), ids)
  await until(() => waiting() === 0)
  assert.equal(rows(), MESSAGES * (WORDS_EACH + 1))
  assert.equal(countIn('select count(*) as count from lists'), MESSAGES)
})

test('killed in the middle of a dropped room: it is gone, and nothing stays of it', async () => {
  line.say({ type: 'postings-drop', id: 'drop', resourceUri: room.kmsResourceObjectUrl })
  await nextFrame(line, 'postings-done')
  await killAndRestart()
  assert.deepEqual(await find('revision-100'), [])
  await until(() => waiting() === 0)
  assert.deepEqual([rows(), countIn('select count(*) as count from lists')], [0, 0])
})

test('the feed after all that is the feed before', async () => {
  const before = await readAll(line)
  await killAndRestart()
  assert.deepEqual(await readAll(line), before)
  const said = before.flatMap(({ messageId }) => (messageId === room.id ? [] : [messageId]))
  assert.deepEqual(said.toSorted(), ids)
})
