// `keyrealm serve`: parts are started in order and stopped in reverse. The audit log speaks first (before
// the first unlock) and last.

import { readFileSync } from 'node:fs'
import type { Settings } from '../config/index.ts'
import { sha256Hex } from '../crypto/index.ts'
import {
  createJobs,
  createLog,
  createMetrics,
  type Log,
  type Part,
  runUntilStopped,
} from '../runtime/index.ts'
import { seconds } from '../time.ts'
import { type Appliance, createAppliance } from './appliance.ts'
import { configuredPassphrase, openRealm, type Realm, record } from './assembly.ts'
import { createListeners } from './listeners.ts'
import { VERSION } from './version.ts'

const STOP_WITHIN = seconds(10)
const SYSTEM = { kind: 'system' } as const

/** The log's first and last words for this start of the process. */
const lifePart = (realm: Realm, configFile: string): Part => ({
  name: 'audit-log',
  start: () =>
    record(realm, {
      action: 'process.started',
      outcome: 'done',
      actor: SYSTEM,
      type: 'PROCESS',
      details: {
        version: VERSION,
        runtime: process.version,
        configSha256: sha256Hex(readFileSync(configFile)),
        store: realm.settings.store.kind,
      },
    }),
  stop: async () => {
    await record(realm, {
      action: 'process.stopped',
      outcome: 'done',
      actor: SYSTEM,
      type: 'PROCESS',
    })
    await realm.store.close()
  },
})

const unlockPart = (appliance: Appliance, log: Log): Part => ({
  name: 'unlock',
  start: async () => {
    const passphrase = configuredPassphrase(appliance.realm.settings)
    if (passphrase === undefined) {
      log.warn('realm.starts-locked')
      return
    }
    await appliance.unlock(passphrase)
    passphrase.wipe()
  },
  stop: async () => undefined,
})

const part = (
  name: string,
  start: () => void | Promise<void>,
  stop: () => Promise<void>,
): Part => ({
  name,
  start: async () => start(),
  stop,
})

/** Runs until a signal; resolves with the exit code. */
export const serve = async (settings: Settings, configFile: string): Promise<number> => {
  const log = createLog(settings.log)
  const metrics = createMetrics({ process: 'measured' })
  const realm = await openRealm(settings)
  const appliance = await createAppliance(realm, log, metrics)
  const jobs = createJobs({ jobs: appliance.jobs, log, metrics })
  return runUntilStopped({
    log,
    stopWithin: STOP_WITHIN,
    parts: [
      lifePart(realm, configFile),
      unlockPart(appliance, log),
      ...createListeners(appliance, log, metrics),
      part(
        'link',
        () => appliance.line.open(),
        () => appliance.close(),
      ),
      part(
        'indexer',
        () => appliance.search.start(),
        () => appliance.search.stop(),
      ),
      part(
        'jobs',
        () => jobs.start(),
        () => jobs.stop(),
      ),
    ],
  })
}
