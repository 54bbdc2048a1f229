// One child process of the development world: started until it answers, stopped politely, killed when asked to.
// It never restarts a child that died by itself: it says so, with the end of its log, and leaves the rest running.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

export interface ChildPlan {
  readonly name: string
  /** Script and parameters for the pinned node. */
  readonly command: readonly string[]
  readonly logFile: string
  /** Whether the child does its work now; asked again and again while it starts. */
  answers(): Promise<boolean>
}

export interface Child {
  readonly name: string
  /** Resolves when the child answers. Throws, with the end of its log, when it exits first or is too slow. */
  start(): Promise<void>
  /** Asks the child to end, and ends it when it does not. */
  stop(): Promise<void>
  /** kill -9, then start, one caller after the other. */
  restart(): Promise<void>
  /** It stands still, with its connections open, until `resume`. */
  pause(): void
  resume(): void
}

const START_TIMEOUT_MS = 90_000
const STOP_TIMEOUT_MS = 10_000
const POLL_MS = 100
const TAIL_LINES = 25
const LEASH = pathToFileURL(`${import.meta.dirname}/leash.ts`).href

export function superviseChild(plan: ChildPlan): Child {
  let running: ChildProcess | undefined
  let isStarting = false

  function launch(): ChildProcess {
    const launched = spawnLogged(plan.command, plan.logFile)
    running = launched
    launched.once('exit', (code, signal) => {
      if (running !== launched) return
      running = undefined
      // Whoever waits for the start is told by an error.
      if (isStarting) return
      const how = signal ?? `exit code ${code}`
      console.error(`\n${plan.name} ended by itself (${how}).\n${tailOf(plan.logFile)}`)
    })
    return launched
  }

  /** From here on the end of the process is expected. */
  function release(): ChildProcess | undefined {
    const released = running
    running = undefined
    return released
  }

  async function start(): Promise<void> {
    if (running) return
    isStarting = true
    try {
      await untilItAnswers(launch())
    } finally {
      isStarting = false
    }
  }

  async function untilItAnswers(launched: ChildProcess): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS
    while (!(await plan.answers().catch(() => false))) {
      if (running !== launched) {
        throw new Error(`${plan.name} did not start.\n${tailOf(plan.logFile)}`)
      }
      if (performance.now() > deadline) {
        throw new Error(`${plan.name} does not answer.\n${tailOf(plan.logFile)}`)
      }
      await wait(POLL_MS)
    }
  }

  let turn: Promise<void> = Promise.resolve()

  /** Restarts wait for each other, so that two callers do not kill each other's process. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    const done = turn.then(work)
    turn = done.catch(() => undefined)
    return done
  }

  return {
    name: plan.name,
    start,
    async stop() {
      await end(release(), 'SIGTERM')
    },
    pause: () => void running?.kill('SIGSTOP'),
    resume: () => void running?.kill('SIGCONT'),
    restart: () =>
      inTurn(async () => {
        await end(release(), 'SIGKILL')
        await start()
      }),
  }
}

/** Runs a command to its end. Throws, with the end of its log, unless it succeeds. */
export async function runToEnd(command: readonly string[], logFile: string): Promise<void> {
  const [code, signal] = await once(spawnLogged(command, logFile), 'exit')
  if (code === 0) return
  const how = signal ?? `exit code ${code}`
  throw new Error(`"${command.join(' ')}" failed (${how}).\n${tailOf(logFile)}`)
}

/** In a process group of its own, so that Ctrl-C reaches the supervisor alone; on a leash, so that it dies with it. */
function spawnLogged(command: readonly string[], logFile: string): ChildProcess {
  mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 })
  const log = openSync(logFile, 'a', 0o600)
  try {
    return spawn(process.execPath, ['--import', LEASH, ...command], {
      detached: true,
      stdio: ['ignore', log, log, 'pipe'],
    })
  } finally {
    closeSync(log)
  }
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill(signal)
  const patience = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await exited
  clearTimeout(patience)
}

function tailOf(logFile: string): string {
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES)
  return [`End of ${logFile}:`, ...lines.map((line) => `  ${line}`)].join('\n')
}
