// `keyrealm restore`: everything is read and checked first, then written into a folder of its own beside the wanted
// one, which gets its name last. The log goes on as another one and says that it was put back, and from what.

import { chmodSync, closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { checkEntries, type EntriesVerdict } from '../../audit/index.ts'
import type { BackupItem, KeptFile, ReadBackup } from '../../backup/index.ts'
import { loadSettings, parseSettings, type Settings } from '../../config/index.ts'
import { openRefill, type Refill } from '../../store/index.ts'
import { makeAdminToken } from '../admin-token.ts'
import { openRealm, type Realm } from '../assembly.ts'
import { SYSTEM } from '../beside.ts'
import { CommandError } from '../command-error.ts'
import { storeSettings } from '../store-settings.ts'
import { LastStartReader } from './last-start.ts'
import { type BackupQuestion, type CheckedBackup, checkBackup, readBackupFile } from './open.ts'
import { placeOfFile, SETTINGS_FILE, settingsInPlace } from './place.ts'

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

/** Throws a CommandError `main.not-empty` unless nothing is there. */
const assertEmpty = (folder: string): void => {
  try {
    if (readdirSync(folder).length === 0) return
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return
    throw new CommandError('main.not-empty', `${folder} is not a folder that can be used`)
  }
  throw new CommandError(
    'main.not-empty',
    `${folder} is not empty: a backup is put back into an empty folder`,
  )
}

const writePrivate = async (file: string, content: Uint8Array | string, mode = 0o600) => {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(file, content, { mode, flag: 'wx', flush: true })
  // What the umask took away from the mode.
  chmodSync(file, mode)
}

const withStore = (raw: unknown, store: unknown): unknown =>
  store === undefined ? raw : { ...Object(raw), store }

interface Staging {
  readonly folder: string
  readonly raw: unknown
  readonly settings: Settings
  readonly lastStart: LastStartReader
}

const putFile = async (staging: Staging, files: readonly KeptFile[], item: BackupItem) => {
  if (item.kind !== 'file') return
  const file = files.find(({ part }) => part === item.part)
  const place = file === undefined ? undefined : placeOfFile(file, staging.raw)
  if (file === undefined || place === undefined) return
  await writePrivate(join(staging.folder, place), item.content, file.mode)
}

const fill = async (staging: Staging, { about, items }: ReadBackup): Promise<void> => {
  let refill: Refill | undefined
  try {
    for await (const item of items) {
      await putFile(staging, about.files, item)
      if (item.kind !== 'rows') continue
      // Only now: the password of a database may be one of the files.
      refill ??= await openRefill(storeSettings(staging.settings), about)
      await refill.insert(item.table, item.rows)
      staging.lastStart.see(item.table, item.rows)
    }
    if (refill === undefined) throw new CommandError('main.backup-empty', 'the backup has no rows')
    await refill.finish()
  } catch (error) {
    await refill?.abandon()
    throw error
  }
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

const stage = async (
  wish: RestoreWish,
  checked: CheckedBackup,
  folder: string,
): Promise<EntriesVerdict> => {
  const raw = withStore(settingsInPlace(checked.settings), wish.store)
  const config = join(folder, SETTINGS_FILE)
  const settings = parseSettings(raw, config)
  const staging = { folder, raw, settings, lastStart: new LastStartReader() }
  await mkdir(settings.realm.stateDirectory, { recursive: true, mode: 0o700 })
  const { sha256 } = await readBackupFile(wish, (read) => fill(staging, read))
  if (sha256 !== checked.sha256) {
    throw new CommandError('main.backup-changed', `${wish.backup} was changed while it was read`)
  }
  const lastStart = staging.lastStart.text()
  if (lastStart !== undefined) {
    await writePrivate(join(settings.realm.stateDirectory, 'last-start.json'), lastStart)
  }
  makeAdminToken(settings)
  const entries = await beginRestored(settings, wish, checked)
  // Last: without it nothing starts here.
  await writePrivate(config, `${JSON.stringify(raw, undefined, 2)}\n`)
  return entries
}

const beginRestored = async (settings: Settings, wish: RestoreWish, checked: CheckedBackup) => {
  const realm = await openRealm(settings, 'allowed')
  try {
    const entries = await judgeEntries(realm, wish)
    await beginNextLog(realm, checked, entries)
    return entries
  } finally {
    await realm.store.close()
  }
}

const flushFolder = (folder: string): void => {
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

const inWords = (error: unknown): unknown => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOSPC' || code === 'store.full'
    ? new CommandError('main.disk-full', 'there is no space left to put the backup back')
    : error
}

/** Throws a CommandError or a Fault, and then the wanted folder is as it was. */
export const restore = async (wish: RestoreWish): Promise<Restored> => {
  const folder = resolve(wish.to)
  assertEmpty(folder)
  const checked = await checkBackup(wish)
  const staging = `${folder}.restoring`
  // Left by an attempt that was killed; nobody else gives a folder this name.
  rmSync(staging, { recursive: true, force: true })
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 })
  // Made here and now, or not at all: one that somebody else made would be theirs.
  await mkdir(staging, { mode: 0o700 })
  let entries: EntriesVerdict
  try {
    entries = await stage(wish, checked, staging)
    flushFolder(staging)
    renameSync(staging, folder)
    flushFolder(dirname(folder))
  } catch (error) {
    rmSync(staging, { recursive: true, force: true })
    throw inWords(error)
  }
  return { folder, config: join(folder, SETTINGS_FILE), checked, entries }
}

/** The `store` section that a file holds. */
export const readStoreSection = async (file: string): Promise<unknown> =>
  JSON.parse(await readFile(file, 'utf8'))

export const restoredSettings = ({ config }: Restored): Settings => loadSettings(config)
