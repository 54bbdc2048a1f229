// What a backup of this appliance is made of: its settings, every file that they name but the passphrase, and the
// database as it is at one moment.

import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import {
  type About,
  type BackupSource,
  isReadableAbout,
  type KeptFile,
} from '../../backup/index.ts'
import { namedPaths, parseSettingsText, type Settings } from '../../config/index.ts'
import type { Snapshot } from '../../store/index.ts'
import { type Instant, toRfc3339 } from '../../time.ts'
import { assertWholeFolders } from '../carrier-files.ts'
import { CommandError } from '../command-error.ts'
import { VERSION } from '../version.ts'

interface FoundFile extends Omit<KeptFile, 'part'> {
  readonly file: string
}

const PERMISSIONS = 0o777

const missing = (setting: string, file: string): CommandError =>
  new CommandError(
    'main.backup-incomplete',
    `${setting} names ${file}, which cannot be read: a backup without it would not start`,
  )

const filesOf = (setting: string, path: string): readonly FoundFile[] => {
  try {
    const stats = statSync(path)
    if (!stats.isDirectory()) return [{ setting, file: path, mode: stats.mode & PERMISSIONS }]
    return namesIn(path).map((name) => {
      const file = resolve(path, name)
      return { setting, file, inFolder: name, mode: statSync(file).mode & PERMISSIONS }
    })
  } catch {
    throw missing(setting, path)
  }
}

const contentOf = ({ setting, file }: FoundFile): Uint8Array => {
  try {
    return readFileSync(file)
  } catch {
    throw missing(setting, file)
  }
}

/** As whoever reads these folders does: no links, and nothing hidden. */
const shownIn = (folder: string): readonly Dirent[] =>
  readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !name.startsWith('.'))

/** Files, and those of its folders: a folder of anchors has one for each domain with anchors of its own. */
const namesIn = (folder: string): readonly string[] =>
  shownIn(folder).flatMap((entry) => {
    if (!entry.isDirectory()) return entry.isFile() ? [entry.name] : []
    return shownIn(resolve(folder, entry.name))
      .filter((below) => below.isFile())
      .map(({ name }) => `${entry.name}/${name}`)
  })

const keptFiles = (settingsText: string, configFile: string): readonly FoundFile[] =>
  namedPaths(parseSettingsText(settingsText, configFile))
    .filter(({ role }) => role === 'kept')
    .flatMap(({ setting, path }) => filesOf(setting, resolve(dirname(configFile), path)))

export interface SourceParts {
  readonly settings: Settings
  readonly configFile: string
  readonly snapshot: Snapshot
  readonly now: Instant
}

/**
 * Throws a CommandError `main.backup-incomplete` if a file that the settings name cannot be read (now, or once its turn has come),
 * `main.anchors-unusable` for a folder of anchors that shuts a domain out: put back without it, the realm would accept that domain again.
 */
export const backupSource = (parts: SourceParts): BackupSource => {
  const { settings, configFile, snapshot, now } = parts
  assertWholeFolders(settings)
  const settingsText = readFileSync(configFile)
  const found = keptFiles(new TextDecoder().decode(settingsText), configFile)
  const named = found.map((kept, index) => ({
    ...kept,
    part: `files/${String(index + 1).padStart(4, '0')}`,
  }))
  const about: About = {
    format: 'keyrealm-backup/1',
    domain: settings.realm.domain,
    createdAt: toRfc3339(now),
    version: VERSION,
    store: snapshot.kind,
    migrations: snapshot.migrations,
    tables: snapshot.tables,
    files: named.map(({ file: _, ...kept }) => kept),
  }
  if (!isReadableAbout(about)) {
    throw new CommandError(
      'main.backup-unreadable',
      'a name in these settings or folders cannot stand in a backup: it could not be put back',
    )
  }
  return {
    about,
    settings: settingsText,
    file: async (part) => {
      const kept = named.find((one) => one.part === part)
      if (kept === undefined) throw missing('a setting', part)
      return contentOf(kept)
    },
    rows: (table) => snapshot.rows(table),
  }
}
