// A backup file opened with a recovery key: read once to the end before anybody acts on it, and its digest taken.

import { createReadStream } from 'node:fs'
import { type ReadBackup, readBackup } from '../../backup/index.ts'
import {
  namedPaths,
  openNamedFile,
  parseSettings,
  parseSettingsText,
  readSecret,
} from '../../config/index.ts'
import { createDigest, openWithRecoveryKey, SecretBytes } from '../../crypto/index.ts'
import { Fault } from '../../fault.ts'
import { CommandError } from '../command-error.ts'

export interface BackupQuestion {
  readonly backup: string
  /** File with the recovery key, closed to others. */
  readonly recoveryKey: string
  /** Whose backup it must be. */
  readonly domain: string
  /** What the file must be, where somebody wrote that down. */
  readonly sha256?: string | undefined
  /** Bytes read so far, and what for. */
  readonly onBytes?: (total: number, what: 'checked' | 'put back') => void
}

interface Contents {
  readonly about: ReadBackup['about']
  readonly settings: unknown
}

export interface CheckedBackup extends Contents {
  readonly sha256: string
  readonly sizeBytes: number
}

const WORDS: Readonly<Record<string, string>> = {
  'crypto.not-an-age-file': 'is no backup: it does not begin like an age file',
  'crypto.age-not-for-this-key':
    'does not open with this recovery key, or its first bytes are damaged',
  'crypto.age-damaged': 'is damaged or cut off',
  'crypto.not-a-recovery-key': 'was given a recovery key file that holds no recovery key',
  'backup.unknown-format': 'was made by a newer program',
}

/** In words, under the code it came with. */
const inWords = (error: unknown, file: string): unknown => {
  if (!(error instanceof Fault)) return error
  const { code } = error
  if (!code.startsWith('crypto.') && !code.startsWith('backup.')) return error
  return new CommandError(code, `${file} ${WORDS[code] ?? 'is damaged'}`)
}

async function* watched(
  file: string,
  see: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  const fd = openNamedFile(file)
  for await (const chunk of createReadStream(file, { fd, highWaterMark: 256 * 1024 })) {
    see(chunk)
    yield chunk
  }
}

/** Reads the backup from its beginning. `use` gets everything in order; its end means that all of it was whole. */
export const readBackupFile = async <Result>(
  question: BackupQuestion,
  use: (read: ReadBackup) => Promise<Result>,
  what: 'checked' | 'put back',
): Promise<{ readonly result: Result; readonly sha256: string; readonly sizeBytes: number }> => {
  const identity = SecretBytes.from(readSecret({ file: question.recoveryKey }))
  const digest = createDigest()
  let sizeBytes = 0
  const chunks = watched(question.backup, (chunk) => {
    digest.add(chunk)
    sizeBytes += chunk.length
    question.onBytes?.(sizeBytes, what)
  })
  try {
    const read = await readBackup(openWithRecoveryKey(identity, chunks))
    const result = await use(read)
    return { result, sha256: digest.hex(), sizeBytes }
  } catch (error) {
    throw inWords(error, question.backup)
  } finally {
    identity.wipe()
  }
}

const settingsOf = (content: Uint8Array): unknown =>
  parseSettingsText(new TextDecoder().decode(content), 'settings.json')

const ofAnotherRealm = ({ backup, domain }: BackupQuestion, found: string): CommandError =>
  new CommandError(
    'main.backup-of-another-realm',
    `${backup} is a backup of ${found}, not of ${domain}`,
  )

/**
 * Whoever has the recipient can seal what they like: what a backup says of itself must be what its settings say, and
 * of its files none may lie where the realm writes its own (the admin token, the database) or its passphrase is.
 */
const judgeContents = (question: BackupQuestion, { about, settings }: Contents): void => {
  const { domain } = parseSettings(settings, '/settings.json').realm
  if (domain !== question.domain) throw ofAnotherRealm(question, domain)
  const kept = new Set(
    namedPaths(settings).flatMap(({ setting, role }) => (role === 'kept' ? [setting] : [])),
  )
  const places = about.files.map(({ setting, inFolder = '' }) => `${setting}/${inFolder}`)
  const stray = about.files.find(({ setting }) => !kept.has(setting))
  if (stray === undefined && new Set(places).size === places.length) return
  const which = stray === undefined ? 'the same file twice' : `a file for ${stray.setting}`
  throw new CommandError(
    'main.backup-unfit',
    `${question.backup} was not written by this program: it brings ${which}`,
  )
}

/** Reads all of it and touches nothing. Throws a CommandError that says what is wrong. */
export const checkBackup = async (question: BackupQuestion): Promise<CheckedBackup> => {
  const look = async ({ about, items }: ReadBackup) => {
    if (about.domain !== question.domain) {
      throw ofAnotherRealm(question, about.domain)
    }
    let settings: unknown
    for await (const item of items) {
      if (item.kind === 'settings') settings = settingsOf(item.content)
    }
    return { about, settings }
  }
  const { result, sha256, sizeBytes } = await readBackupFile(question, look, 'checked')
  if (question.sha256 !== undefined && question.sha256.toLowerCase() !== sha256) {
    throw new CommandError(
      'main.backup-digest-differs',
      `${question.backup} is whole, but not the file that was asked for: its SHA-256 is ${sha256}`,
    )
  }
  judgeContents(question, result)
  return { ...result, sha256, sizeBytes }
}
