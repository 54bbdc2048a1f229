// Where things of a restored realm lie: one folder that holds everything, so that it is there whole or not at all and
// nothing of another realm can be in the way.

import { join } from 'node:path'
import type { KeptFile } from '../../backup/index.ts'
import { mapPaths, namedPaths } from '../../config/index.ts'

export const SETTINGS_FILE = 'appliance.json'

const WRITTEN: Readonly<Record<string, string>> = {
  'realm.stateDirectory': 'state',
  'store.file': 'realm.sqlite',
  'unlock.passphrase.file': 'passphrase',
  'log.file': 'appliance.log',
  'backup.folder': 'backups',
}

/** Below the folder of the realm. */
const placeOf = (setting: string): string => {
  const written = WRITTEN[setting]
  if (written !== undefined) return written
  const [, ship] = /^audit\.ship\.(\d+)\.file$/.exec(setting) ?? []
  return ship === undefined ? join('files', setting) : join('audit', `${ship}.log`)
}

/** The settings as they stand in the folder: every path in them points into it. */
export const settingsInPlace = (raw: unknown): unknown => mapPaths(raw, placeOf)

/** Where a kept file goes, below the folder; undefined if these settings name it no more. */
export const placeOfFile = (file: KeptFile, raw: unknown): string | undefined => {
  const isNamed = namedPaths(raw).some(({ setting }) => setting === file.setting)
  if (!isNamed) return undefined
  const place = placeOf(file.setting)
  return file.inFolder === undefined ? place : join(place, file.inFolder)
}
