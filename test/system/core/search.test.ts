// Search at the core: the feed that a realm reads, the lists that it gives back, and queries. Members find what is
// theirs, newest first, a page at a time; nobody finds anything else.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { K1, K2, openRoomLife, post, type Room, type RoomLife, updateKey } from './room-life.ts'
import {
  answerNext,
  type Found,
  indexAll,
  keep,
  listOf,
  nextFrame,
  readAll,
  readFeed,
  SEARCH_KEY,
  SEARCH_PATH,
  sealed,
} from './search-life.ts'
import { ALICE, BOB } from './world.ts'

let life: RoomLife
before(async () => {
  life = await openRoomLife({ limits: { searchPatienceMs: 500, openSearchesPerUser: 2 } })
})
after(() => life.close())

const say = async (name: string, room: Room, words: string, more: object = {}): Promise<string> => {
  const said = post(room.defaultActivityEncryptionKeyUrl ?? K1, {
    object: { objectType: 'comment', displayName: sealed(words) },
    ...more,
  })
  const { status, text, body } = await life.act(name, room, said)
  assert.equal(status, 201, text)
  return String(body['id'])
}
const edit = (id: string) => ({ parent: { id, type: 'edit' } })
const erase = (id: string) => ({ verb: 'delete', object: { objectType: 'activity', id } })
const ask = (name: string, body: object) =>
  life.world.ask('POST', SEARCH_PATH, {
    token: name,
    body: { searchEncryptionKeyUrl: SEARCH_KEY, ...body },
  })
/** Searches, with the realm's help. */
const search = async (name: string, words: string, more: object = {}): Promise<Found> => {
  const asking = ask(name, { query: sealed(words), ...more })
  await answerNext(life.line)
  const { status, text } = await asking
  assert.equal(status, 200, text)
  return JSON.parse(text)
}
const idsIn = ({ activities }: Found): readonly string[] => activities.items.map(({ id }) => id)
const find = async (name: string, words: string, more: object = {}) =>
  idsIn(await search(name, words, more))

test('the feed tells of messages, edits, deletions, titles and files, in the order they were made', async () => {
  const room = await life.room('alice', 'bob')
  const start = (await readFeed(life.line)).head
  const first = await say('alice', room, 'hello')
  const second = await say('alice', room, 'hello again', edit(first))
  await life.act('alice', room, erase(first))
  const { body: shared } = await life.act('bob', room, {
    verb: 'share',
    object: {
      objectType: 'content',
      displayName: sealed('see this'),
      files: {
        items: [{ objectType: 'file', displayName: sealed('budget'), scr: sealed('secret') }],
      },
    },
    encryptionKeyUrl: K1,
  })
  await life.act('bob', room, {
    verb: 'update',
    object: { displayName: sealed('a new title') },
    encryptionKeyUrl: K1,
  })
  const events = await readAll(life.line, { after: start })
  const uri = room.kmsResourceObjectUrl
  assert.ok(events.every(({ resourceUri }) => resourceUri === uri))
  assert.deepEqual(
    events.map(({ kind, messageId }) => [kind, messageId]),
    [
      ['deleted', first],
      ['posted', shared['id']],
      ['posted', room.id],
    ],
  )
  assert.ok(!JSON.stringify(events).includes(second))
  const parts = events.flatMap((event) => (event.kind === 'posted' ? [event.parts] : []))
  assert.deepEqual(parts, [
    [
      { name: 'text', keyUri: K1, sealed: sealed('see this') },
      { name: 'file-name', keyUri: K1, sealed: sealed('budget') },
    ],
    [{ name: 'title', keyUri: K1, sealed: sealed('a new title') }],
  ])
})

test('an edit is a later version of its message, also an edit of an edit; only its author makes one', async () => {
  const room = await life.room('alice', 'bob')
  const start = (await readFeed(life.line)).head
  const said = await say('alice', room, 'one')
  const edited = await say('alice', room, 'two', edit(said))
  await say('alice', room, 'three', edit(edited))
  const events = await readAll(life.line, { after: start })
  assert.deepEqual(
    events.map(({ messageId }) => messageId),
    [said, said, said],
  )
  const versions = events.map(({ version }) => version)
  assert.deepEqual(
    versions,
    [...new Set(versions)].toSorted((a, b) => a - b),
  )
  const foreign = await life.act('bob', room, post(K1, edit(said)))
  assert.equal(foreign.body['code'], 'core.not-your-activity')
  await life.act('alice', room, erase(edited))
  const late = await life.act('alice', room, post(K1, edit(said)))
  assert.equal(late.body['code'], 'core.unknown-activity')
  const acts = await life.acts('bob', room)
  assert.deepEqual(
    acts.map(({ verb }) => verb),
    ['create', 'tombstone', 'tombstone', 'tombstone', 'delete'],
  )
})

test('the feed is read in stretches, of one room if wanted, and the same way after a restart', async () => {
  const room = await life.room('alice')
  const other = await life.room('alice')
  for (let n = 0; n < 5; n += 1) {
    await say('alice', room, `message ${n}`)
    await say('alice', other, `other ${n}`)
  }
  const resourceUri = room.kmsResourceObjectUrl
  const whole = await readAll(life.line, { resourceUri })
  assert.equal(whole.length, 6)
  assert.deepEqual(await readAll(life.line, { resourceUri, limit: 1 }), whole)
  const upTo = whole[2]?.seq ?? 0
  assert.deepEqual(await readAll(life.line, { resourceUri, upTo }), whole.slice(0, 3))
  const everything = await readAll(life.line)
  assert.deepEqual(await readAll(life.line, { limit: 7 }), everything)
  await life.restart()
  await life.dial()
  assert.deepEqual(await readAll(life.line), everything)
  const beyond = await readFeed(life.line, { after: 1_000_000 })
  assert.deepEqual([beyond.events, beyond.upTo], [[], 1_000_000])
})

test('large activities come in several frames, and none is too large', async () => {
  const room = await life.room('alice')
  const start = (await readFeed(life.line)).head
  for (let n = 0; n < 12; n += 1) await say('alice', room, 'x'.repeat(250_000))
  const first = await readFeed(life.line, { after: start })
  assert.equal(first.more, true)
  assert.equal((await readAll(life.line, { after: start })).length, 12)
})

test('news are one hint for each reading, and only of rooms of this realm', async () => {
  const room = await life.room('alice')
  const foreign = await life.connectOther()
  const [own, others] = [await readFeed(life.line), await readFeed(foreign)]
  assert.ok(own.events.length > 0)
  assert.deepEqual(others.events, [])
  for (let n = 0; n < 3; n += 1) await say('alice', room, 'new')
  const { head } = await nextFrame(life.line, 'feed-news')
  assert.ok(head > own.head)
  // Of the second and third nothing was said: the next frame is the answer.
  life.line.say({ type: 'feed-ask', id: 'after-news', after: own.head, limit: 10 })
  const next = await life.line.search.take()
  assert.ok(next.type === 'feed' && next.events.length === 3)
  foreign.say({ type: 'feed-ask', id: 'foreign', after: 0, limit: 10 })
  const silent = await foreign.search.take()
  assert.equal(silent.type, 'feed')
  foreign.cut()
})

test('members find messages, newest first, in the form in which they read them', async () => {
  const room = await life.room('alice', 'bob')
  const ids = [await say('alice', room, 'apple pie'), await say('bob', room, 'apple cake')]
  const title = {
    verb: 'update',
    object: { displayName: sealed('apple room') },
    encryptionKeyUrl: K1,
  }
  const { body: titled } = await life.act('alice', room, title)
  await indexAll(life.line)
  const found = await search('alice', 'apple')
  assert.deepEqual(idsIn(found), [titled['id'], ids[1], ids[0]])
  const [, newest] = found.activities.items
  const read = await life.ask('alice', 'GET', `/conversations/${room.id}/activities/${ids[1]}`)
  assert.deepEqual(newest, read.body)
  assert.deepEqual([found.page, found.more, found.next], [0, false, undefined])
  assert.deepEqual(await find('bob', 'pie cake'), [ids[1], ids[0]])
  assert.deepEqual(await find('carol', 'apple'), [])
})

test('a room is found by the title that it was made with', async () => {
  const made = await life.make(['alice', 'bob'], { displayName: sealed('zeppelin') })
  await indexAll(life.line)
  const { activities } = await search('bob', 'zeppelin')
  assert.equal(activities.items.length, 1)
  const [item] = activities.items
  assert.equal(item?.object['displayName'], sealed('zeppelin'))
  assert.equal(item?.object['id'], made.body['id'])
  assert.equal(item?.encryptionKeyUrl, K1)
})

test('an edited message is shown as it is now; a deleted one not at all, whatever the index says', async () => {
  const room = await life.room('alice')
  const said = await say('alice', room, 'quince')
  await indexAll(life.line)
  const edited = await say('alice', room, 'quince jam', edit(said))
  assert.deepEqual(await find('alice', 'quince'), [edited])
  await life.act('alice', room, erase(said))
  assert.deepEqual(await find('alice', 'quince'), [])
  await indexAll(life.line)
  assert.deepEqual(await find('alice', 'quince'), [])
})

test('who has left a room finds nothing in it any more', async () => {
  const room = await life.room('alice', 'bob')
  const said = await say('alice', room, 'walnut')
  await indexAll(life.line)
  assert.deepEqual(await find('bob', 'walnut'), [said])
  await life.act('bob', room, {
    verb: 'leave',
    object: { objectType: 'person', id: BOB },
    kmsMessage: 'a..leave.c.d',
  })
  assert.deepEqual(await find('bob', 'walnut'), [])
  assert.deepEqual(await find('alice', 'walnut'), [said])
})

test('sender, time, room and files narrow what is found', async () => {
  const room = await life.room('alice', 'bob')
  const other = await life.room('alice')
  const first = await say('alice', room, 'plum')
  const second = await say('bob', room, 'plum')
  const third = await say('alice', other, 'plum')
  const { body: shared } = await life.act('alice', room, {
    verb: 'share',
    object: {
      objectType: 'content',
      files: { items: [{ objectType: 'file', displayName: sealed('plum'), scr: sealed('s') }] },
    },
    encryptionKeyUrl: K1,
  })
  const file = String(shared['id'])
  await indexAll(life.line)
  assert.deepEqual(await find('alice', 'plum'), [file, third, second, first])
  assert.deepEqual(await find('alice', 'plum', { senderId: BOB }), [second])
  assert.deepEqual(await find('alice', 'plum', { hasFile: true }), [file])
  const [, , time] = (await search('alice', 'plum')).activities.items.map(
    ({ published }) => published,
  )
  assert.deepEqual(await find('alice', 'plum', { maxDate: time }), [second, first])
  assert.deepEqual(await find('alice', 'plum', { sinceDate: time }), [file, third, second])
  const asking = ask('alice', { query: sealed('plum'), roomIds: [other.id, BOB] })
  const { resourceUris } = await answerNext(life.line)
  assert.deepEqual(resourceUris, [other.kmsResourceObjectUrl])
  assert.deepEqual(idsIn(JSON.parse((await asking).text)), [third])
  const nowhere = await ask('bob', { query: sealed('plum'), roomIds: [other.id] })
  assert.deepEqual(idsIn(JSON.parse(nowhere.text)), [])
})

test('nothing is lost between pages', async () => {
  const room = await life.room('alice')
  const ids: string[] = []
  for (let n = 0; n < 7; n += 1) ids.unshift(await say('alice', room, 'cherry'))
  await indexAll(life.line)
  const seen: string[] = []
  let next: object | undefined = {}
  while (next !== undefined) {
    const found: Found = await search('alice', 'cherry', { limit: 3, ...next })
    seen.push(...idsIn(found))
    assert.equal(found.more, found.next !== undefined)
    next = found.next
  }
  assert.deepEqual(seen, ids)
  // The realm has more hashes: its next page comes after the rest of this one.
  const asking = ask('alice', { query: sealed('cherry'), page: 4 })
  const frame = await answerNext(life.line, { more: true, sealed: sealed('for you') })
  assert.equal(frame.page, 4)
  const found: Found = JSON.parse((await asking).text)
  assert.deepEqual([found.more, found.next, found.sealed], [true, { page: 5 }, sealed('for you')])
})

test('the realm is told who asks, and gets the query as it came', async () => {
  const asking = ask('alice', {
    query: sealed('fig'),
    limit: 0,
    includeRemoteClusterReferences: true,
  })
  const { type, httpUser, query, keyUri, resourceUris, page } = await answerNext(life.line)
  assert.deepEqual(
    { type, httpUser, query, keyUri, resourceUris, page },
    {
      type: 'search',
      httpUser: ALICE,
      query: sealed('fig'),
      keyUri: SEARCH_KEY,
      resourceUris: undefined,
      page: 0,
    },
  )
  assert.equal((await asking).status, 200)
})

test('a realm that declines, is locked, silent or away is said to be so', async () => {
  const declined = ask('alice', { query: sealed('fig') })
  const { id } = await nextFrame(life.line, 'search')
  life.line.say({ type: 'search-declined', id, status: 403, code: 'search.unknown-key' })
  const { status, body } = await declined
  assert.deepEqual([status, body['code']], [403, 'search.unknown-key'])
  const silent = await ask('alice', { query: sealed('fig') })
  assert.deepEqual([silent.status, silent.body['code']], [503, 'core.realm-timeout'])
  const late = await nextFrame(life.line, 'search')
  life.line.say({ type: 'search-hashes', id: late.id, hashes: '', more: false })
  const cutOff = ask('alice', { query: sealed('fig') })
  await nextFrame(life.line, 'search')
  life.line.cut()
  assert.equal((await cutOff).body['code'], 'core.realm-unreachable')
  assert.equal(
    (await ask('alice', { query: sealed('fig') })).body['code'],
    'core.realm-unreachable',
  )
  await life.dial()
  const { details } = life.hello
  life.line.say({ type: 'state', state: 'locked', details })
  // The line is read in order: what comes after the state finds it known.
  await readFeed(life.line)
  assert.equal((await ask('alice', { query: sealed('fig') })).body['code'], 'kms.locked')
  await life.restart()
  await life.dial()
  assert.deepEqual(await find('alice', 'nothing'), [])
})

test('searches of one user are counted by the minute', async () => {
  const other = await openRoomLife({ limits: { searchesPerUserPerMinute: 2 } })
  const asking = () =>
    other.world.ask('POST', SEARCH_PATH, {
      token: 'alice',
      body: { query: sealed('fig'), searchEncryptionKeyUrl: SEARCH_KEY },
    })
  const statuses: number[] = []
  for (const isAnswered of [true, true, false]) {
    const asked = asking()
    if (isAnswered) await answerNext(other.line)
    statuses.push((await asked).status)
  }
  other.world.pass(60_000)
  const later = asking()
  await answerNext(other.line)
  statuses.push((await later).status)
  assert.deepEqual(statuses, [200, 200, 429, 200])
  await other.close()
})

test('queries are ciphertext and filters are known; more at a time than allowed are refused', async () => {
  const codes = async (body: object) => (await ask('alice', body)).body['code']
  for (const wrong of [
    { query: 'plain words' },
    { query: sealed('a'), searchEncryptionKeyUrl: 'x' },
    { query: sealed('a'), from: 'alice' },
    { query: sealed('a'), limit: 501 },
    { query: sealed('a'), before: 'yesterday' },
    { query: sealed('a'), sinceDate: 'yesterday' },
    { query: sealed('a'), roomIds: [] },
    {},
  ]) {
    assert.equal(await codes(wrong), 'core.body-invalid', JSON.stringify(wrong))
  }
  const three = [1, 2, 3].map(() => ask('bob', { query: sealed('fig') }))
  const answers = await Promise.all(three)
  const all = answers.map(({ body }) => body['code']).toSorted()
  assert.deepEqual(all, ['core.realm-timeout', 'core.realm-timeout', 'core.too-many-searches'])
})

test('a realm keeps lists of its own rooms only', async () => {
  const foreign = await life.connectOther()
  const room = await life.room('alice')
  const [event] = await readAll(life.line, { resourceUri: room.kmsResourceObjectUrl })
  assert.ok(event !== undefined)
  foreign.say({ type: 'postings', id: 'p', items: [listOf(event)] })
  assert.equal(await foreign.closed, 4403)
  const again = await life.connectOther()
  again.say({ type: 'postings-drop', id: 'p', resourceUri: room.kmsResourceObjectUrl })
  assert.equal(await again.closed, 4403)
})

test('a list under a message of another room finds nothing', async () => {
  const room = await life.room('alice')
  const other = await life.room('alice')
  const said = await say('alice', room, 'damson')
  const resourceUri = other.kmsResourceObjectUrl
  const events = await readAll(life.line, { resourceUri: room.kmsResourceObjectUrl })
  const [, event] = events
  assert.ok(event !== undefined && event.messageId === said)
  await keep(life.line, [{ ...listOf(event), resourceUri }])
  assert.deepEqual(await find('alice', 'damson'), [])
})

test('a room whose lists were dropped is found again when they come back', async () => {
  const room = await life.room('alice')
  const said = await say('alice', room, 'medlar')
  await indexAll(life.line)
  const { kmsResourceObjectUrl: resourceUri } = room
  life.line.say({ type: 'postings-drop', id: 'drop', resourceUri })
  await nextFrame(life.line, 'postings-done')
  assert.deepEqual(await find('alice', 'medlar'), [])
  await indexAll(life.line)
  assert.deepEqual(await find('alice', 'medlar'), [said])
})

test('a new key changes nothing for what was found before', async () => {
  const room = await life.room('alice')
  const said = await say('alice', room, 'rowan')
  await indexAll(life.line)
  await life.act('alice', room, updateKey(K2))
  assert.deepEqual(await find('alice', 'rowan'), [said])
})
