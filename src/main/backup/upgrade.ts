// A database of an older program is brought forward only after a backup of it, or on somebody's word. There is no way
// back but that backup.

import { loadSettings, type Settings } from '../../config/index.ts'
import { Fault } from '../../fault.ts'
import { openRealm, type Realm } from '../assembly.ts'
import { CommandError } from '../command-error.ts'
import { refuseRestored } from '../restored.ts'
import { attemptsNoted, noteUpgrade, recordUpgrade } from './upgrade-note.ts'
import { type BackupWish, planBackup, type Written, writeBackupFile } from './write.ts'

export interface Upgraded {
  readonly upgraded: boolean
  /** The backup that was made first. */
  readonly backup?: string
}

const isPending = (error: unknown): boolean =>
  error instanceof Fault && error.code === 'store.migration-pending'

const isFull = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && ['ENOSPC', 'store.full'].includes(`${error.code}`)

const inWords = (error: unknown): unknown =>
  isFull(error)
    ? new CommandError(
        'main.disk-full',
        'there is no space left to bring the database forward; it is as it was',
      )
    : error

/** Opened as it is, if it is up to date; undefined if an upgrade is due. */
const openCurrent = async (settings: Settings): Promise<Realm | undefined> => {
  try {
    return await openRealm(settings)
  } catch (error) {
    if (isPending(error)) return undefined
    throw inWords(error)
  }
}

/** The backup first, then what is to be recorded, then the schema: all of it or nothing, in one transaction. */
const bring = async (settings: Settings, wish: BackupWish, isBackedUp: boolean) => {
  const note = (written?: Written) => noteUpgrade(settings, written)
  try {
    const backup = isBackedUp ? await writeBackupFile(planBackup(wish), note) : undefined
    if (backup === undefined) note()
    wish.onStep?.('bringing the database forward')
    return { realm: await openRealm(settings, 'allowed'), backup }
  } catch (error) {
    throw inWords(error)
  }
}

const recordAndClose = async (realm: Realm): Promise<void> => {
  try {
    await refuseRestored(realm)
    await recordUpgrade(realm)
  } finally {
    await realm.store.close()
  }
}

const refuseAnother = (settings: Settings, most: number): void => {
  const attempts = attemptsNoted(settings)
  if (attempts < most) return
  throw new CommandError(
    'main.upgrade-unfinished',
    `an upgrade was begun ${attempts} times and did not end; the database is as it was`,
  )
}

/**
 * `isBackedUp` false: on the operator's word. Throws what a backup throws, and a CommandError `main.disk-full`: then nothing
 * was changed. Killed at any time it can be asked for again; the log says in the end what was done. After `most` attempts
 * that did not end: `main.upgrade-unfinished`.
 */
export const upgrade = async (
  wish: BackupWish,
  isBackedUp: boolean,
  most = Number.POSITIVE_INFINITY,
): Promise<Upgraded> => {
  const settings = loadSettings(wish.config)
  const current = await openCurrent(settings)
  if (current !== undefined) {
    await recordAndClose(current)
    return { upgraded: false }
  }
  refuseAnother(settings, most)
  const { realm, backup } = await bring(settings, wish, isBackedUp)
  await recordAndClose(realm)
  return { upgraded: true, ...(backup === undefined ? {} : { backup: backup.file }) }
}

/** A power cut is survived by itself; what fails each time must not fill the disk with backups, one each start. */
const BY_ITSELF_MOST = 3

/** What `serve` does first: with `backup` in the settings it upgrades by itself, without it waits for somebody. */
export const upgradeIfSetUp = async (config: string, settings: Settings): Promise<void> => {
  if (settings.backup === undefined) return
  await upgrade({ config, onBytes: () => undefined }, true, BY_ITSELF_MOST)
}
