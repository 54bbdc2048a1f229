// Recall from end to end: real messages are posted, indexed by a running realm and found through a running core, by
// every word that is in them, by every member of their room and by nobody else.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { HASH_BYTES } from '../../src/boundary/index.ts'
import type { KeyrealmClient } from '../../src/client/index.ts'
import { cut, normalize, queryTermsOf } from '../../src/words/index.ts'
import {
  chat,
  forAll,
  isFull,
  type Said,
  type Sentence,
  SIZE,
  sentences,
  spread,
} from '../support/corpus.ts'
import { type RunningWorld, startRunningWorld } from '../support/running-world.ts'
import { indexing, letIndex, until } from '../support/search-world.ts'

const SAMPLED = isFull ? 2000 : 60
const POSTS_AT_ONCE = 24
const SEARCHES_AT_ONCE = 16
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const LANGUAGES = ['ja', 'zh', 'ko'] as const
const CONTENT = new Set(['NOUN', 'PROPN', 'VERB', 'ADJ', 'ADV', 'NUM'])

interface Posted {
  readonly text: string
  readonly id: string
  readonly roomId: string
  readonly at: number
}

interface Room {
  readonly id: string
  readonly members: readonly string[]
}

let world: RunningWorld
const people = new Map<string, KeyrealmClient>()
const rooms = new Map<string, Room>()
const posted = new Map<Said, Posted>()
const cjk = new Map<Sentence, Posted>()

const clientOf = async (name: string): Promise<KeyrealmClient> => {
  const client = people.get(name) ?? (await world.client(name))
  people.set(name, client)
  return client
}

before(async () => {
  const limits = { searchesPerUserPerMinute: 100_000, openSearchesPerUser: SEARCHES_AT_ONCE }
  world = await startRunningWorld({ core: { limits } })
  await letIndex(world)
  await postAll()
})
after(() => world.close())

/** Alice is in every room and writes; bob is in every second, carol in every third, olivia in none. */
async function postAll(): Promise<void> {
  const alice = await clientOf('alice')
  const messages = chat()
  const names = [...new Set(messages.map(({ room }) => room)), ...LANGUAGES]
  for (const [n, name] of names.entries()) {
    const others = [...(n % 2 === 0 ? ['bob'] : []), ...(n % 3 === 0 ? ['carol'] : [])]
    const participantIds = others.map((one) => world.user(one).id)
    const { id } = await alice.rooms.create({ title: `Room ${n}`, participantIds })
    rooms.set(name, { id, members: ['alice', ...others] })
  }
  const say = async (room: string, text: string): Promise<Posted> => {
    const roomId = rooms.get(room)?.id ?? ''
    const { id, publishedAt } = await alice.rooms.post(roomId, text)
    return { text, id, roomId, at: Date.parse(publishedAt) }
  }
  const begin = performance.now()
  const pace = setInterval(() => process.stderr.write(`${posted.size} posted\n`), MINUTE_MS)
  await forAll(messages, POSTS_AT_ONCE, async (one) => {
    posted.set(one, await say(one.room, one.text))
  })
  for (const language of LANGUAGES) {
    await forAll(sentences(language), POSTS_AT_ONCE, async (one) => {
      cjk.set(one, await say(language, one.text))
    })
  }
  // A title is a message of its own.
  const count = posted.size + cjk.size + rooms.size
  clearInterval(pace)
  const said = performance.now()
  await until(
    async () => {
      const { indexed, waiting } = await indexing(world)
      return indexed >= count && waiting === 0
    },
    isFull ? HOUR_MS : MINUTE_MS,
  )
  process.stderr.write(
    `${count} messages posted in ${seconds(said - begin)} s, the last of them indexed ${seconds(performance.now() - said)} s later\n`,
  )
}

const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(1)

/** Asks for this moment alone: the message is there, or it is not. */
const finds = async (who: string, words: string, { id, roomId, at }: Posted, isInRoom = true) => {
  const client = await clientOf(who)
  const filter = isInRoom ? { roomIds: [roomId] } : {}
  const options = { ...filter, since: at, until: at, isComplete: true, limit: 500 }
  for (let page = await client.search(words, options); ; ) {
    if (page.hits.some((hit) => hit.id === id)) return true
    if (page.next === undefined) return false
    page = await page.next()
  }
}

const wordsOf = (text: string): readonly string[] =>
  [...new Set(cut(normalize(text)).map((atom) => atom.text))].filter(
    (word) => queryTermsOf(word, 'english').length > 0,
  )

test('every word of a message finds it, for every member of its room', async (t: TestContext) => {
  t.diagnostic(SIZE)
  const missed: string[] = []
  let asked = 0
  await forAll(spread([...posted], SAMPLED), SEARCHES_AT_ONCE, async ([{ room }, message]) => {
    for (const word of wordsOf(message.text)) {
      for (const who of rooms.get(room)?.members ?? []) {
        asked += 1
        if (!(await finds(who, word, message))) missed.push(`${who}: ${word}: ${message.text}`)
      }
    }
  })
  t.diagnostic(`${asked - missed.length} of ${asked} searches found their message`)
  assert.deepEqual(missed, [])
})

test('nobody else finds it', async () => {
  const outside: string[] = []
  await forAll(spread([...posted], SAMPLED), SEARCHES_AT_ONCE, async ([{ room }, message]) => {
    const members = rooms.get(room)?.members ?? []
    const [word = 'the'] = wordsOf(message.text)
    for (const who of ['bob', 'carol', 'olivia'].filter((one) => !members.includes(one))) {
      if (await finds(who, word, message, false)) outside.push(`${who}: ${word}: ${message.text}`)
    }
  })
  assert.deepEqual(outside, [])
})

for (const language of LANGUAGES) {
  test(`words that people cut out of ${language} find their sentence`, async (t: TestContext) => {
    let [asked, found] = [0, 0]
    const members = rooms.get(language)?.members ?? []
    await forAll(sentencesSaid(language), SEARCHES_AT_ONCE, async ([{ tokens, upos }, message]) => {
      for (const [at, token] of tokens.entries()) {
        const isContent = CONTENT.has(upos[at] ?? '') && Array.from(token).length > 1
        if (!isContent || queryTermsOf(token, 'english').length === 0) continue
        const who = members[asked % members.length] ?? 'alice'
        asked += 1
        if (await finds(who, token, message)) found += 1
      }
    })
    t.diagnostic(`${((100 * found) / asked).toFixed(2)} % of ${asked}`)
    assert.ok(found / asked >= (isFull ? 0.995 : 0.99), `${found} of ${asked}`)
  })
}

const sentencesSaid = (language: (typeof LANGUAGES)[number]) => {
  const { id } = rooms.get(language) ?? {}
  return [...cjk].filter(([, { roomId }]) => roomId === id)
}

test('the core holds one list for each message, and no hash twice', () => {
  const database = new Sqlite(join(world.plan.core.directory, 'core.sqlite-search'), {
    readonly: true,
  })
  const ids = database
    .prepare<[], { id: string }>('select message_id as id from lists where state < 2')
    .all()
    .map(({ id }) => id)
  const hashes = database
    .prepare<[], { hashes: Uint8Array }>('select hashes from lists where state < 2')
    .all()
    .flatMap((row) => (row.hashes.length > 0 ? hashesIn(row.hashes) : []))
  database.close()
  const messages = [...posted.values(), ...cjk.values(), ...rooms.values()].map(({ id }) => id)
  assert.deepEqual(ids.toSorted(), messages.toSorted())
  assert.equal(new Set(hashes).size, hashes.length)
})

function hashesIn(list: Uint8Array): readonly string[] {
  return Array.from({ length: list.length / HASH_BYTES }, (_, n) =>
    Buffer.from(list.subarray(n * HASH_BYTES, (n + 1) * HASH_BYTES)).toString('latin1'),
  )
}
