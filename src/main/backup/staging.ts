// A realm put back from a backup as it comes about, in a folder of its own: files, database, and what the folder needs
// beside them. It does not know where it is wanted before the end.

import { chmodSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { BackupItem, KeptFile, ReadBackup } from '../../backup/index.ts'
import { mapPaths, parseSettings, type Settings } from '../../config/index.ts'
import { systemRandom } from '../../crypto/index.ts'
import { Fault } from '../../fault.ts'
import { openRefill, type Refill } from '../../store/index.ts'
import { makeAdminToken } from '../admin-token.ts'
import { CommandError } from '../command-error.ts'
import { storeSettings } from '../store-settings.ts'
import { UNFINISHED_FILE } from '../unfinished-restore.ts'
import { flushTree } from './folder.ts'
import { LastStartReader } from './last-start.ts'
import { placeOfFile, SETTINGS_FILE, settingsInPlace } from './place.ts'

const writePrivate = async (file: string, content: Uint8Array | string, mode = 0o600) => {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(file, content, { mode, flag: 'wx', flush: true })
  // What the umask took away from the mode.
  chmodSync(file, mode)
}

const withStore = (raw: unknown, store: unknown): unknown =>
  store === undefined ? raw : { ...Object(raw), store }

export interface Staging {
  readonly folder: string
  readonly raw: unknown
  readonly settings: Settings
  /** Names the filling of the database. */
  readonly restore: string
  readonly lastStart: LastStartReader
}

const putFile = async (staging: Staging, files: readonly KeptFile[], item: BackupItem) => {
  if (item.kind !== 'file') return
  const file = files.find(({ part }) => part === item.part)
  const place = file === undefined ? undefined : placeOfFile(file, staging.raw)
  if (file === undefined || place === undefined) return
  await writePrivate(join(staging.folder, place), item.content, file.mode)
}

const inTheWay = ({ store }: Settings): CommandError =>
  new CommandError(
    'store.not-empty',
    store.kind === 'sqlite'
      ? `${store.file} holds a database, and nothing is overwritten: move it away first, with ${store.file}-wal if that is there`
      : `the database ${store.database} at ${store.host} is not empty, and nothing is overwritten: name another one (--store FILE)`,
  )

/** Throws a CommandError `store.not-empty` that names what is in the way. */
const openFilling = async ({ settings, restore }: Staging, about: ReadBackup['about']) => {
  try {
    return await openRefill(storeSettings(settings), { ...about, restore })
  } catch (error) {
    throw error instanceof Fault && error.code === 'store.not-empty' ? inTheWay(settings) : error
  }
}

/** Files and rows, in the order of the backup. */
export const fill = async (staging: Staging, { about, items }: ReadBackup): Promise<void> => {
  let refill: Refill | undefined
  try {
    for await (const item of items) {
      await putFile(staging, about.files, item)
      if (item.kind !== 'rows') continue
      // Only now: the password of a database may be one of the files.
      refill ??= await openFilling(staging, about)
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

/** `store` instead of that section of the settings, where there is one. */
export const stagingIn = (folder: string, kept: unknown, store: unknown): Staging => {
  const raw = withStore(settingsInPlace(kept), store)
  const settings = parseSettings(raw, join(folder, SETTINGS_FILE))
  return { folder, raw, settings, restore: systemRandom.uuid(), lastStart: new LastStartReader() }
}

/** What the folder needs beside what was in the backup. Without the settings nothing starts there: they come last. */
export const complete = async (
  { folder, raw, settings, restore, lastStart }: Staging,
  place: string,
): Promise<void> => {
  const { stateDirectory } = settings.realm
  const told = lastStart.text()
  if (told !== undefined) await writePrivate(join(stateDirectory, 'last-start.json'), told)
  makeAdminToken(settings)
  await writePrivate(join(stateDirectory, UNFINISHED_FILE), restore)
  // Whole paths, so that they hold wherever the settings are copied to.
  const inPlace = mapPaths(raw, (_, path) => resolve(place, path))
  await writePrivate(join(folder, SETTINGS_FILE), `${JSON.stringify(inPlace, undefined, 2)}\n`)
  flushTree(folder)
}
