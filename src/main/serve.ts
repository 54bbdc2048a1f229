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
import { configuredPassphrase, openRealm } from './assembly.ts'
import { upgradeIfSetUp } from './backup/upgrade.ts'
import { recordUpgrade } from './backup/upgrade-note.ts'
import { createListeners } from './listeners.ts'
import { ownDigests } from './own-files.ts'
import { lifePart } from './process-life.ts'
import { refuseRestored } from './restored.ts'

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

/** Runs until a signal; resolves with the exit code. */
export const serve = async (settings: Settings, configFile: string): Promise<number> => {
  const log = createLog(settings.log)
  const metrics = createMetrics({ process: 'measured' })
  await upgradeIfSetUp(configFile, settings)
  const realm = await openRealm(settings)
  const digests = ownDigests(configFile)
  try {
    await refuseRestored(realm)
    await recordUpgrade(realm)
  } catch (error) {
    await realm.store.close()
    throw error
  }
  const appliance = await createAppliance(realm, log, metrics)
  const jobs = createJobs({ jobs: appliance.jobs, log, metrics })
  return runUntilStopped({
    log,
    stopWithin: STOP_WITHIN,
    parts: [
      lifePart(realm, digests),
      unlockPart(appliance, log),
      ...createListeners({ appliance, log, metrics, digests }),
      ...appliance.peerListeners,
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
