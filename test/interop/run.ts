// Runs the interop suite: installs its packages if missing, starts a world if KEYREALM_READY_FILE
// names none, runs the tests, tears the world down and exits with the suite's code.
// Usage: node test/interop/run.ts [test files…]
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const HERE = import.meta.dirname
const ROOT = path.resolve(HERE, '../..')
const START_WITHIN_MS = 120_000
const STOP_WITHIN_MS = 15_000
const PORTS_WANTED = 40

/** Stopping the child makes our own wait for it end, and with it everything after, in order. */
function stopOnSignal(child: ChildProcess): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
}

function installPackages(): void {
  const installed = path.join(HERE, 'node_modules', '.package-lock.json')
  const wanted = path.join(HERE, 'package-lock.json')
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts'], { cwd: HERE, stdio: 'inherit' })
  if (status !== 0) throw new Error(`npm ci failed with status ${status}`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

/** The first port of a run of free ones. Below the range the system hands out by itself. */
async function freePortBase(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const base = 12_000 + PORTS_WANTED * Math.floor(Math.random() * 400)
    const ports = Array.from({ length: PORTS_WANTED }, (_, offset) => isFree(base + offset))
    if ((await Promise.all(ports)).every(Boolean)) return base
  }
  throw new Error('no run of free ports found')
}

interface StartedWorld {
  readonly process: ChildProcess
  readonly readyFile: string
  /** What it complained of; its demonstration, which runs beside the tests, is one of the things that may fail. */
  complaints(): string
}

async function startWorld(folder: string): Promise<StartedWorld> {
  const readyFile = path.join(folder, 'ready.json')
  const data = path.join(folder, 'data')
  const portBase = String(await freePortBase())
  const options = ['--ready-file', readyFile, '--port-base', portBase, '--data', data]
  const started = spawn(path.join(ROOT, 'scripts', 'start'), options, {
    cwd: ROOT,
    detached: true, // a process group of its own, so that the whole world can be stopped
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaints = ''
  started.stderr.on('data', (chunk: Buffer) => {
    process.stderr.write(chunk)
    complaints += chunk.toString()
  })
  stopOnSignal(started)
  const failed = new Promise<never>((_, reject) => {
    started.once('error', reject)
    started.once('exit', (code) => reject(new Error(`scripts/start ended with code ${code}`)))
  })
  failed.catch(() => {}) // it also ends when we stop it
  const waitForFile = async (): Promise<void> => {
    const deadline = Date.now() + START_WITHIN_MS
    while (!existsSync(readyFile)) {
      if (Date.now() > deadline) throw new Error(`no world within ${START_WITHIN_MS} ms`)
      await delay(200)
    }
  }
  try {
    await Promise.race([waitForFile(), failed])
  } catch (error) {
    await stopGroup(started)
    throw error
  }
  return { process: started, readyFile, complaints: () => complaints }
}

function groupLives(group: number): boolean {
  try {
    return process.kill(-group, 0)
  } catch {
    return false
  }
}

async function stopGroup({ pid }: ChildProcess): Promise<void> {
  if (pid === undefined || !groupLives(pid)) return
  process.kill(-pid, 'SIGTERM')
  const deadline = Date.now() + STOP_WITHIN_MS
  while (groupLives(pid) && Date.now() < deadline) await delay(100)
  if (groupLives(pid)) process.kill(-pid, 'SIGKILL')
}

/** In order of their names, one at a time: the last one kills the realm. */
function testFiles(): string[] {
  if (process.argv.length > 2) return process.argv.slice(2).map((file) => path.resolve(file))
  const tests = readdirSync(HERE).filter((file) => file.endsWith('.test.ts'))
  return tests.toSorted().map((file) => path.join(HERE, file))
}

function runTests(readyFile: string): Promise<number> {
  const options = ['--test', '--test-concurrency=1', '--test-timeout=180000', ...testFiles()]
  const tests = spawn(process.execPath, options, {
    cwd: HERE,
    env: { ...process.env, KEYREALM_READY_FILE: readyFile },
    stdio: 'inherit',
  })
  stopOnSignal(tests)
  return new Promise((resolve) => tests.once('exit', (code) => resolve(code ?? 1)))
}

async function run(): Promise<number> {
  installPackages()
  const given = process.env['KEYREALM_READY_FILE']
  if (given) return runTests(path.resolve(given))
  const folder = mkdtempSync(path.join(tmpdir(), 'keyrealm-interop-'))
  try {
    const world = await startWorld(folder)
    try {
      const code = await runTests(world.readyFile)
      return world.complaints().includes('The demonstration failed') ? 1 : code
    } finally {
      await stopGroup(world.process)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

process.exitCode = await run()
