// The command line of the bench. An option or a section that is not known stops it.
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

export const SECTIONS = [
  'retrievals',
  'creations',
  'handshakes',
  'interference',
  'memory',
  'flatness',
  'postgres',
] as const
export type Section = (typeof SECTIONS)[number]

export const USAGE = `Usage: node scripts/bench/kms.ts [--quick] [--only name,…] [--json FILE] [--profile DIR]
sections: ${SECTIONS.join(', ')}`

/** How much is measured, and for how long. */
export interface Effort {
  readonly isQuick: boolean
  /** Length of a window. */
  readonly seconds: number
  /** Each point is measured so often, in turns with what it is compared with; the best counts. */
  readonly rounds: number
  /** Concurrent devices and messages a post. */
  readonly points: readonly (readonly [devices: number, perPost: number])[]
  readonly creationPoints: readonly (readonly [devices: number, perPost: number])[]
  readonly rsaSeconds: number
  readonly sessions: number
  readonly storedKeys: readonly number[]
}

export interface Options {
  readonly effort: Effort
  readonly sections: ReadonlySet<Section>
  readonly jsonFile?: string | undefined
  readonly profileFolder?: string | undefined
}

const FULL: Effort = {
  isQuick: false,
  seconds: 1.6,
  rounds: 2,
  points: [
    [1, 1],
    [16, 1],
    [64, 1],
    [1, 50],
    [16, 50],
    [64, 50],
  ],
  creationPoints: [
    [1, 1],
    [64, 1],
    [16, 50],
  ],
  rsaSeconds: 3,
  sessions: 5000,
  storedKeys: [10_000, 100_000, 1_000_000],
}

const QUICK: Effort = {
  isQuick: true,
  seconds: 0.5,
  rounds: 1,
  points: [
    [64, 1],
    [16, 50],
  ],
  creationPoints: [[16, 50]],
  rsaSeconds: 1,
  sessions: 300,
  storedKeys: [10_000, 50_000],
}

/** Throws with a sentence for whoever typed it. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      json: { type: 'string' },
      profile: { type: 'string' },
    },
  })
  const { json, profile } = values
  return {
    effort: values.quick ? QUICK : FULL,
    sections: sectionsOf(values.only),
    jsonFile: json === undefined ? undefined : resolve(json),
    profileFolder: profile === undefined ? undefined : resolve(profile),
  }
}

function sectionsOf(only: string | undefined): ReadonlySet<Section> {
  if (only === undefined) return new Set(SECTIONS)
  const wanted = only.split(',')
  const found = SECTIONS.filter((name) => wanted.includes(name))
  const unknown = wanted.find((name) => !SECTIONS.some((known) => known === name))
  if (unknown !== undefined) throw new Error(`"${unknown}" is not a section.`)
  return new Set(found)
}
