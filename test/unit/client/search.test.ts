// Search at the client, against a core that says whatever a test wants: what is shown opened under a key of its room and
// has the words; how much was searched is the realm's word; nothing waits for ever.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  ClientError,
  type ContentKey,
  KmsRefused,
  type Room,
  type SearchOptions,
} from '../../../src/client/index.ts'
import { openDirect, sealDirect } from '../../../src/client/jose.ts'
import type { JsonObject } from '../../../src/client/json.ts'
import { createSearch, SEARCH_TIMEOUT_MS } from '../../../src/client/search.ts'
import { aClock } from './clock.ts'

const keyOf = (name: string, resourceUri?: string): ContentKey => ({
  uri: `kms://realm.test/keys/${name}`,
  bytes: crypto.getRandomValues(new Uint8Array(32)),
  ...(resourceUri === undefined ? {} : { resourceUri }),
})
const LUNCH = 'kms://realm.test/resources/lunch'
const DINNER = 'kms://realm.test/resources/dinner'
const lunch = keyOf('lunch', LUNCH)
const dinner = keyOf('dinner', DINNER)
const unbound = keyOf('unbound')
const KEYS = [lunch, dinner, unbound]
const ROOMS: Readonly<Record<string, string>> = { lunch: LUNCH, dinner: DINNER }
const SENDER = '27d4c915-8e3a-4b0f-9d61-c5a8f47b6302'
const NOON = '2026-03-01T12:00:00.000Z'

let ids = 0
/** A result as the core shows it: a text of a room, unless told otherwise. */
const shown = async (text: string, key = lunch, changes: JsonObject = {}): Promise<JsonObject> => {
  ids += 1
  return {
    id: `m${ids}`,
    verb: 'post',
    actor: { id: SENDER },
    target: { id: 'lunch' },
    published: NOON,
    encryptionKeyUrl: key.uri,
    object: { objectType: 'comment', displayName: await sealDirect(text, { bytes: key.bytes }) },
    ...changes,
  }
}

interface Asked extends JsonObject {
  readonly query: string
  readonly page: number
  readonly before?: string
}

/** What the realm would seal for a question, and how the core may bend it. */
const word = (asked: Asked, key: ContentKey, changes: JsonObject = {}): Promise<string> => {
  const query = asked.query.slice(asked.query.lastIndexOf('.') + 1)
  const said = {
    query,
    page: asked.page,
    rooms: 2,
    languages: ['english'],
    more: false,
    ...changes,
  }
  return sealDirect(JSON.stringify(said), { bytes: key.bytes })
}

type Answer = (asked: Asked, key: ContentKey) => Promise<JsonObject>

/** Lists these results, and is honest otherwise. */
const listing =
  (items: readonly unknown[], changes: JsonObject = {}): Answer =>
  async (asked, key) => ({
    activities: { items },
    sealed: await word(asked, key),
    ...changes,
  })

const aSearch = (answer: Answer) => {
  const clock = aClock()
  const asked: Asked[] = []
  const searchKeys = [keyOf('search-1'), keyOf('search-2')]
  const never = async () => assert.fail('not asked for')
  const search = createSearch({
    clock,
    searchUrl: 'https://core.test/search',
    http: {
      send: never,
      async ask(_method, _url, body = {}) {
        const [key] = searchKeys
        assert.ok(key && typeof body['query'] === 'string' && typeof body['page'] === 'number')
        const one = { ...body, query: body['query'], page: body['page'] }
        asked.push(one)
        return await answer(one, key)
      },
    },
    searchKey: {
      async current() {
        const [key] = searchKeys
        assert.ok(key)
        return key
      },
      drop: () => void searchKeys.shift(),
    },
    keys: {
      async retrieve(uri) {
        const key = KEYS.find((one) => one.uri === uri)
        if (key !== undefined) return key
        throw new KmsRefused({ status: 403, reason: 'no' })
      },
    },
    async roomNamed(id): Promise<Room> {
      const resourceUri = ROOMS[id]
      if (resourceUri === undefined) throw new ClientError('client.core-refused', 'x', 404)
      const nothing = { keyUri: undefined, teamId: undefined, isExternal: false }
      return { ...nothing, id, url: '', resourceUri, title: `Room ${id}`, participantIds: [] }
    },
  })
  return { search, asked, clock }
}

const find = (answer: Answer, words = 'hungry fox', options: SearchOptions = {}) =>
  aSearch(answer).search(words, options)
const idsOf = ({ hits }: { readonly hits: readonly { readonly id: string }[] }) =>
  hits.map(({ id }) => id)
const hasCode = (code: string, about?: string) => (error: unknown) =>
  error instanceof ClientError && error.code === code && error.about === about

describe('a result is shown', () => {
  test('with its room and where its words are, newest first', async () => {
    const early = await shown('Hungry foxes', lunch, { published: '2026-01-01T00:00:00Z' })
    const late = await shown('the fox is HUNGRY', dinner, { target: { id: 'dinner' } })
    const { hits, rooms, setAside } = await find(listing([early, late]))
    assert.deepEqual(
      hits.map(({ id, roomTitle, parts }) => [id, roomTitle, parts[0]?.ranges]),
      [
        [
          late['id'],
          'Room dinner',
          [
            { start: 4, end: 7 },
            { start: 11, end: 17 },
          ],
        ],
        [
          early['id'],
          'Room lunch',
          [
            { start: 0, end: 6 },
            { start: 7, end: 12 },
          ],
        ],
      ],
    )
    assert.deepEqual([rooms, setAside], [2, { unreadable: 0, 'not-matching': 0 }])
  })

  test('for words in its text and in the names of its files together', async () => {
    const name = await sealDirect('fox.pdf', { bytes: lunch.bytes })
    const text = await sealDirect('so hungry', { bytes: lunch.bytes })
    const files = { items: [{ displayName: name }, { displayName: 7 }] }
    const object = { objectType: 'content', displayName: text, files }
    const { hits } = await find(listing([await shown('', lunch, { verb: 'share', object })]))
    assert.deepEqual(hits[0]?.parts, [
      { name: 'text', text: 'so hungry', ranges: [{ start: 3, end: 9 }] },
      { name: 'file-name', text: 'fox.pdf', ranges: [{ start: 0, end: 3 }] },
    ])
    assert.deepEqual(
      (await find(listing([await shown('', lunch, { object })]), '"hungry fox"')).hits,
      [],
    )
  })

  test('by the stemmers that the realm names', async () => {
    const item = await shown('Viele Häuser')
    const german: Answer = async (asked, key) => ({
      activities: { items: [item] },
      sealed: await word(asked, key, { languages: ['english', 'german', 'klingon'] }),
    })
    assert.equal((await find(german, 'haus')).hits.length, 1)
    assert.equal((await find(listing([item]), 'haus')).hits.length, 0)
  })
})

describe('a core that lies', () => {
  test('with messages that do not match shows nothing', async () => {
    const items = await Promise.all(
      ['a hungry dog', '', 'fo x hungry', '🦊'].map((text) => shown(text)),
    )
    const { hits, setAside } = await find(listing(items))
    assert.deepEqual([hits, setAside['not-matching']], [[], 4])
  })

  test('with messages of other rooms, of unknown keys and of unbound ones shows nothing', async () => {
    const text = 'the hungry fox'
    const items = [
      await shown(text, dinner),
      await shown(text, lunch, { target: { id: 'dinner' } }),
      await shown(text, lunch, { target: { id: 'nowhere' } }),
      await shown(text, keyOf('foreign', LUNCH)),
      await shown(text, unbound),
      await shown(text, lunch, { encryptionKeyUrl: dinner.uri, target: { id: 'dinner' } }),
    ]
    const { hits, setAside } = await find(listing(items))
    assert.deepEqual([hits, setAside.unreadable], [[], items.length])
  })

  test('with results of any form shows nothing, and does no harm', async () => {
    const object = { objectType: 'comment', displayName: 'a.b.c.d.e' }
    const items = [
      {},
      { id: 1 },
      await shown('x', lunch, { object }),
      await shown('', lunch, { object: {} }),
    ]
    const good = await shown('hungry fox')
    assert.deepEqual(idsOf(await find(listing([...items, good]))), [good['id']])
    for (const activities of [{ items: [1, null] }, { items: 'x' }]) {
      await assert.rejects(
        find(listing([], { activities })),
        hasCode('client.invalid-answer', 'items'),
      )
    }
    assert.deepEqual((await find(listing([], { activities: 7 }))).hits, [])
  })

  test('about room, sender, time and files shows nothing that was not asked for', async () => {
    const item = await shown('hungry fox')
    const at = Date.parse(NOON)
    const wrong: readonly SearchOptions[] = [
      { roomIds: ['dinner'] },
      { senderId: 'somebody else' },
      { since: at + 1 },
      { until: at - 1 },
      { hasFile: true },
    ]
    for (const options of wrong) {
      assert.deepEqual(
        (await find(listing([item]), 'fox', options)).hits,
        [],
        JSON.stringify(options),
      )
    }
    const right = { roomIds: ['lunch'], senderId: SENDER, since: at, until: at }
    assert.equal((await find(listing([item]), 'fox', right)).hits.length, 1)
    const undated = await shown('hungry fox', lunch, { published: 'yesterday' })
    assert.deepEqual((await find(listing([undated]))).hits, [])
  })

  test('with more results than were asked for is cut short', async () => {
    const items = await Promise.all(Array.from({ length: 30 }, () => shown('hungry fox')))
    assert.equal((await find(listing(items), 'fox', { limit: 10 })).hits.length, 10)
  })

  test('about the realm’s word is found out', async () => {
    const { search, asked } = aSearch(listing([]))
    await search('an earlier question')
    const [earlier] = asked
    assert.ok(earlier)
    const lies: Readonly<Record<string, Answer>> = {
      'none of the realm’s': async () => ({ sealed: 'h..i.c.t' }),
      'the question itself': async ({ query }) => ({ sealed: query }),
      'another key': async (one) => ({ sealed: await word(one, lunch) }),
      'an older answer': async (_, key) => ({ sealed: await word(earlier, key) }),
      'another page': async (one, key) => ({ sealed: await word({ ...one, page: 1 }, key) }),
      'no number': async (one, key) => ({ sealed: await word(one, key, { rooms: '2' }) }),
    }
    for (const [name, lie] of Object.entries(lies)) {
      await assert.rejects(find(lie), hasCode('client.not-confirmed', 'sealed'), name)
    }
  })

  test('by keeping the realm’s word shows what matches, and nobody says how much was searched', async () => {
    const item = await shown('hungry fox')
    const found = await find(async () => ({ activities: { items: [item] } }))
    assert.deepEqual([idsOf(found), found.rooms, found.next], [[item['id']], undefined, undefined])
  })

  test('by never answering is not waited for', async () => {
    const { search, clock } = aSearch(() => new Promise(() => undefined))
    const found = search('fox')
    const rejects = assert.rejects(found, hasCode('client.timed-out', 'search'))
    await clock.advance(SEARCH_TIMEOUT_MS)
    await rejects
  })
})

describe('pages', () => {
  const more: Answer = async (asked, key) => ({
    activities: { items: asked.page === 3 ? [await shown('hungry fox')] : [] },
    sealed: await word(asked, key, { more: asked.page < 3 }),
    // The core says the opposite.
    more: false,
  })

  test('without a hit are passed over, and whether there are more is the realm’s word', async () => {
    const { search, asked } = aSearch(more)
    const { hits, next } = await search('fox')
    assert.deepEqual([hits.length, next], [1, undefined])
    assert.deepEqual(
      asked.map(({ page }) => page),
      [0, 1, 2, 3],
    )
  })

  test('do not show again what was shown', async () => {
    const item = await shown('hungry fox')
    const { search } = aSearch(async (asked, key) => ({
      activities: { items: [item] },
      sealed: await word(asked, key, { more: asked.page < 20 }),
    }))
    const first = await search('fox')
    assert.equal(first.hits.length, 1)
    assert.deepEqual((await first.next?.())?.hits, [])
  })

  test('that never end are left after a few', async () => {
    let places = 0
    const { search, asked } = aSearch(async (one, key) => {
      places += 1
      return { next: { page: one.page, before: `${places}` }, sealed: await word(one, key) }
    })
    const { hits, next } = await search('fox')
    assert.ok(hits.length === 0 && next !== undefined && asked.length < 10)
    const stuck: Answer = async (one, key) => ({
      next: { page: one.page, before: 'here' },
      sealed: await word(one, key),
    })
    await assert.rejects(find(stuck), hasCode('client.invalid-answer', 'next'))
  })
})

describe('a question', () => {
  test('leaves sealed, with nothing but filters beside it', async () => {
    const { search, asked } = aSearch(listing([]))
    await search('hungry fox', { roomIds: ['lunch'], since: 5, isComplete: true })
    const [one] = asked
    assert.ok(one)
    const { query, ...beside } = one
    assert.deepEqual(beside, {
      searchEncryptionKeyUrl: 'kms://realm.test/keys/search-1',
      ...{ limit: 20, page: 0, roomIds: ['lunch'], sinceDate: 5 },
    })
    assert.equal(Buffer.from(query, 'base64url').includes('fox'), false)
    await assert.rejects(openDirect(query, { bytes: lunch.bytes }), hasCode('client.not-opened'))
  })

  test('without words, or too long, leaves nobody', async () => {
    const { search, asked } = aSearch(listing([]))
    for (const words of ['', ' \t', '…!?', '\u200b', '""', '\ud800', 'x '.repeat(9000)]) {
      await assert.rejects(search(words), hasCode('client.invalid-argument', 'words'))
    }
    assert.deepEqual(asked, [])
  })

  test('is asked again under a new key, once, where the realm does not know the old one', async () => {
    const refused = new ClientError('client.core-refused', 'kms.unknown-key', 404)
    let refusals = 1
    const answer: Answer = async (one, key) => {
      refusals -= 1
      if (refusals >= 0) throw refused
      return await listing([])(one, key)
    }
    const { search, asked } = aSearch(answer)
    await search('fox')
    assert.deepEqual(
      asked.map((one) => one['searchEncryptionKeyUrl']),
      ['kms://realm.test/keys/search-1', 'kms://realm.test/keys/search-2'],
    )
    refusals = 2
    await assert.rejects(aSearch(answer).search('fox'), refused)
  })
})
