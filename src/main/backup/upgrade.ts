// A database of an older program is brought forward only after a backup of it, or on somebody's word. There is no way
// back but that backup.

import { loadSettings, type Settings } from '../../config/index.ts'
import { Fault } from '../../fault.ts'
import { openRealm, type Realm, record } from '../assembly.ts'
import { SYSTEM } from '../beside.ts'
import { refuseRestored } from '../restored.ts'
import { VERSION } from '../version.ts'
import {
  type BackupWish,
  planBackup,
  recordWritten,
  type WrittenBackup,
  writeBackupFile,
} from './write.ts'

export interface Upgraded {
  readonly upgraded: boolean
  /** The backup that was made first. */
  readonly backup?: string
}

const isPending = (error: unknown): boolean =>
  error instanceof Fault && error.code === 'store.migration-pending'

const recordUpgrade = async (realm: Realm, backup: WrittenBackup | undefined): Promise<void> => {
  await refuseRestored(realm)
  if (backup !== undefined) await recordWritten(realm, backup)
  await record(realm, {
    action: 'realm.upgraded',
    outcome: 'done',
    actor: SYSTEM,
    type: 'PROCESS',
    details: { version: VERSION, backupSha256: backup?.sha256 ?? 'none' },
  })
}

/** Opened as it is, if it is up to date; undefined if an upgrade is due. */
const openCurrent = async (settings: Settings): Promise<Realm | undefined> => {
  try {
    return await openRealm(settings)
  } catch (error) {
    if (isPending(error)) return undefined
    throw error
  }
}

/** `isBackedUp` false: on the operator's word. Throws what a backup throws, and then nothing was changed. */
export const upgrade = async (wish: BackupWish, isBackedUp: boolean): Promise<Upgraded> => {
  const settings = loadSettings(wish.config)
  const current = await openCurrent(settings)
  if (current !== undefined) {
    await current.store.close()
    return { upgraded: false }
  }
  const backup = isBackedUp ? await writeBackupFile(planBackup(wish)) : undefined
  const realm = await openRealm(settings, 'allowed')
  try {
    await recordUpgrade(realm, backup)
  } finally {
    await realm.store.close()
  }
  return { upgraded: true, ...(backup === undefined ? {} : { backup: backup.file }) }
}

/** What `serve` does first: with `backup` in the settings it upgrades by itself, without it waits for somebody. */
export const upgradeIfSetUp = async (config: string, settings: Settings): Promise<void> => {
  if (settings.backup === undefined) return
  await upgrade({ config, onBytes: () => undefined }, true)
}
