// One point of measurement: a load, its window, and the figures that are kept of it. It compares nothing.

import type { Clients, Done, Work } from './generator/orders.ts'
import type { Generator } from './generator.ts'
import type { Watched } from './proc.ts'
import type { Row } from './report.ts'
import { type Spread, spreadOf } from './statistics.ts'

export interface PointWanted {
  readonly generator: Generator
  readonly watched: Watched
  readonly work: Work
  readonly devices: number
  readonly perPost: number
  readonly seconds: number
  /** `ready` unless told. */
  readonly clients?: Clients
  readonly postsPerSecond?: number
  readonly most?: number
}

export interface Point {
  readonly work: Work
  readonly devices: number
  readonly perPost: number
  readonly messages: number
  readonly perSecond: number
  readonly latencyMs: Spread
  /** CPU time of each process for one message, microseconds. */
  readonly cpuMicros: Readonly<Record<string, number>>
  /** How many processors' worth of work others did meanwhile: this machine is not ours alone. */
  readonly elsewhere: number
  readonly sealedInside: number
  readonly requestChars: number
  readonly answerChars: number
}

export async function measure({ generator, watched, ...load }: PointWanted): Promise<Point> {
  return toPoint(load, await generator.run({ clients: 'ready', ...load }, watched))
}

export function toPoint(
  load: Pick<PointWanted, 'work' | 'devices' | 'perPost'>,
  done: Done,
): Point {
  const { messages, seconds, cpu, sealedInside, requestChars, answerChars } = done
  const micros = Object.entries(cpu.secondsOf).map(([name, used]) => [
    name,
    (used * 1e6) / messages,
  ])
  return {
    work: load.work,
    devices: load.devices,
    perPost: load.perPost,
    messages,
    perSecond: messages / seconds,
    latencyMs: spreadOf(done.latenciesMs),
    cpuMicros: Object.fromEntries(micros),
    elsewhere: cpu.elsewhereSeconds / seconds,
    sealedInside,
    requestChars,
    answerChars,
  }
}

/** The one that was disturbed least. */
export function best(points: readonly Point[]): Point {
  const [first, ...others] = points
  if (first === undefined) throw new Error('Nothing was measured.')
  return others.reduce((a, b) => (b.perSecond > a.perSecond ? b : a), first)
}

export function rowOf(what: string, point: Point): Row {
  const { latencyMs, cpuMicros } = point
  const processes = Object.entries(cpuMicros).map(([name, used]) => [`${name} µs`, used])
  return {
    what,
    devices: point.devices,
    'a post': point.perPost,
    'per s': Math.round(point.perSecond),
    'p50 ms': latencyMs.p50,
    'p99 ms': latencyMs.p99,
    ...Object.fromEntries(processes),
    'others’ CPUs': point.elsewhere,
  }
}

/** What all processes but the generator spend on one message. */
export function servedMicros({ cpuMicros }: Point): number {
  return Object.entries(cpuMicros)
    .filter(([name]) => name !== 'generator')
    .reduce((sum, [, micros]) => sum + micros, 0)
}

/**
 * The rate that the CPU times of a message allow on this machine if nobody else used it: all processors busy with it,
 * or its busiest process always on one. Node runs a process's JavaScript on one processor.
 */
export function rateByCpu({ cpuMicros }: Point, processors: number): number {
  const each = Object.values(cpuMicros)
  const total = each.reduce((sum, micros) => sum + micros, 0)
  return 1e6 / Math.max(total / processors, ...each)
}
