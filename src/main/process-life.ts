// The log's first and last words for a start of the process: what runs, from which settings, and how the
// start before it ended. What was not stopped cleanly could not say so itself, so the next start does.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Act } from '../audit/index.ts'
import type { Part } from '../runtime/index.ts'
import { type Realm, record } from './assembly.ts'
import { SYSTEM } from './beside.ts'
import type { OwnDigests } from './own-files.ts'
import { VERSION } from './version.ts'

interface LastStart {
  readonly boot: string
  readonly isStopped: boolean
}

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

const previousOf = (realm: Realm): Readonly<Record<string, string>> => {
  const last = readLastStart(realm)
  if (last === undefined) return { previousStop: 'unknown' }
  return { previousBoot: last.boot, previousStop: last.isStopped ? 'clean' : 'unclean' }
}

/** Who vouches for what runs; nothing unless the settings asked for it. */
const releaseOf = ({ release }: Realm): Readonly<Record<string, string | number>> =>
  release === undefined
    ? {}
    : { releaseSigner: release.signer.name, releaseLogSize: release.logSize }

const started = (realm: Realm, digests: OwnDigests): Act => ({
  action: 'process.started',
  outcome: 'done',
  actor: SYSTEM,
  type: 'PROCESS',
  details: {
    version: VERSION,
    runtime: process.version,
    ...digests,
    ...releaseOf(realm),
    store: realm.settings.store.kind,
    ...previousOf(realm),
  },
})

/** The first part to start and the last to stop. */
export const lifePart = (realm: Realm, digests: OwnDigests): Part => ({
  name: 'audit-log',
  start: async () => {
    await record(realm, started(realm, digests))
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
