// Runs the test suites and ends with one line: `N passed, N failed`, and `, N skipped` if any were. Lanes of suites run beside each
// other, first those of the fast ones, then those of the heavy ones.
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
  '--disable-warning=ExperimentalWarning',
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

const running = new Set<ChildProcess>()
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
    running.add(child)
    const timer = setTimeout(() => {
      console.log(`  FAILED: not finished after ${limitMs / 1000} s, stopped`)
      stop(child)
    }, limitMs)
    const end = (code: number): void => {
      clearTimeout(timer)
      running.delete(child)
      resolve(code)
    }
    child.once('error', () => end(1))
    child.once('exit', () => signalGroup(child, 'SIGKILL'))
    // Not before the last of its output was read.
    child.once('close', (code) => end(code ?? 1))
  })

type Print = (text: string) => void

/** What it prints is collected, too, for totals that only the output tells. */
const run = async (
  suite: Suite,
  args: readonly string[],
  print: Print,
): Promise<{ readonly code: number; readonly output: string }> => {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...suite.environment },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    print(text)
  })
  child.stderr.setEncoding('utf8').on('data', print)
  return { code: await finish(child, suite.timeoutMs), output }
}

const readTotals = (file: string): Totals =>
  existsSync(file) && readFileSync(file, 'utf8') !== ''
    ? JSON.parse(readFileSync(file, 'utf8'))
    : UNFINISHED

const held = (totals: Totals, code: number): Totals =>
  code !== 0 && totals.failed === 0 ? { ...totals, failed: 1 } : totals

const runFiles = async (suite: Suite, print: Print): Promise<Totals> => {
  const totalsFile = join(SCRATCH, `${suite.name}.json`)
  const { code } = await run(suite, nodeTestArguments(suite, totalsFile), print)
  return held(readTotals(totalsFile), code)
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

const runProgram = async (suite: Suite, program: string, print: Print): Promise<Totals> => {
  const { code, output } = await run(suite, [program], print)
  return held(totalsIn(output), code)
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

const runSuite = async (suite: Suite, print: Print): Promise<Totals> => {
  if (filesOf(suite).length === 0) {
    print(`${suite.name}: no tests yet\n`)
    return NOTHING
  }
  const startedAt = performance.now()
  print(`${suite.name}:\n`)
  if (!install(suite)) return UNFINISHED
  const totals = await (suite.program === undefined
    ? runFiles(suite, print)
    : runProgram(suite, suite.program, print))
  const took = ((performance.now() - startedAt) / 1000).toFixed(1)
  print(`${suite.name}: ${toText(totals)}, ${took} s\n`)
  return totals
}

const plus = (one: Totals, other: Totals): Totals => ({
  passed: one.passed + other.passed,
  failed: one.failed + other.failed,
  skipped: one.skipped + other.skipped,
})

const toStdout: Print = (text) => {
  process.stdout.write(text)
}

/** One after the other. Beside another lane, a suite prints in one piece when it is through. */
const runLane = async (suites: readonly Suite[], isAlone: boolean): Promise<Totals> => {
  let sum = NOTHING
  for (const suite of suites) {
    if (isInterrupted) break
    let text = ''
    const collect: Print = (more) => {
      text += more
    }
    sum = plus(sum, await runSuite(suite, isAlone ? toStdout : collect))
    toStdout(text)
  }
  return sum
}

const runLanes = async (suites: readonly Suite[]): Promise<Totals> => {
  const lanes = [...Map.groupBy(suites, ({ lane }) => lane).values()]
  const sums = await Promise.all(lanes.map((lane) => runLane(lane, lanes.length === 1)))
  return sums.reduce(plus, NOTHING)
}

const runAll = async (suites: readonly Suite[]): Promise<Totals> =>
  plus(
    await runLanes(suites.filter(({ isFast }) => isFast)),
    await runLanes(suites.filter(({ isFast }) => !isFast)),
  )

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
  const checks: Totals = {
    passed: Number(values['checks-passed']),
    failed: Number(values['checks-failed']),
    skipped: 0,
  }
  const sum = plus(checks, await runAll(chosen(positionals, values.all)))
  console.log(toText(sum))
  if (isInterrupted || sum.failed > 0 || sum.passed === 0) process.exitCode = 1
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    isInterrupted = true
    for (const child of running) stop(child)
  })
process.once('exit', () => rmSync(SCRATCH, { recursive: true, force: true }))

await main()
