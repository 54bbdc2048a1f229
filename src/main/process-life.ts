// The log's first and last words for a start of the process: what runs, from which settings, and how the
// start before it ended. What was not stopped cleanly could not say so itself, so the next start does.

import { readFileSync, renameSync, writeFileSync } from 'node:fs'
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
  /** While it is not known to be in the log: behind which entry it would be, and which start came before it. */
  readonly pending?: { readonly after: number; readonly before?: LastStart }
}

const lastStartFile = ({ settings }: Realm): string =>
  join(settings.realm.stateDirectory, 'last-start.json')

const parseLastStart = (value: unknown): LastStart | undefined => {
  const { boot, isStopped, pending } = Object(value)
  if (typeof boot !== 'string') return undefined
  const start = { boot, isStopped: isStopped === true }
  if (typeof pending?.after !== 'number') return start
  const before = parseLastStart(pending.before)
  return {
    ...start,
    pending: { after: pending.after, ...(before === undefined ? {} : { before }) },
  }
}

const readLastStart = (realm: Realm): LastStart | undefined => {
  try {
    return parseLastStart(JSON.parse(readFileSync(lastStartFile(realm), 'utf8')))
  } catch {
    // The first start.
    return undefined
  }
}

/** Put in place whole. */
const writeLastStart = (realm: Realm, start: LastStart): void => {
  const file = lastStartFile(realm)
  writeFileSync(`${file}.new`, JSON.stringify(start), { mode: 0o600, flush: true })
  renameSync(`${file}.new`, file)
}

const LOOKED_AT = 1000

/** The last start that the log tells of: one that died while it was about to say so may have said it, or not. */
const lastTold = async (realm: Realm): Promise<LastStart | undefined> => {
  const last = readLastStart(realm)
  if (last?.pending === undefined) return last
  const { after, before } = last.pending
  const next = await realm.store.read((tx) => tx.audit.read(after, LOOKED_AT))
  return next.some(({ body }) => Object(JSON.parse(body)).boot === last.boot) ? last : before
}

const previousOf = (last: LastStart | undefined): Readonly<Record<string, string>> => {
  if (last === undefined) return { previousStop: 'unknown' }
  return { previousBoot: last.boot, previousStop: last.isStopped ? 'clean' : 'unclean' }
}

/** Who vouches for what runs; nothing unless the settings asked for it. */
const releaseOf = ({ release }: Realm): Readonly<Record<string, string | number>> =>
  release === undefined
    ? {}
    : { releaseSigner: release.signer.name, releaseLogSize: release.logSize }

const started = (realm: Realm, digests: OwnDigests, last: LastStart | undefined): Act => ({
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
    ...previousOf(last),
  },
})

/** The first part to start and the last to stop. */
export const lifePart = (realm: Realm, digests: OwnDigests): Part => ({
  name: 'audit-log',
  start: async () => {
    const { boot } = realm
    const last = await lastTold(realm)
    const { sequence: after } = await realm.store.read((tx) => tx.audit.head())
    const before = last && { boot: last.boot, isStopped: last.isStopped }
    const pending = { after, ...(before === undefined ? {} : { before }) }
    writeLastStart(realm, { boot, isStopped: false, pending })
    await record(realm, started(realm, digests, last))
    writeLastStart(realm, { boot, isStopped: false })
  },
  stop: async () => {
    await record(realm, {
      action: 'process.stopped',
      outcome: 'done',
      actor: SYSTEM,
      type: 'PROCESS',
    })
    await realm.log.publishAll()
    writeLastStart(realm, { boot: realm.boot, isStopped: true })
    await realm.store.close()
  },
})
