// What preflight says: what is wrong, why it matters, and the exact remedy; and what it asks the machine, so that a test
// can answer for a machine that is not at hand.

import { lookup } from 'node:dns/promises'
import { readFileSync, statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import {
  askDate,
  type DateQuestion,
  type ProbeAnswer,
  probeTls,
  type TlsProbe,
} from '../../links/index.ts'
import { systemClock } from '../../runtime/index.ts'
import type { Instant } from '../../time.ts'

export interface Finding {
  /** Stable: `clock.off`. */
  readonly check: string
  /** `error`: the realm does not start, or not safely. `warning`: it will hurt later. */
  readonly level: 'error' | 'warning'
  readonly what: string
  readonly why: string
  readonly remedy: string
}

export interface Means {
  now(): Instant
  /** Does the name lead to an address? */
  resolves(host: string): Promise<boolean>
  freeBytes(folder: string): number | undefined
  /** Type of the file system (statfs f_type). */
  fileSystem(folder: string): number | undefined
  entropyBits(): number | undefined
  dateOf(question: DateQuestion): Promise<Instant | undefined>
  probe(probe: TlsProbe): Promise<ProbeAnswer>
  /** The system's code if this address cannot be listened on. */
  listenProblem(host: string, port: number): Promise<string | undefined>
}

const orUndefined = <Result>(read: () => Result): Result | undefined => {
  try {
    return read()
  } catch {
    return undefined
  }
}

const listenProblem = (host: string, port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error) => resolve('code' in error ? String(error.code) : 'unknown'))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)))
  })

export const systemMeans: Means = {
  now: () => systemClock.now(),
  resolves: (host) =>
    lookup(host).then(
      () => true,
      () => false,
    ),
  freeBytes: (folder) =>
    orUndefined(() => {
      const { bavail, bsize } = statfsSync(folder)
      return bavail * bsize
    }),
  fileSystem: (folder) => orUndefined(() => statfsSync(folder).type),
  entropyBits: () =>
    orUndefined(() => Number(readFileSync('/proc/sys/kernel/random/entropy_avail', 'utf8'))),
  dateOf: askDate,
  probe: probeTls,
  listenProblem,
}
