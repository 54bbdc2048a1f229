// `keyrealm restore`: everything is read and checked first, then written into a folder of its own beside the wanted
// one, which gets its name last. The log goes on as another one and says that it was put back, and from what. Killed
// anywhere, the same command does it again.

import { renameSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { checkEntries, type EntriesVerdict } from '../../audit/index.ts'
import {
  loadSettings,
  parseSettingsText,
  readNamedText,
  type Settings,
} from '../../config/index.ts'
import { Fault } from '../../fault.ts'
import { openRealm, type Realm } from '../assembly.ts'
import { SYSTEM } from '../beside.ts'
import { CommandError } from '../command-error.ts'
import { concludeRestore } from '../unfinished-restore.ts'
import { assertEmpty, flushTree } from './folder.ts'
import { type BackupQuestion, type CheckedBackup, checkBackup, readBackupFile } from './open.ts'
import { SETTINGS_FILE } from './place.ts'
import { takeScratch } from './scratch.ts'
import { complete, fill, type Staging, stagingIn } from './staging.ts'

export interface RestoreWish extends BackupQuestion {
  /** A folder that is empty or does not exist. */
  readonly to: string
  /** Instead of the `store` section of the backup. */
  readonly store?: unknown
}

export interface Restored {
  readonly folder: string
  readonly config: string
  readonly checked: CheckedBackup
  /** `altered`: entries of the log are not those that were published. It was put back nevertheless, and says so. */
  readonly entries: EntriesVerdict
}

/** The next generation of the log: what was published after the backup was made is not in it. */
const beginNextLog = async (
  realm: Realm,
  checked: CheckedBackup,
  entries: EntriesVerdict,
): Promise<void> => {
  await realm.ledger.commit(async (tx) => {
    const { size, checkpoint } = await tx.tree.head()
    await tx.tree.beginAgain()
    const details = {
      verdict: 'backup',
      entries,
      size,
      backupSha256: checked.sha256,
      backupOf: checked.about.createdAt,
      backupVersion: checked.about.version,
      ...(checkpoint === '' ? {} : { keptCheckpoint: checkpoint }),
    }
    const act = { action: 'log.restored', outcome: 'done', type: 'AUDIT_LOG' } as const
    return { result: undefined, acts: [{ ...act, actor: SYSTEM, details }] }
  })
}

/** Throws a CommandError `main.backup-log-cut` for a log that could not go on. */
const judgeEntries = async ({ store }: Realm, { backup }: RestoreWish): Promise<EntriesVerdict> => {
  const { verdict } = await store.read(checkEntries)
  if (verdict !== 'missing') return verdict
  throw new CommandError(
    'main.backup-log-cut',
    `the audit log in ${backup} lacks entries that it counts itself: take an earlier backup`,
  )
}

const stage = async (staging: Staging, wish: RestoreWish, checked: CheckedBackup) => {
  const { settings, restore } = staging
  await mkdir(settings.realm.stateDirectory, { recursive: true, mode: 0o700 })
  const { sha256 } = await readBackupFile(wish, (read) => fill(staging, read), 'put back')
  if (sha256 !== checked.sha256) {
    throw new CommandError('main.backup-changed', `${wish.backup} was changed while it was read`)
  }
  const realm = await openRealm(settings, 'allowed', restore)
  try {
    const entries = await judgeEntries(realm, wish)
    await beginNextLog(realm, checked, entries)
    return entries
  } finally {
    await realm.store.close()
  }
}

const inWords = (error: unknown, folder: string): unknown => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'store.full':
      return new CommandError('main.disk-full', 'there is no space left to put the backup back')
    case 'EACCES':
    case 'EROFS':
      return new CommandError('main.not-writable', `${folder} may not be made here by this user`)
    default:
      return error
  }
}

/** A folder of its own, filled, and named last: what was there may have become something meanwhile. */
const putBack = async (wish: RestoreWish, checked: CheckedBackup, folder: string) => {
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 })
  const scratch = takeScratch(folder)
  try {
    await mkdir(scratch.path, { mode: 0o700 })
    const staging = stagingIn(scratch.path, checked.settings, wish.store)
    const entries = await stage(staging, wish, checked)
    await complete(staging, folder)
    assertEmpty(folder)
    renameSync(scratch.path, folder)
    flushTree(dirname(folder), 'alone')
    return entries
  } finally {
    scratch.release()
  }
}

/** The realm is in place. Where the database is away just now, its first start concludes. */
const concludeNow = (settings: Settings): Promise<void> =>
  concludeRestore(settings).catch((error: unknown) => {
    if (error instanceof Fault && error.code === 'store.unavailable') return
    throw error
  })

/**
 * Throws a CommandError or a Fault, and then the wanted folder is as it was; a database elsewhere may hold rows of what was
 * not finished, which nobody opens and the next restore takes out.
 */
export const restore = async (wish: RestoreWish): Promise<Restored> => {
  const folder = resolve(wish.to)
  assertEmpty(folder)
  const checked = await checkBackup(wish)
  let entries: EntriesVerdict
  try {
    entries = await putBack(wish, checked, folder)
  } catch (error) {
    throw inWords(error, folder)
  }
  const config = join(folder, SETTINGS_FILE)
  await concludeNow(loadSettings(config))
  return { folder, config, checked, entries }
}

/** The `store` section that a file holds. */
export const readStoreSection = (file: string): unknown =>
  parseSettingsText(readNamedText(file), file)

export const restoredSettings = ({ config }: Restored): Settings => loadSettings(config)
