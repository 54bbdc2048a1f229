// A process under measurement: started until it is ready, known by its id, stopped politely. It dies with the
// bench, however the bench ends (scripts/dev/supervise/leash.ts).
import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { get } from 'node:http'
import { createServer } from 'node:net'
import { dirname, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

const LEASH = pathToFileURL(resolve(import.meta.dirname, '../dev/supervise/leash.ts')).href
const READY_WITHIN_MS = 60_000
const STOP_WITHIN_MS = 15_000
const POLL_MS = 50
const TAIL_LINES = 15

export interface ProcessWanted {
  readonly name: string
  /** Script and parameters for this very Node. */
  readonly command: readonly string[]
  readonly nodeOptions?: readonly string[]
  readonly logFile: string
  isReady(): Promise<boolean>
}

export interface Running {
  readonly pid: number
  stop(): Promise<void>
}

/** Resolves once it is ready. Throws, with the end of its log, when it ends first or is too slow. */
export async function startProcess(wanted: ProcessWanted): Promise<Running> {
  const child = launch(wanted)
  const deadline = performance.now() + READY_WITHIN_MS
  let isReady = false
  while (!isReady) {
    await wait(POLL_MS)
    isReady = await wanted.isReady().catch(() => false)
    // Somebody else may answer on a port that this one could not have.
    if (hasEnded(child) || performance.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`${wanted.name} did not start.\n${tailOf(wanted.logFile)}`)
    }
  }
  return { pid: child.pid ?? 0, stop: () => stop(child) }
}

function launch({ command, nodeOptions = [], logFile }: ProcessWanted): ChildProcess {
  mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 })
  const log = openSync(logFile, 'a', 0o600)
  try {
    return spawn(process.execPath, [...nodeOptions, '--import', LEASH, ...command], {
      stdio: ['ignore', log, log, 'pipe'],
    })
  } finally {
    closeSync(log)
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const patience = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS)
  await ended
  clearTimeout(patience)
}

function tailOf(logFile: string): string {
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n')
}

export function isReadyAt(port: number): Promise<boolean> {
  return new Promise((settle, reject) => {
    const asked = get({ host: '127.0.0.1', port, path: '/readyz', agent: false }, (answer) => {
      answer.resume()
      settle(answer.statusCode === 200)
    })
    asked.on('error', reject)
    asked.setTimeout(2000, () => asked.destroy(new Error('no answer')))
  })
}

/** Below what the kernel hands out by itself, so that no outgoing connection takes one before it is used. */
const FIRST_PORT = 12_000
const PORTS = 18_000

/** Different ports that were free a moment ago. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const free = new Set<number>()
  while (free.size < count) {
    const port = FIRST_PORT + randomInt(PORTS)
    if (await isFree(port)) free.add(port)
  }
  return [...free]
}

function isFree(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const server = createServer()
    server.once('error', () => settle(false))
    server.listen(port, '127.0.0.1', () => server.close(() => settle(true)))
  })
}
