// Reads and writes secret files. It refuses a file that others could read, one that belongs to
// somebody else, and anything that is not a plain file. The caller owns, and wipes, what it gets.

import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  type Stats,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { SecretSource } from './fields.ts'
import { readWhole } from './named-file.ts'

export type SecretErrorCode =
  | 'config.secret-missing'
  | 'config.secret-not-a-file'
  | 'config.secret-readable-by-others'
  | 'config.secret-of-another-user'
  | 'config.secret-empty'
  | 'config.secret-too-large'
  | 'config.no-credentials'

/** A secret cannot be used. Names the file and never its content. */
export class SecretError extends Error {
  override readonly name = 'SecretError'
  readonly code: SecretErrorCode
  readonly file: string

  constructor(code: SecretErrorCode, file: string, what: string) {
    super(`${file} ${what}`)
    this.code = code
    this.file = file
  }
}

export interface SecretPlace {
  /** The folder systemd names in CREDENTIALS_DIRECTORY; absent when it handed over none. */
  readonly credentialsDirectory?: string
  /** Who we are; the effective user of the process unless told. */
  readonly userId?: number
}

/** The environment, as the composition root hands it in. CREDENTIALS_DIRECTORY is systemd's. */
export const secretPlace = (
  environment: Readonly<Record<string, string | undefined>>,
): SecretPlace => {
  const credentialsDirectory = environment['CREDENTIALS_DIRECTORY']
  return credentialsDirectory ? { credentialsDirectory } : {}
}

const SECRET_MAX_BYTES = 64 * 1024
const ROOT = 0
const OTHERS = 0o077
// systemd lets a service read root's file through an access list, which shows as the group-read bit.
const OTHERS_OF_CREDENTIAL = 0o037

/**
 * The bytes of a secret without one final line break. The caller owns the buffer and should wipe it.
 * Throws `SecretError`.
 */
export const readSecret = (source: SecretSource, place: SecretPlace = {}): Uint8Array => {
  if ('file' in source) return read(source.file, OTHERS, place)
  if (place.credentialsDirectory === undefined) {
    throw new SecretError(
      'config.no-credentials',
      source.credential,
      'is a systemd credential, and systemd handed over none',
    )
  }
  const file = join(place.credentialsDirectory, source.credential)
  return read(file, OTHERS_OF_CREDENTIAL, place)
}

/**
 * Writes a new file that only its owner can read, durable when this returns.
 * Never overwrites: throws the system's EEXIST.
 */
export const writeSecretFile = (file: string, bytes: Uint8Array): void => {
  const descriptor = openSync(file, 'wx', 0o600)
  try {
    let written = 0
    while (written < bytes.length) written += writeSync(descriptor, bytes, written)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

const read = (file: string, others: number, place: SecretPlace): Uint8Array => {
  const descriptor = open(file)
  try {
    // Judged through the descriptor, so that what was judged is what is read.
    const stats = fstatSync(descriptor)
    refuseUnsafe(file, stats, others, place.userId ?? process.geteuid?.() ?? ROOT)
    return withoutFinalLineBreak(file, readWhole(descriptor, stats.size))
  } finally {
    closeSync(descriptor)
  }
}

const open = (file: string): number => {
  try {
    // Without O_NONBLOCK a named pipe would hold up the start for ever.
    return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new SecretError('config.secret-missing', file, 'does not exist')
    }
    throw error
  }
}

const refuseUnsafe = (file: string, stats: Stats, others: number, userId: number): void => {
  if (!stats.isFile()) {
    throw new SecretError('config.secret-not-a-file', file, 'is not a plain file')
  }
  if ((stats.mode & others) !== 0) {
    const mode = (stats.mode & 0o777).toString(8)
    throw new SecretError(
      'config.secret-readable-by-others',
      file,
      `is open to others (mode ${mode}); chmod 600`,
    )
  }
  if (stats.uid !== userId && stats.uid !== ROOT) {
    throw new SecretError('config.secret-of-another-user', file, 'belongs to another user')
  }
  if (stats.size > SECRET_MAX_BYTES) {
    throw new SecretError('config.secret-too-large', file, 'is too large for a secret')
  }
}

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

const withoutFinalLineBreak = (file: string, bytes: Uint8Array): Uint8Array => {
  let end = bytes.length
  if (bytes[end - 1] === LINE_FEED) end -= 1
  if (end < bytes.length && bytes[end - 1] === CARRIAGE_RETURN) end -= 1
  if (end === 0) throw new SecretError('config.secret-empty', file, 'is empty')
  return bytes.subarray(0, end)
}
