// What every section is given: the processes, how much to measure, and where to write what was found. Sections run one
// after another; none of them decides whether a figure is good.
import { type Generator, startGenerator } from './generator.ts'
import type { Effort, Options } from './options.ts'
import type { Watched } from './proc.ts'
import { type Row, table } from './report.ts'
import type { BenchWorld, RealmUnderTest } from './world.ts'

export interface Bench {
  readonly world: BenchWorld
  readonly effort: Effort
  /** With 64 devices open at the realm that is running. */
  readonly generator: Generator
  readonly realm: RealmUnderTest
  /** Core, realm and, with PostgreSQL, the database server. */
  readonly watched: Watched
  readonly findings: Findings
}

export interface Findings {
  title(text: string): void
  say(text: string): void
  table(rows: readonly Row[]): void
  /** Kept for the closing comparison and for `--json`. */
  keep(name: string, value: unknown): void
  readonly kept: Readonly<Record<string, unknown>>
}

export const DEVICES = 64
export const KEYS_EACH = 50

export function createFindings(): Findings {
  const kept: Record<string, unknown> = {}
  const startMs = performance.now()
  const elapsed = () => Math.round((performance.now() - startMs) / 1000)
  return {
    title: (text) => console.log(`\n## ${text} [after ${elapsed()} s]\n`),
    say: (text) => console.log(text),
    table: (rows) => console.log(`${table(rows)}\n`),
    keep(name, value) {
      kept[name] = value
    },
    kept,
  }
}

export interface Run {
  readonly options: Options
  readonly findings: Findings
  readonly world: BenchWorld
}

export interface Place {
  readonly name: string
  readonly store: object
  /** Asked once the realm has its connections. */
  readonly alsoWatched?: () => Watched
  readonly nodeOptions?: readonly string[]
}

/** Does `work` with a fresh realm and a generator whose devices are open; both are gone afterwards. */
export async function withRealm(
  { options, findings, world }: Run,
  { name, store, alsoWatched, nodeOptions = [] }: Place,
  work: (bench: Bench) => Promise<void>,
): Promise<void> {
  const realm = await world.startRealm(name, store, nodeOptions)
  const generator = startGenerator()
  try {
    const people = world.issuer.people(DEVICES)
    await generator.openDevices({ cloud: world.cloud, people, keysEach: KEYS_EACH })
    const watched = { core: [world.corePid], realm: [realm.pid], ...alsoWatched?.() }
    await work({ world, effort: options.effort, generator, realm, watched, findings })
  } finally {
    generator.close()
    await realm.stop()
  }
}
