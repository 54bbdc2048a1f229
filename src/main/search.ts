// Joins the indexer: its rounds follow each other while there is work, and wait for news otherwise; queries are answered
// beside them, a bounded number at a time.

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SearchDeclinedFrame, SearchFrame, SearchHashesFrame } from '../boundary/index.ts'
import { createTokenWorkers, systemRandom } from '../crypto/index.ts'
import { Fault } from '../fault.ts'
import {
  type BatchResult,
  createIndexer,
  type Indexer,
  type IndexLine,
  RoomMemory,
  Search,
  SKIPPED,
  type Tokenizing,
  tokenizeOn,
} from '../indexer/index.ts'
import { urisOf, verdictOf } from '../protocol/index.ts'
import { refuse } from '../refusal.ts'
import type { Log, Metrics } from '../runtime/index.ts'
import { startStopwatch } from '../runtime/index.ts'
import { seconds } from '../time.ts'
import { WORDS_VERSION } from '../words/index.ts'
import type { Realm } from './assembly.ts'

/** News may be lost with a line, and administrators work beside this process. */
const LOOK_EVERY_MS = 2000
const MEBIBYTE = 1024 * 1024
/** Large amounts of hashes are made there, so that key requests never wait for them. */
const TOKEN_THREADS = 1

export interface JoinedSearch {
  answer(search: SearchFrame): Promise<SearchHashesFrame | SearchDeclinedFrame>
  /** There may be something to do. */
  wake(): void
  /** The keys of rooms are forgotten. */
  lock(): void
  start(): void
  stop(): Promise<void>
}

const createMeters = (metrics: Metrics) => {
  const messages = metrics.counter({
    room: 'indexer',
    thing: 'messages',
    unit: 'count',
    help: 'Messages that the indexer took from the core, by what became of them.',
    labels: { outcome: ['indexed', ...SKIPPED] },
  })
  const searches = metrics.counter({
    room: 'indexer',
    thing: 'searches',
    unit: 'count',
    help: 'Searches, by what became of them.',
    labels: { outcome: ['answered', 'declined', 'shed'] },
  })
  const durations = metrics.histogram({
    room: 'indexer',
    thing: 'search',
    unit: 'seconds',
    help: 'How long the realm takes for a search.',
  })
  const lag = metrics.gauge({
    room: 'indexer',
    thing: 'lag',
    unit: 'count',
    help: 'Places in the feed of the core that were not read yet, when it was last asked.',
  })
  const waiting = metrics.gauge({
    room: 'indexer',
    thing: 'waiting_lists',
    unit: 'count',
    help: 'Lists of hashes that the core has not acknowledged.',
  })
  return {
    lag,
    waiting,
    batch({ indexed, skipped }: BatchResult): void {
      messages.add({ outcome: 'indexed' }, indexed)
      for (const name of SKIPPED) messages.add({ outcome: name }, skipped[name])
    },
    search(outcome: 'answered' | 'declined' | 'shed', elapsedSeconds: number): void {
      searches.add({ outcome })
      if (outcome !== 'shed') durations.observe({}, elapsedSeconds)
    },
  }
}

type Meters = ReturnType<typeof createMeters>

/** Searches beside each other, and no more than so many. */
const createDesk = (search: Search, most: number, meters: Meters): JoinedSearch['answer'] => {
  let inWork = 0
  return async (frame) => {
    const stopwatch = startStopwatch()
    if (inWork >= most) {
      meters.search('shed', 0)
      const refusal = refuse('channel.overloaded')
      const { status } = verdictOf(refusal)
      return { type: 'search-declined', id: frame.id, status, code: refusal.refused }
    }
    inWork += 1
    try {
      const answer = await search.answer(frame)
      const outcome = answer.type === 'search-hashes' ? 'answered' : 'declined'
      meters.search(outcome, stopwatch.elapsedSeconds())
      return answer
    } finally {
      inWork -= 1
    }
  }
}

/** Rounds, one after the other, until told to stop. A round that fails is logged and tried again. */
const createLoop = (indexer: Indexer, log: Log, measure: () => Promise<void>) => {
  let isStopping = false
  let isWoken = false
  let rouse = (): void => undefined
  const wake = (): void => {
    isWoken = true
    rouse()
  }
  const rest = async (): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, LOOK_EVERY_MS)
    rouse = resolve
    // Woken during the round already.
    if (isWoken) resolve()
    await promise
    clearTimeout(timer)
  }
  const round = async (): Promise<boolean> => {
    // One of the four borders where an error ends: a job.
    try {
      const isBusy = await indexer.round()
      await measure()
      return isBusy
    } catch (error) {
      const isAway = error instanceof Fault && error.code.startsWith('link.')
      if (!isAway) log.error('indexer.failed', {}, error)
      return false
    }
  }
  const run = async (): Promise<void> => {
    while (!isStopping) {
      isWoken = false
      if (await round()) await nextTurn()
      else if (!isStopping) await rest()
    }
  }
  let running: Promise<void> | undefined
  return {
    start: () => {
      running ??= run()
    },
    wake,
    async stop() {
      isStopping = true
      wake()
      await running
    },
  }
}

export const joinSearch = (
  realm: Realm,
  line: IndexLine,
  log: Log,
  metrics: Metrics,
): JoinedSearch => {
  const { store, ledger, keyring, now, settings, kms } = realm
  const { language, batchEvents, memoryMebibytes, keysKeptSeconds, searchesAtOnce } =
    settings.search
  const meters = createMeters(metrics)
  const pause = (): Promise<void> => nextTurn()
  const limits = { bytes: memoryMebibytes * MEBIBYTE, keptFor: seconds(keysKeptSeconds) }
  const memory = new RoomMemory({ store, keyring, now, limits, pause })
  const workers = createTokenWorkers({ threads: TOKEN_THREADS })
  const shared = {
    ...{ ledger, memory, keyring, random: systemRandom, uris: urisOf(kms.domain), pause },
    tokenize: <Result>(work: Tokenizing<Result>) => tokenizeOn(workers, work),
  }
  const search = new Search(shared)
  const rules = { wordsVersion: WORDS_VERSION, language }
  const indexer = createIndexer({
    ...{ ...shared, store, line, now, rules, batchEvents },
    onBatch: meters.batch,
  })
  const loop = createLoop(indexer, log, async () => {
    const { progress, waiting } = await store.read(async (tx) => ({
      progress: await tx.index.progress(),
      waiting: await tx.index.countOutgoing(),
    }))
    meters.lag.set({}, Math.max(0, progress.head - progress.readTo))
    meters.waiting.set({}, waiting)
  })
  return {
    answer: createDesk(search, searchesAtOnce, meters),
    wake: loop.wake,
    lock: () => memory.forgetAll(),
    start: loop.start,
    stop: async () => {
      await loop.stop()
      await workers.close()
    },
  }
}
