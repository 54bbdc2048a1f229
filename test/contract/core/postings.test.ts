// What the core promises of postings, on SQLite and on PostgreSQL, with everything in memory and with nothing in it.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import { openPostings, type Postings } from '../../../src/core/search/postings.ts'
import {
  type NewList,
  openPostingsStore,
  type PostingsSettings,
  type PostingsStore,
} from '../../../src/core/store/postings.ts'
import { silentLog } from '../../../src/runtime/index.ts'
import { startPostgres } from '../../support/postgres.ts'
import { hashOf, packed } from '../../unit/core/search/hashes.ts'

const isRequired = process.env['KEYREALM_REQUIRE_POSTGRES'] === '1'
const folder = mkdtempSync(join(tmpdir(), 'keyrealm postings-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const ROOM = 'kms://kms.acme.example/resources/1'
const OTHER = 'kms://kms.acme.example/resources/2'
const NEVER_MS = 2 ** 31 - 1
const IN_MEMORY = { inMemory: 1_000_000, mergeAfterMs: NEVER_MS }
const IN_DATABASE = { inMemory: 0, mergeAfterMs: NEVER_MS }

let made = 0
const sqlite = async (): Promise<PostingsSettings> => {
  made += 1
  return { kind: 'sqlite', file: join(folder, `${made}.sqlite`) }
}
const server = await startPostgres()
after(() => ('stop' in server ? server.stop() : undefined))
if ('unavailable' in server && isRequired) throw new Error(server.unavailable)
const postgres = async (): Promise<PostingsSettings> => {
  if ('unavailable' in server) throw new Error(server.unavailable)
  return { kind: 'postgres', url: await server.createDatabase(), poolSize: 4 }
}
const skip = 'unavailable' in server ? server.unavailable : false

const list = (messageId: string, revision: number, ...words: string[]): NewList => ({
  resourceUri: ROOM,
  messageId,
  revision,
  hashes: packed(...words),
})
const found = async (postings: Postings, ...words: string[]): Promise<readonly string[]> =>
  (await postings.find(packed(...words))).map(({ messageId }) => messageId).toSorted()

const suite = (
  name: string,
  fresh: () => Promise<PostingsSettings>,
  options: { readonly skip: string | false },
): void => {
  describe(name, options, () => {
    for (const [place, rules] of Object.entries({ memory: IN_MEMORY, database: IN_DATABASE })) {
      const open = async (settings: PostingsSettings): Promise<Postings> => {
        const postings = await openPostings(await openPostingsStore(settings), rules, silentLog)
        await postings.loaded
        return postings
      }

      test(`in ${place}: lists are found at once, merged or not, and after a restart`, async () => {
        const settings = await fresh()
        const postings = await open(settings)
        await postings.append([list('a', 1, 'red', 'blue'), list('b', 1, 'blue')])
        assert.deepEqual(await found(postings, 'blue'), ['a', 'b'])
        await postings.mergeAll()
        await postings.append([list('c', 1, 'red')])
        await postings.close()
        const again = await open(settings)
        assert.deepEqual(await found(again, 'red'), ['a', 'c'])
        assert.deepEqual(await found(again, 'blue', 'green'), ['a', 'b'])
        assert.deepEqual(await found(again, 'green'), [])
        await again.close()
      })

      test(`in ${place}: the highest revision holds, whatever the order`, async () => {
        const postings = await open(await fresh())
        await postings.append([list('a', 2, 'red')])
        await postings.append([list('a', 1, 'old'), list('a', 2, 'same')])
        assert.deepEqual(await found(postings, 'old', 'same'), [])
        await postings.mergeAll()
        await postings.append([list('a', 5, 'blue'), list('a', 4, 'between')])
        for (const merge of [false, true]) {
          if (merge) await postings.mergeAll()
          assert.deepEqual(await found(postings, 'red', 'between'), [])
          assert.deepEqual(await found(postings, 'blue'), ['a'])
        }
        await postings.append([list('a', 6)])
        await postings.append([list('a', 5, 'blue')])
        assert.deepEqual(await found(postings, 'blue'), [])
        await postings.close()
      })

      test(`in ${place}: a room that is dropped takes nothing else along`, async () => {
        const postings = await open(await fresh())
        await postings.append([list('a', 1, 'red'), { ...list('b', 1, 'red'), resourceUri: OTHER }])
        await postings.mergeAll()
        await postings.append([list('c', 1, 'red')])
        await postings.drop(ROOM)
        assert.deepEqual(await found(postings, 'red'), ['b'])
        await postings.mergeAll()
        assert.deepEqual(await found(postings, 'red'), ['b'])
        await postings.append([list('a', 1, 'red')])
        assert.deepEqual(await found(postings, 'red'), ['a', 'b'])
        await postings.close()
      })
    }

    test('what is written at once ends as if it had been written in order', async () => {
      const store = await openPostingsStore(await fresh())
      const postings = await openPostings(store, IN_DATABASE, silentLog)
      const writes: Promise<void>[] = []
      for (let revision = 1; revision <= 30; revision += 1) {
        const lists = [list('a', revision, `red ${revision}`), list('b', revision, 'red')]
        writes.push(postings.append(lists))
        if (revision % 7 === 0) writes.push(postings.mergeAll(), postings.drop(OTHER))
      }
      writes.push(postings.drop(ROOM), postings.append([list('b', 1, 'white')]))
      await Promise.all(writes)
      await postings.mergeAll()
      assert.deepEqual(await found(postings, 'red', 'red 30'), [])
      assert.deepEqual(await found(postings, 'white'), ['b'])
      await postings.close()
    })

    test('what was replaced leaves nothing behind', async () => {
      const store = await openPostingsStore(await fresh())
      await store.append([list('a', 1, 'red', 'blue')])
      await mergeAll(store)
      await store.append([list('a', 2, 'green')])
      await mergeAll(store)
      await store.drop(ROOM)
      await mergeAll(store)
      assert.deepEqual(await store.match(packed('red', 'blue', 'green')), [])
      assert.deepEqual(await store.read({ after: 0, upTo: 100, bytes: 1000 }), [])
      await store.close()
    })

    test('a long list is merged in parts, and a query may have tens of thousands of hashes', async () => {
      const store = await openPostingsStore(await fresh())
      const words = Array.from({ length: 9000 }, (_, n) => `word ${n}`)
      const kept = await store.append([list('a', 1, ...words), list('b', 1, 'red')])
      await mergeAll(store, 2000)
      assert.deepEqual(await store.match(hashOf('word 8999')), [kept[0]?.doc])
      const docs = await store.match(packed('red', ...words))
      assert.deepEqual(new Set(docs), new Set(kept.map(({ doc }) => doc)))
      await store.close()
    })

    test('a newer database is left alone', async () => {
      const settings = await fresh()
      const store = await openPostingsStore(settings)
      await store.close()
      await setVersion(settings, 99)
      await assert.rejects(openPostingsStore(settings), { code: 'core.newer-database' })
    })

    test('it matches a model, whatever comes in whatever order', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(command, { maxLength: 25 }), async (commands) => {
          await againstModel(await fresh(), commands)
        }),
        { numRuns: name === 'SQLite' ? 25 : 6 },
      )
    })
  })
}

const mergeAll = async (store: PostingsStore, hashes = 100): Promise<void> => {
  while ((await store.mergeSome(hashes)).isMore);
}

const setVersion = async (settings: PostingsSettings, version: number): Promise<void> => {
  const { dialectOf } = await import('../../../src/core/store/postings-dialect.ts')
  const { Kysely, sql } = await import('kysely')
  const db = new Kysely({ dialect: dialectOf(settings).dialect })
  await sql`update search_version set version = ${sql.lit(version)}`.execute(db)
  await db.destroy()
}

const WORDS = ['red', 'blue', 'green', 'white']
const appending = fc.record({
  kind: fc.constant('append' as const),
  room: fc.constantFrom(ROOM, OTHER),
  messageId: fc.constantFrom('a', 'b', 'c'),
  revision: fc.integer({ min: 1, max: 6 }),
  words: fc.subarray(WORDS),
})
const command = fc.oneof(
  { weight: 6, arbitrary: appending },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('drop' as const),
      room: fc.constantFrom(ROOM, OTHER),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('merge' as const, 'restart' as const) }),
  },
)
type Command = typeof command extends fc.Arbitrary<infer One> ? One : never

type Model = Map<string, { readonly revision: number; readonly words: readonly string[] }>

/** What the model says of lists and rooms. */
const remember = (model: Model, one: Command): void => {
  if (one.kind === 'append') {
    const name = `${one.room} ${one.messageId}`
    if ((model.get(name)?.revision ?? 0) < one.revision) model.set(name, one)
  }
  if (one.kind === 'drop') {
    for (const name of [...model.keys()]) if (name.startsWith(one.room)) model.delete(name)
  }
}

const carryOut = async (postings: Postings, one: Command): Promise<void> => {
  if (one.kind === 'append') {
    const { room, words, ...rest } = one
    await postings.append([{ ...rest, resourceUri: room, hashes: packed(...words) }])
  }
  if (one.kind === 'drop') await postings.drop(one.room)
  if (one.kind === 'merge') await postings.mergeAll()
}

const assertSame = async (postings: Postings, model: Model): Promise<void> => {
  for (const word of WORDS) {
    const holding = [...model].filter(([, { words }]) => words.includes(word))
    const refs = await postings.find(hashOf(word))
    const names = refs.map(({ resourceUri, messageId }) => `${resourceUri} ${messageId}`)
    assert.deepEqual(names.toSorted(), holding.map(([name]) => name).toSorted())
  }
}

const againstModel = async (
  settings: PostingsSettings,
  commands: readonly Command[],
): Promise<void> => {
  const model: Model = new Map()
  const rules = commands.length % 2 === 0 ? IN_MEMORY : IN_DATABASE
  const open = async () => openPostings(await openPostingsStore(settings), rules, silentLog)
  let postings = await open()
  for (const one of commands) {
    if (one.kind === 'restart') {
      await postings.close()
      postings = await open()
    }
    remember(model, one)
    await carryOut(postings, one)
    await assertSame(postings, model)
  }
  await postings.close()
}

suite('SQLite', sqlite, { skip: false })
suite('PostgreSQL', postgres, { skip })
