// What the log is still to say of an upgrade: an older schema can record nothing, so it is noted beside the database
// before anything is changed. Whoever is killed in between leaves the note, and whoever starts next records it.

import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Settings } from '../../config/index.ts'
import { type Realm, record } from '../assembly.ts'
import { SYSTEM } from '../beside.ts'
import { VERSION } from '../version.ts'
import { flushTree } from './folder.ts'
import { type Written, writtenAct } from './write.ts'

interface Note {
  /** Of the program that upgraded. */
  readonly version: string
  /** How often it tried. */
  readonly attempts: number
  /** Made before it, the last one last; more than one if an earlier attempt did not end. */
  readonly backups: readonly Written[]
}

const fileOf = ({ realm }: Settings): string => join(realm.stateDirectory, 'upgrade.json')

const parseWritten = (raw: unknown): Written | undefined => {
  const { sha256, sizeBytes, recipients } = Object(raw)
  const isFit =
    typeof sha256 === 'string' && typeof sizeBytes === 'number' && Array.isArray(recipients)
  return isFit ? { sha256, sizeBytes, recipients: recipients.map(String) } : undefined
}

const readNote = (settings: Settings): Note | undefined => {
  const file = fileOf(settings)
  if (!existsSync(file)) return undefined
  const text = readFileSync(file, 'utf8')
  const { version, attempts, backups } = Object(JSON.parse(text))
  const listed: readonly unknown[] = Array.isArray(backups) ? backups : []
  return {
    version: String(version),
    attempts: typeof attempts === 'number' ? attempts : 0,
    backups: listed.flatMap((one) => parseWritten(one) ?? []),
  }
}

/** How often this very program tried to upgrade this database, and did not come to the end. */
export const attemptsNoted = (settings: Settings): number => {
  const note = readNote(settings)
  return note?.version === VERSION ? note.attempts : 0
}

/**
 * Put in place whole, before the database is touched, and before the backup has its name: no backup is ever there of which
 * the log will not know. Killed between the two, the log will name one that is not there.
 */
export const noteUpgrade = (settings: Settings, backup: Written | undefined): void => {
  const earlier = readNote(settings)?.backups ?? []
  const note: Note = {
    version: VERSION,
    attempts: attemptsNoted(settings) + 1,
    backups: backup ? [...earlier, backup] : earlier,
  }
  const file = fileOf(settings)
  writeFileSync(`${file}.new`, JSON.stringify(note), { mode: 0o600, flush: true })
  renameSync(`${file}.new`, file)
  flushTree(settings.realm.stateDirectory, 'alone')
}

/** On a database that has been brought forward. It may be recorded twice by whoever is killed here, never not at all. */
export const recordUpgrade = async (realm: Realm): Promise<void> => {
  const note = readNote(realm.settings)
  if (note === undefined) return
  const { version, backups } = note
  await record(realm, ...backups.map(writtenAct), {
    action: 'realm.upgraded',
    outcome: 'done',
    actor: SYSTEM,
    type: 'PROCESS',
    details: { version, backupSha256: backups.at(-1)?.sha256 ?? 'none' },
  })
  // Somebody who starts at the same moment may have been quicker.
  rmSync(fileOf(realm.settings), { force: true })
}
