// The test suites, in the order of their lanes: what each proves stands in test/README.md.

export interface Suite {
  readonly name: string
  /** Folder below `test/`; all `*.test.ts` in it belong to the suite. */
  readonly folder: string
  /** Part of `npm test`: fast enough to run before every commit. */
  readonly isFast: boolean
  /**
   * Pure suites share one process, which is ten times faster. Suites that open stores, sockets or processes get one
   * process a file, so that none can hide what another leaves behind.
   */
  readonly isolation: 'none' | 'process'
  readonly filesAtOnce: number
  /** Suites of one lane run one after the other, beside those of the other lanes of their speed. */
  readonly lane: string
  readonly timeoutMs: number
  /** Of one test file, where it needs longer than most. */
  readonly fileTimeoutMs?: number
  readonly environment?: Readonly<Record<string, string>>
  /** Folder with a package.json and a lockfile of its own, installed before the suite runs. */
  readonly installs?: string
  /** A program that runs the suite itself and ends with the closing line. */
  readonly program?: string
}

/** Limits end what hangs; they are no measure of speed, and hold on a machine that does other things too. */
const MINUTE_MS = 60_000

const pure = (name: string): Suite => ({
  name,
  folder: name,
  isFast: true,
  isolation: 'none',
  filesAtOnce: 1,
  lane: 'pure',
  timeoutMs: 5 * MINUTE_MS,
})

const furnished = (name: string): Suite => ({
  ...pure(name),
  isolation: 'process',
  filesAtOnce: 2,
  lane: 'furnished',
})

const heavy = (name: string, lane = 'attacked'): Suite => ({
  ...furnished(name),
  isFast: false,
  lane,
  timeoutMs: 20 * MINUTE_MS,
})

const INTEROP = 'test/interop'

export const SUITES: readonly Suite[] = [
  pure('architecture'),
  pure('unit'),
  pure('property'),
  pure('vectors'),
  furnished('conformance'),
  // PostgreSQL has a suite of its own.
  { ...furnished('contract'), environment: { KEYREALM_SQLITE_ONLY: '1' } },
  furnished('boundary'),
  // In each lane first what uses one core, so that at the end both are busy.
  {
    ...heavy('interop', 'running'),
    timeoutMs: 10 * MINUTE_MS,
    program: `${INTEROP}/run.ts`,
    installs: INTEROP,
  },
  {
    ...heavy('postgres', 'running'),
    folder: 'contract',
    environment: { KEYREALM_REQUIRE_POSTGRES: '1' },
    installs: 'test/postgres',
  },
  heavy('system', 'running'),
  // Builds releases, from nothing and more than once; an installed one serves the interop suite.
  {
    ...heavy('release'),
    filesAtOnce: 1,
    timeoutMs: 40 * MINUTE_MS,
    fileTimeoutMs: 15 * MINUTE_MS,
    installs: INTEROP,
  },
  heavy('attack'),
]
