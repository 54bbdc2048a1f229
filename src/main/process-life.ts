// The log's first and last words for a start of the process: what runs, from which settings, and how the
// start before it ended. What was not stopped cleanly could not say so itself, so the next start does.

import { closeSync, globSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Act } from '../audit/index.ts'
import { sha256Hex, sha256OfPieces } from '../crypto/index.ts'
import type { Part } from '../runtime/index.ts'
import { type Realm, record } from './assembly.ts'
import { SYSTEM } from './beside.ts'
import { VERSION } from './version.ts'

interface LastStart {
  readonly boot: string
  readonly isStopped: boolean
}

const PIECE_BYTES = 1024 * 1024
const SOURCES = join(import.meta.dirname, '..')

const lastStartFile = ({ settings }: Realm): string =>
  join(settings.realm.stateDirectory, 'last-start.json')

const readLastStart = (realm: Realm): LastStart | undefined => {
  try {
    const { boot, isStopped } = JSON.parse(readFileSync(lastStartFile(realm), 'utf8')) ?? {}
    return typeof boot === 'string' ? { boot, isStopped: isStopped === true } : undefined
  } catch {
    // The first start, or one that died before it had written the file.
    return undefined
  }
}

const writeLastStart = (realm: Realm, isStopped: boolean): void => {
  const start: LastStart = { boot: realm.boot, isStopped }
  writeFileSync(lastStartFile(realm), JSON.stringify(start), { mode: 0o600 })
}

function* piecesOf(file: string): Generator<Uint8Array> {
  const opened = openSync(file, 'r')
  try {
    const piece = new Uint8Array(PIECE_BYTES)
    for (;;) {
      const count = readSync(opened, piece)
      if (count === 0) return
      yield piece.subarray(0, count)
    }
  } finally {
    closeSync(opened)
  }
}

/** One digest over our program: each source file's path and digest, in order. */
const programSha256 = (): string => {
  const files = globSync('**/*.ts', { cwd: SOURCES }).sort()
  return sha256Hex(
    files.map((file) => `${sha256Hex(readFileSync(join(SOURCES, file)))}  ${file}\n`).join(''),
  )
}

const previousOf = (realm: Realm): Readonly<Record<string, string>> => {
  const last = readLastStart(realm)
  if (last === undefined) return { previousStop: 'unknown' }
  return { previousBoot: last.boot, previousStop: last.isStopped ? 'clean' : 'unclean' }
}

const started = (realm: Realm, configFile: string): Act => ({
  action: 'process.started',
  outcome: 'done',
  actor: SYSTEM,
  type: 'PROCESS',
  details: {
    version: VERSION,
    runtime: process.version,
    runtimeSha256: sha256OfPieces(piecesOf(process.execPath)),
    programSha256: programSha256(),
    configSha256: sha256Hex(readFileSync(configFile)),
    store: realm.settings.store.kind,
    ...previousOf(realm),
  },
})

/** The first part to start and the last to stop. */
export const lifePart = (realm: Realm, configFile: string): Part => ({
  name: 'audit-log',
  start: async () => {
    await record(realm, started(realm, configFile))
    writeLastStart(realm, false)
  },
  stop: async () => {
    await record(realm, {
      action: 'process.stopped',
      outcome: 'done',
      actor: SYSTEM,
      type: 'PROCESS',
    })
    await realm.log.publishAll()
    writeLastStart(realm, true)
    await realm.store.close()
  },
})
