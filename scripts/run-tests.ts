// Runs the test suites and ends with one line: `N passed, N failed`, and `, N skipped` if any were.
// Usage: node scripts/run-tests.ts [--all | suite …]; without a suite, the fast ones. `--list` prints them.
// `--checks-passed N` and `--checks-failed N` are what scripts/test ran before: they count in the closing line.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SUITES, type Suite } from './house/suites.ts'
import type { Totals } from './house/totals-reporter.ts'

const ROOT = join(import.meta.dirname, '..')
const SCRATCH = mkdtempSync(join(tmpdir(), 'keyrealm-tests-'))
const NOTHING: Totals = { passed: 0, failed: 0, skipped: 0 }
const UNFINISHED: Totals = { passed: 0, failed: 1, skipped: 0 }

/** One test file may take this long; a hung one is named by node's runner before the suite's limit. */
const FILE_TIMEOUT_MS = 240_000

const filesOf = ({ folder }: Suite): readonly string[] =>
  globSync(`test/${folder}/**/*.test.ts`, { cwd: ROOT, exclude: ['**/node_modules/**'] }).sort()

const nodeTestArguments = (suite: Suite, totalsFile: string): string[] => [
  '--test',
  `--test-isolation=${suite.isolation}`,
  ...(suite.isolation === 'process' ? [`--test-concurrency=${suite.filesAtOnce}`] : []),
  `--test-timeout=${suite.fileTimeoutMs ?? Math.min(suite.timeoutMs, FILE_TIMEOUT_MS)}`,
  `--test-reporter=${join(ROOT, 'scripts/house/failures-reporter.ts')}`,
  '--test-reporter-destination=stdout',
  `--test-reporter=${join(ROOT, 'scripts/house/totals-reporter.ts')}`,
  `--test-reporter-destination=${totalsFile}`,
  ...filesOf(suite),
]

/** A suite that is told to stop gets this long to take down what it started. */
const STOP_WITHIN_MS = 20_000

let running: ChildProcess | undefined
let isInterrupted = false

/** A suite leads a process group of its own, so that whatever it started ends with it. */
const signalGroup = ({ pid }: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void => {
  try {
    if (pid !== undefined) process.kill(-pid, signal)
  } catch {
    // Nobody of the group is left.
  }
}

const stop = (child: ChildProcess): void => {
  signalGroup(child, 'SIGTERM')
  setTimeout(() => signalGroup(child, 'SIGKILL'), STOP_WITHIN_MS).unref()
}

/** Resolves with the exit code; leaves nobody of the child's group behind. */
const finish = (child: ChildProcess, limitMs: number): Promise<number> =>
  new Promise((resolve) => {
    running = child
    const timer = setTimeout(() => {
      console.log(`  FAILED: not finished after ${limitMs / 1000} s, stopped`)
      stop(child)
    }, limitMs)
    const end = (code: number): void => {
      clearTimeout(timer)
      signalGroup(child, 'SIGKILL')
      resolve(code)
    }
    child.once('error', () => end(1))
    child.once('exit', (code) => end(code ?? 1))
  })

const start = (suite: Suite, args: readonly string[], stdout: 'inherit' | 'pipe'): ChildProcess => {
  const env = { ...process.env, ...suite.environment }
  return spawn(process.execPath, args, {
    cwd: ROOT,
    env,
    detached: true,
    stdio: ['ignore', stdout, 'inherit'],
  })
}

const readTotals = (file: string): Totals =>
  existsSync(file) && readFileSync(file, 'utf8') !== ''
    ? JSON.parse(readFileSync(file, 'utf8'))
    : UNFINISHED

const runFiles = async (suite: Suite): Promise<Totals> => {
  const totalsFile = join(SCRATCH, `${suite.name}.json`)
  const code = await finish(
    start(suite, nodeTestArguments(suite, totalsFile), 'inherit'),
    suite.timeoutMs,
  )
  const totals = readTotals(totalsFile)
  return code !== 0 && totals.failed === 0 ? { ...totals, failed: 1 } : totals
}

/** What the last `ℹ pass 3` lines of node's own reporter say. */
const totalsIn = (output: string): Totals => {
  const last = (word: string): number =>
    Number([...output.matchAll(new RegExp(`^\\S* ?${word} (\\d+)$`, 'gm'))].at(-1)?.[1] ?? 0)
  return {
    passed: last('pass'),
    failed: last('fail') + last('cancelled'),
    skipped: last('skipped') + last('todo'),
  }
}

const runProgram = async (suite: Suite, program: string): Promise<Totals> => {
  const child = start(suite, [program], 'pipe')
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString()
    process.stdout.write(chunk)
  })
  const code = await finish(child, suite.timeoutMs)
  const totals = totalsIn(output)
  return code !== 0 && totals.failed === 0 ? { ...totals, failed: 1 } : totals
}

/** npm writes its own record after every install that succeeded; a lockfile newer than it asks for another. */
const isInstalled = (folder: string): boolean => {
  const record = join(folder, 'node_modules', '.package-lock.json')
  const lockfile = join(folder, 'package-lock.json')
  return existsSync(record) && statSync(record).mtimeMs >= statSync(lockfile).mtimeMs
}

const NPM_CI = ['ci', '--ignore-scripts', '--no-audit', '--no-fund']

/** True when the packages a suite keeps for itself are there. */
const install = ({ installs }: Suite): boolean => {
  if (installs === undefined) return true
  const folder = join(ROOT, installs)
  return (
    isInstalled(folder) || spawnSync('npm', NPM_CI, { cwd: folder, stdio: 'inherit' }).status === 0
  )
}

const runSuite = async (suite: Suite): Promise<Totals> => {
  if (filesOf(suite).length === 0) {
    console.log(`${suite.name}: no tests yet`)
    return NOTHING
  }
  const startedAt = performance.now()
  console.log(`${suite.name}:`)
  if (!install(suite)) return UNFINISHED
  const totals = await (suite.program === undefined
    ? runFiles(suite)
    : runProgram(suite, suite.program))
  const took = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(`${suite.name}: ${toText(totals)}, ${took} s`)
  return totals
}

const toText = ({ passed, failed, skipped }: Totals): string =>
  `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`

const chosen = (names: readonly string[], isAll: boolean): readonly Suite[] => {
  const unknown = names.filter((name) => !SUITES.some((suite) => suite.name === name))
  if (unknown.length > 0) throw new Error(`no such suite: ${unknown.join(', ')}; try --list`)
  if (names.length > 0) return SUITES.filter(({ name }) => names.includes(name))
  return SUITES.filter(({ isFast }) => isAll || isFast)
}

const main = async (): Promise<void> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      all: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      'checks-passed': { type: 'string', default: '0' },
      'checks-failed': { type: 'string', default: '0' },
    },
  })
  if (values.list) {
    for (const suite of SUITES)
      console.log(`${suite.name.padEnd(13)} ${filesOf(suite).length} files`)
    return
  }
  let sum: Totals = {
    passed: Number(values['checks-passed']),
    failed: Number(values['checks-failed']),
    skipped: 0,
  }
  for (const suite of chosen(positionals, values.all)) {
    if (isInterrupted) break
    const { passed, failed, skipped } = await runSuite(suite)
    sum = {
      passed: sum.passed + passed,
      failed: sum.failed + failed,
      skipped: sum.skipped + skipped,
    }
  }
  console.log(toText(sum))
  if (isInterrupted || sum.failed > 0 || sum.passed === 0) process.exitCode = 1
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    isInterrupted = true
    if (running !== undefined) stop(running)
  })
process.once('exit', () => rmSync(SCRATCH, { recursive: true, force: true }))

await main()
