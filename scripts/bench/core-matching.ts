// How fast the core finds hashes, as ratios to plaintext search over the same messages in the same run.
// Usage: node scripts/bench/core-matching.ts [--messages FILE.jsonl.gz] [--count N] [--quick] [--only-sqlite]
// It asserts nothing about time; it fails only if a message with both words is missed.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openPostings, type Postings } from '../../src/core/search/postings.ts'
import { createPrefixTable, type PrefixTable } from '../../src/core/search/prefix-table.ts'
import { openPostingsStore, type PostingsStore } from '../../src/core/store/postings.ts'
import { silentLog } from '../../src/runtime/index.ts'
import { startPostgres } from '../../test/support/postgres.ts'
import { type Corpus, listsOf, makeCorpus, queryOf } from './matching/corpus.ts'
import { openFts5, openTsvector, type Plaintext } from './matching/plaintext.ts'
import { ratio, spreadOf } from './statistics.ts'

const { values: options } = parseArgs({
  options: {
    messages: { type: 'string' },
    count: { type: 'string', default: '150000' },
    quick: { type: 'boolean', default: false },
    'only-sqlite': { type: 'boolean', default: false },
  },
})

const ROOMS = 10_000
const LISTS_AT_ONCE = 2000
const ROUNDS = options.quick ? 3 : 9
const RULES = { mergeAfterMs: 2 ** 31 - 1 }

const say = (...columns: readonly (string | number)[]): void => {
  process.stdout.write(`${columns.map((column) => String(column).padStart(13)).join('')}\n`)
}
const ms = (figure: number): string => figure.toFixed(figure < 10 ? 2 : 0)

/** Fills a store as a realm would; says how fast it took lists and merged them. */
const fill = async (name: string, store: PostingsStore, corpus: Corpus): Promise<Postings> => {
  const postings = await openPostings(store, { ...RULES, inMemory: 0 }, silentLog)
  let hashes = 0
  let startedMs = performance.now()
  let appendMs = 0
  let batch = []
  for (const list of listsOf(corpus)) {
    batch.push(list)
    hashes += list.hashes.length / 10
    if (batch.length < LISTS_AT_ONCE) continue
    startedMs = performance.now()
    await postings.append(batch)
    appendMs += performance.now() - startedMs
    batch = []
  }
  await postings.append(batch)
  startedMs = performance.now()
  let isMore = true
  while (isMore) ({ isMore } = await store.mergeSome(4000))
  const mergeMs = performance.now() - startedMs
  process.stdout.write(
    `${name}: ${hashes} postings of ${corpus.messages.length} messages; ` +
      `kept ${Math.round(hashes / appendMs)} k/s, merged ${Math.round(hashes / mergeMs)} k/s\n`,
  )
  return postings
}

const load = async (store: PostingsStore): Promise<PrefixTable> => {
  const table = createPrefixTable()
  const top = await store.top()
  for (let after = 0; after < top; ) {
    const page = await store.read({ after, upTo: top, bytes: 1024 * 1024 })
    for (const { doc, hashes } of page) table.add(hashes, doc)
    after = page.at(-1)?.doc ?? top
  }
  return table
}

interface Way {
  readonly name: string
  /** How many messages. */
  run(hashes: Uint8Array, words: readonly string[], rooms: number): Promise<number>
}

const plain = (name: string, { search }: Plaintext): Way => ({
  name,
  run: (_hashes, words, rooms) => search(words, rooms),
})
const matching = (name: string, store: PostingsStore): Way => ({
  name,
  run: async (hashes) => (await store.match(hashes)).length,
})

/** Medians, one query after the other and every way within each. */
const compare = async (corpus: Corpus, ways: readonly Way[], rooms: number): Promise<void> => {
  const times = new Map(ways.map(({ name }) => [name, [] as number[]]))
  const sizes: number[] = []
  for (let round = -1; round < ROUNDS; round += 1) {
    // The first round is for warming up.
    const words = corpus.queries[Math.max(0, round) % corpus.queries.length] ?? []
    const hashes = queryOf(corpus, words, rooms)
    if (round >= 0) sizes.push(hashes.length / 10)
    const counts: number[] = []
    for (const { name, run } of ways) {
      const startedMs = performance.now()
      counts.push(await run(hashes, words, rooms))
      const tookMs = performance.now() - startedMs
      if (round >= 0) times.get(name)?.push(tookMs)
    }
    const [found = 0, expected = 0] = counts
    if (found < expected) throw new Error('a message was missed')
  }
  const medians = ways.map(({ name }) => spreadOf(times.get(name) ?? []).p50)
  const fts5 = medians[1] ?? Number.NaN
  say(rooms, spreadOf(sizes).p50, ...medians.map(ms))
  say('', 'x FTS5', ...medians.map((median) => ratio(median, fts5).toFixed(2)))
}

const folder = mkdtempSync(join(tmpdir(), 'keyrealm-matching-'))
const corpus = makeCorpus(options.messages, options.quick ? 20_000 : Number(options.count), ROOMS)
const file = await openPostingsStore({ kind: 'sqlite', file: join(folder, 'search.sqlite') })
const sqlite = await fill('SQLite', file, corpus)
const table = await load(file)
const megabytes = table.bytes / 2 ** 20
process.stdout.write(
  `memory: ${megabytes.toFixed(1)} MiB, ${((megabytes / table.size) * 1e6).toFixed(1)} MiB a million\n`,
)
const fts5 = await openFts5(corpus)
const server = options['only-sqlite'] ? { unavailable: 'as told' } : await startPostgres()
const ways: Way[] = [
  { name: 'memory', run: async (hashes) => table.match(hashes).size },
  plain('FTS5', fts5),
  { name: '+ messages', run: async (h) => (await file.locate([...table.match(h)])).length },
  matching('SQLite', file),
]
const closing: (() => Promise<void>)[] = [sqlite.close.bind(sqlite), fts5.close]
if ('unavailable' in server) process.stdout.write(`PostgreSQL left out: ${server.unavailable}\n`)
else {
  const settings = { kind: 'postgres', url: await server.createDatabase(), poolSize: 4 } as const
  const store = await openPostingsStore(settings)
  const postings = await fill('PostgreSQL', store, corpus)
  const tsvector = await openTsvector(await server.createDatabase(), corpus)
  ways.push(matching('PostgreSQL', store), plain('tsvector', tsvector))
  closing.push(postings.close.bind(postings), tsvector.close, server.stop)
}
process.stdout.write(`\nmedians of ${ROUNDS} rounds of two words, ms\n`)
say('rooms', 'hashes', ...ways.map(({ name }) => name))
for (const rooms of [10, 1000, ROOMS]) await compare(corpus, ways, rooms)
for (const close of closing) await close()
rmSync(folder, { recursive: true })
