// A PostgreSQL server of one's own: fresh data, a free port on loopback, a random password, fsync on.
// It ends with the process that started it, however that process ends, and leaves no file behind.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import pg from 'pg'
import {
  type Account,
  findPrograms,
  giveTo,
  openTemporaryFolder,
  ordinaryAccount,
} from './postgres-binaries.ts'

export interface RunningPostgres {
  /** A database `keyrealm`, by its owner. */
  readonly url: string
  /** A fresh, empty database; its URL. */
  createDatabase(): Promise<string>
  /** Ends the server and removes its data. */
  stop(): Promise<void>
  /** The server dies at once, as by a power cut of the process; its data stay. */
  kill(): Promise<void>
  /** Starts it again on the same data and port, after `kill`. */
  restart(): Promise<void>
}

export interface PostgresOptions {
  /** Also answers TLS with these, PEM. */
  readonly tls?: { readonly certificatePem: string; readonly keyPem: string }
  /** Lines of postgresql.conf that come last. */
  readonly settings?: readonly string[]
}

const USER = 'keyrealm'
const READY_WITHIN_MS = 60_000
const POLL_MS = 50
const PORTS_TRIED = 5
const DATABASE_NAME_BYTES = 6

const CONFIGURATION = [
  `listen_addresses = '127.0.0.1'`,
  `unix_socket_directories = ''`,
  `dynamic_shared_memory_type = mmap`,
  'shared_buffers = 32MB',
  'max_connections = 60',
  'fsync = on',
  'synchronous_commit = on',
]

/**
 * Waits for a word on its input, or for its end, which comes when the process that started it dies; then
 * ends the server and, unless told to keep them, removes the data.
 */
const SUPERVISOR = `
  home="$1"; shift
  "$@" & server=$!
  read -r word
  kill -QUIT "$server" 2> /dev/null
  wait "$server"
  [ "$word" = keep ] || rm -rf "$home"`

interface Place {
  readonly home: string
  readonly data: string
  readonly programs: string
  readonly account: Account
  readonly password: string
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

const urlOf = ({ password }: Place, port: number, database: string): string =>
  `postgres://${USER}:${password}@127.0.0.1:${port}/${database}`

const configure = ({ data, account }: Place, options: PostgresOptions): void => {
  const lines = [...CONFIGURATION, ...(options.settings ?? [])]
  if (options.tls !== undefined) {
    writeFileSync(join(data, 'server.crt'), options.tls.certificatePem, { mode: 0o600 })
    writeFileSync(join(data, 'server.key'), options.tls.keyPem, { mode: 0o600 })
    lines.push('ssl = on')
  }
  writeFileSync(join(data, 'postgresql.auto.conf'), `${lines.join('\n')}\n`)
  giveTo(account, data)
}

/** A prepared data directory, or why there is none. */
const prepare = (options: PostgresOptions): Place | { readonly unavailable: string } => {
  const account = ordinaryAccount()
  const home = mkdtempSync(join(openTemporaryFolder(account), 'keyrealm-postgres-'))
  const give = (unavailable: string) => {
    rmSync(home, { recursive: true, force: true })
    return { unavailable }
  }
  const programs = findPrograms(home)
  if (programs === undefined) return give('no PostgreSQL: run `npm ci` in test/postgres')
  const password = randomBytes(16).toString('hex')
  const passwordFile = join(home, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  giveTo(account, home)
  const place = { home, data: join(home, 'data'), programs, account, password }
  const made = spawnSync(
    join(programs, 'initdb'),
    [
      `--pgdata=${place.data}`,
      `--username=${USER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--no-locale',
      '--no-sync',
    ],
    { ...account, cwd: home, encoding: 'utf8', env: { PATH: process.env['PATH'] } },
  )
  if (made.status !== 0) return give(`initdb failed: ${made.error ?? made.stderr}`)
  configure(place, options)
  return place
}

interface Server {
  readonly supervisor: ChildProcess
  readonly log: () => string
}

const launch = ({ home, data, programs, account }: Place, port: number): Server => {
  const supervisor = spawn(
    '/bin/sh',
    ['-c', SUPERVISOR, 'sh', home, join(programs, 'postgres'), '-D', data, '-p', String(port)],
    {
      ...account,
      cwd: home,
      // A group of its own: who kills this process's group must leave the supervisor to clean up.
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { PATH: process.env['PATH'] },
    },
  )
  let log = ''
  supervisor.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-4000)
  })
  // Neither keeps this process alive: a test that forgets to stop the server still ends.
  supervisor.unref()
  for (const stream of [supervisor.stdin, supervisor.stderr]) {
    if (stream !== null && 'unref' in stream && typeof stream.unref === 'function') stream.unref()
  }
  return { supervisor, log: () => log }
}

const ask = async (url: string, sql: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query(sql)
  } finally {
    await client.end()
  }
}

const isReady = (url: string): Promise<boolean> =>
  ask(url, 'select 1').then(
    () => true,
    () => false,
  )

const processId = ({ data }: Place): number | undefined => {
  try {
    return Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
  } catch {
    return undefined
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Resolves once it answers; undefined if it ended first: the port was taken, or the data are in use. */
const start = async (place: Place, port: number): Promise<Server | undefined> => {
  const server = launch(place, port)
  const deadline = performance.now() + READY_WITHIN_MS
  await setTimeout(POLL_MS)
  while (performance.now() < deadline) {
    if (await isReady(urlOf(place, port, 'postgres'))) return server
    const pid = processId(place)
    if (pid === undefined || !isAlive(pid)) {
      await setTimeout(POLL_MS * 4)
      if (processId(place) === undefined) break
    }
    await setTimeout(POLL_MS)
  }
  await end(server, 'keep')
  return undefined
}

const end = async ({ supervisor }: Server, word: 'keep' | 'remove'): Promise<void> => {
  if (supervisor.exitCode !== null || supervisor.signalCode !== null) return
  supervisor.ref()
  const ended = once(supervisor, 'exit')
  supervisor.stdin?.end(`${word}\n`)
  await ended
}

const startSomewhere = async (
  place: Place,
): Promise<{ readonly server: Server; readonly port: number } | undefined> => {
  for (let tried = 0; tried < PORTS_TRIED; tried++) {
    const port = await freePort()
    const server = await start(place, port)
    if (server !== undefined) return { server, port }
  }
  return undefined
}

/** A server, or why there can be none here. */
export const startPostgres = async (
  options: PostgresOptions = {},
): Promise<RunningPostgres | { readonly unavailable: string }> => {
  if (process.env['KEYREALM_SQLITE_ONLY'] === '1') {
    return { unavailable: 'the suite `postgres` runs this on a server' }
  }
  const place = prepare(options)
  if ('unavailable' in place) return place
  const started = await startSomewhere(place)
  if (started === undefined) {
    rmSync(place.home, { recursive: true, force: true })
    return { unavailable: 'the server did not start' }
  }
  const { port } = started
  let { server } = started
  const admin = urlOf(place, port, 'postgres')
  const createDatabase = async (name: string): Promise<string> => {
    await ask(admin, `create database ${name}`)
    return urlOf(place, port, name)
  }
  return {
    url: await createDatabase(USER),
    createDatabase: () =>
      createDatabase(`test_${randomBytes(DATABASE_NAME_BYTES).toString('hex')}`),
    async stop() {
      await end(server, 'remove')
      rmSync(place.home, { recursive: true, force: true })
    },
    async kill() {
      const pid = processId(place)
      if (pid !== undefined) process.kill(pid, 'SIGKILL')
      await end(server, 'keep')
    },
    async restart() {
      const again = await start(place, port)
      if (again === undefined) throw new Error(`PostgreSQL did not start again: ${server.log()}`)
      server = again
    },
  }
}
