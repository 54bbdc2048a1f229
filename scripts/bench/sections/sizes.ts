// What a live session and a stored key cost in memory and on disk, and whether a retrieval takes longer the more keys
// there are.
import { readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { StoreSettings } from '../../../src/store/index.ts'
import { type Bench, DEVICES, KEYS_EACH, type Run, withRealm } from '../bench.ts'
import { fill } from '../fill.ts'
import type { Generator } from '../generator.ts'
import { measure, type Point } from '../measure.ts'
import { type Memory, memoryOf } from '../proc.ts'
import { megabytes, number } from '../report.ts'
import { ratio } from '../statistics.ts'
import type { RealmUnderTest } from '../world.ts'

/** Sessions made first, so that growth which comes once is not counted as the sessions'. */
const SETTLING_SHARE = 0.2
const LONGEST_SECONDS = 60
const POLL_MS = 50
const COLLECTOR = pathToFileURL(resolve(import.meta.dirname, '../collect-on-signal.ts')).href
const COLLECTED_WITHIN_MS = 20_000

interface Weight {
  /** What is alive in V8's heap and in buffers, after a collection. */
  readonly liveBytes: number
  readonly memory: Memory
}

/** In a realm of its own: one that has worked hard has room for thousands of sessions before it grows. */
export async function measureSessions(run: Run): Promise<void> {
  const { options, findings } = run
  findings.title('Memory of live sessions')
  const place = {
    name: 'sessions',
    store: { kind: 'sqlite', file: 'realm.sqlite' },
    nodeOptions: ['--expose-gc', '--import', COLLECTOR],
  }
  const { sessions: wanted } = options.effort
  await withRealm(run, place, async ({ generator, realm }) => {
    await shake(generator, Math.ceil(wanted * SETTLING_SHARE))
    const before = await weigh(realm)
    const sessions = await shake(generator, wanted)
    const after = await weigh(realm)
    const live = (after.liveBytes - before.liveBytes) / sessions
    const own = (after.memory.anonymousBytes - before.memory.anonymousBytes) / sessions
    findings.say(
      `${sessions} sessions: what is alive grew by ${number(live / 1000)} kB a session, resident memory (OpenSSL’s ` +
        `keys included) by ${number(own / 1000)} kB, from ${shown(before.memory)} to ${shown(after.memory)}.`,
    )
    findings.keep('sessions', { sessions, before, after, liveEach: live, residentEach: own })
  })
}

async function weigh({ pid, plan }: RealmUnderTest): Promise<Weight> {
  const reports = () => readFileSync(plan.logFile, 'utf8').match(/^collected .*$/gm) ?? []
  const before = reports().length
  const deadline = performance.now() + COLLECTED_WITHIN_MS
  process.kill(pid, 'SIGUSR2')
  while (reports().length === before) {
    if (performance.now() > deadline) throw new Error('The realm did not collect its garbage.')
    await wait(POLL_MS)
  }
  const { liveBytes }: Pick<Weight, 'liveBytes'> = JSON.parse(
    reports().at(-1)?.slice('collected '.length) ?? '{}',
  )
  return { liveBytes, memory: memoryOf(pid) }
}

async function shake(generator: Generator, most: number): Promise<number> {
  const load = { work: 'handshake', devices: 32, perPost: 1, clients: 'ready' } as const
  const done = await generator.run({ ...load, seconds: LONGEST_SECONDS, most }, {})
  return done.messages + done.warmUpMessages
}

export interface Filled {
  readonly keys: number
  readonly alone: Point
  readonly together: Point
  readonly memory: Memory
  readonly databaseBytes: number
}

export async function measureFlatness(bench: Bench): Promise<void> {
  const { findings, effort, realm } = bench
  findings.title('Retrieval time by number of stored keys, and what keys cost')
  const levels: Filled[] = []
  let stored = DEVICES * KEYS_EACH
  for (const keys of effort.storedKeys) {
    await fill({ ...placeOf(bench), keys: Math.max(0, keys - stored) })
    stored = Math.max(stored, keys)
    levels.push(await measureFilled(bench, keys))
  }
  findings.table(
    levels.map(({ keys, alone, together, memory, databaseBytes }) => ({
      'stored keys': keys,
      'p50 ms, 1 device': alone.latencyMs.p50,
      'p50 ms, 16 devices': together.latencyMs.p50,
      'realm µs, 16 devices': together.cpuMicros['realm'],
      database: megabytes(databaseBytes),
      'realm, anonymous': megabytes(memory.anonymousBytes),
      'realm, all': megabytes(memory.residentBytes),
    })),
  )
  const [first, last] = [levels[0], levels.at(-1)]
  if (first === undefined || last === undefined) return
  const hundredThousands = (last.keys - first.keys) / 100_000
  const memory = last.memory.anonymousBytes - first.memory.anonymousBytes
  const disk = last.databaseBytes - first.databaseBytes
  findings.say(
    `For 100,000 stored keys: ${megabytes(disk / hundredThousands)} of database, ` +
      `${megabytes(memory / hundredThousands)} of the realm’s own memory.`,
  )
  findings.say(
    `p50 at ${last.keys} keys, by that at ${first.keys}: ` +
      `${number(ratio(last.alone.latencyMs.p50, first.alone.latencyMs.p50))} (1 device), ` +
      `${number(ratio(last.together.latencyMs.p50, first.together.latencyMs.p50))} (16 devices).`,
  )
  findings.keep('flatness', levels)
  findings.keep('realm', realm.plan.name)
}

async function measureFilled(bench: Bench, keys: number): Promise<Filled> {
  const { generator, watched, effort, realm } = bench
  const load = {
    generator,
    watched,
    work: 'retrieve',
    perPost: 1,
    seconds: effort.seconds,
  } as const
  const alone = await measure({ ...load, devices: 1 })
  const together = await measure({ ...load, devices: 16 })
  return { keys, alone, together, memory: memoryOf(realm.pid), databaseBytes: bytesOf(bench) }
}

function fileOf({ realm }: Bench): string {
  return join(realm.plan.directory, 'realm.sqlite')
}

function placeOf(bench: Bench) {
  const store: StoreSettings = { kind: 'sqlite', file: fileOf(bench) }
  const { domain, id: organizationId } = bench.realm.plan
  return { store, domain, organizationId }
}

function bytesOf(bench: Bench): number {
  return statSync(fileOf(bench)).size
}

function shown({ anonymousBytes, residentBytes }: Memory): string {
  return `${megabytes(anonymousBytes)} of its own (${megabytes(residentBytes)} with files)`
}
