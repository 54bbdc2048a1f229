// `keyrealm serve`: parts are started in order and stopped in reverse. The audit log speaks first (before
// the first unlock) and last.

import type { Settings } from '../config/index.ts'
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
import { configuredPassphrase, openRealm, type Realm } from './assembly.ts'
import { CommandError } from './command-error.ts'
import { createListeners } from './listeners.ts'
import { lifePart } from './process-life.ts'

const STOP_WITHIN = seconds(10)

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

const REASONS = {
  behind: 'the database is older than what was published from it: it was put back from a copy',
  forked: 'the database is not the one that the kept checkpoint was published from',
  unreadable: 'the kept checkpoint is damaged',
} as const

/**
 * Nothing is signed, and no key is released, on a database that is not the one whose log was published:
 * `keyrealm audit accept-restore` begins a new log after somebody has looked.
 */
const refuseRestored = async (realm: Realm): Promise<void> => {
  const { verdict } = await realm.log.check()
  if (verdict === 'whole') return
  await realm.store.close()
  throw new CommandError(`audit.log-${verdict}`, REASONS[verdict])
}

/** Runs until a signal; resolves with the exit code. */
export const serve = async (settings: Settings, configFile: string): Promise<number> => {
  const log = createLog(settings.log)
  const metrics = createMetrics({ process: 'measured' })
  const realm = await openRealm(settings)
  await refuseRestored(realm)
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
        'jobs',
        () => jobs.start(),
        () => jobs.stop(),
      ),
    ],
  })
}
