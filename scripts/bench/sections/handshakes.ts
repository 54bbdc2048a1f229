// Handshakes a second next to the RSA limit of this machine, and what a flood of them does to everybody else.
import { availableParallelism } from 'node:os'
import type { Bench } from '../bench.ts'
import { type Generator, startGenerator } from '../generator.ts'
import { best, measure, type Point, rowOf } from '../measure.ts'
import { number, percent } from '../report.ts'
import { measureRsa, type RsaLimit } from '../rsa-limit.ts'
import { ratio } from '../statistics.ts'

const DEVICES_SHAKING = 32
const SHAKING = { work: 'handshake', devices: DEVICES_SHAKING, perPost: 1 } as const

export interface HandshakesFound {
  readonly handshakes: Point
  readonly limits: readonly RsaLimit[]
}

export async function compareHandshakes(bench: Bench): Promise<void> {
  const { findings, effort, generator, watched } = bench
  findings.title('Handshakes next to the RSA limit')
  const limits: RsaLimit[] = []
  const points: Point[] = []
  const processors = availableParallelism()
  for (let round = 0; round < effort.rounds; round += 1) {
    for (const processes of new Set([1, processors])) {
      const limit = await measureRsa(processes, effort.rsaSeconds)
      if (limit !== undefined) limits.push(limit)
    }
    points.push(await measure({ generator, watched, ...SHAKING, seconds: effort.seconds + 1 }))
  }
  const handshakes = best(points)
  const highest = highestLimits(limits)
  findings.table([rowOf('handshake', handshakes)])
  if (highest.length === 0) findings.say('There is no openssl here, so the limit is not known.')
  for (const { processes, operationMs, handshakesPerSecond } of highest) {
    findings.say(
      `openssl speed, ${processes} process${processes === 1 ? '' : 'es'}: ${number(operationMs)} ms an operation, ` +
        `so at most ${number(handshakesPerSecond)} handshakes/s; ours are ` +
        `${percent(ratio(handshakes.perSecond, handshakesPerSecond))} of that.`,
    )
  }
  findings.keep('handshakes', { handshakes, limits: highest } satisfies HandshakesFound)
}

/** The best round for each number of processes. */
function highestLimits(limits: readonly RsaLimit[]): readonly RsaLimit[] {
  const byProcesses = Map.groupBy(limits, ({ processes }) => processes)
  return [...byProcesses.values()].flatMap((some) =>
    some.toSorted((a, b) => b.handshakesPerSecond - a.handshakesPerSecond).slice(0, 1),
  )
}

const RETRIEVING = 16
/** Well below what the machine can do: people reading, not a benchmark. */
const CALM_POSTS_PER_SECOND = 100
/** Enough for a 99th percentile that is more than one unlucky message. */
const SECONDS = 5
const QUICK_SECONDS = 1.5
/** In turns; the calmest of each side counts, since others disturb both. */
const ROUNDS = 3

export interface Interference {
  readonly pace: 'calm' | 'full'
  readonly quiet: Point
  readonly busy: Point
  readonly p99Ratio: number
  readonly handshakesPerSecond: number
}

export async function measureInterference(bench: Bench): Promise<void> {
  const { findings } = bench
  findings.title('Retrievals on live sessions, quiet and while handshakes flood in')
  const flood = startGenerator()
  try {
    const { world } = bench
    const people = world.issuer.people(DEVICES_SHAKING)
    await flood.openDevices({ cloud: world.cloud, people, keysEach: 0 })
    const found = [await interfere(bench, flood, 'calm'), await interfere(bench, flood, 'full')]
    findings.table(
      found.flatMap(({ pace, quiet, busy }) => [
        rowOf(`${pace}, quiet`, quiet),
        rowOf(`${pace}, flooded`, busy),
      ]),
    )
    for (const { pace, p99Ratio, handshakesPerSecond } of found) {
      findings.say(
        `${pace === 'calm' ? `${CALM_POSTS_PER_SECOND} posts/s` : 'As fast as answers come'}: p99 is ` +
          `${number(p99Ratio)} times its quiet value, beside ${number(handshakesPerSecond)} handshakes/s.`,
      )
    }
    findings.keep('interference', found)
  } finally {
    flood.close()
  }
}

async function interfere(
  bench: Bench,
  flood: Generator,
  pace: Interference['pace'],
): Promise<Interference> {
  const seconds = bench.effort.isQuick ? QUICK_SECONDS : SECONDS
  const load = { work: 'retrieve', devices: RETRIEVING, perPost: 1, seconds } as const
  const wanted = {
    generator: bench.generator,
    watched: { ...bench.watched, flood: [flood.pid] },
    ...load,
    ...(pace === 'calm' ? { postsPerSecond: CALM_POSTS_PER_SECOND } : {}),
  }
  const quiet: Point[] = []
  const busy: Point[] = []
  const rates: number[] = []
  for (let round = 0; round < (bench.effort.isQuick ? 1 : ROUNDS); round += 1) {
    quiet.push(await measure(wanted))
    const shaking = flood.run({ ...SHAKING, clients: 'ready', seconds: seconds + 2 }, {})
    // It seals ahead before it posts as fast as it can.
    await new Promise((settle) => setTimeout(settle, FLOOD_BEGINS_AFTER_MS))
    busy.push(await measure(wanted))
    const { messages, seconds: took } = await shaking
    rates.push(messages / took)
  }
  const [calmest, busiest] = [calmestOf(quiet), calmestOf(busy)]
  return {
    pace,
    quiet: calmest,
    busy: busiest,
    p99Ratio: ratio(busiest.latencyMs.p99, calmest.latencyMs.p99),
    handshakesPerSecond: Math.max(...rates),
  }
}

function calmestOf(points: readonly Point[]): Point {
  const [first, ...others] = points
  if (first === undefined) throw new Error('Nothing was measured.')
  return others.reduce((a, b) => (b.latencyMs.p99 < a.latencyMs.p99 ? b : a), first)
}

const FLOOD_BEGINS_AFTER_MS = 1200
