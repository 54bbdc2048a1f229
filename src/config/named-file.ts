// Reads files that a person named, on the command line or in the settings. It refuses, in words and with a code, what is
// not there, what is no plain file (a pipe and a device never end), and what is larger than such a file ever is.

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

export type NamedFileCode =
  | 'config.file-missing'
  | 'config.file-unreadable'
  | 'config.file-not-a-file'
  | 'config.file-too-large'
  | 'config.file-not-text'

/** A named file cannot be used. Names the file and never its content. */
export class NamedFileError extends Error {
  override readonly name = 'NamedFileError'
  readonly code: NamedFileCode

  constructor(code: NamedFileCode, file: string, what: string) {
    super(`${file} ${what}`)
    this.code = code
  }
}

/** More than any certificate, chain, note or settings file. */
const USUAL_MAX_BYTES = 4 * 1024 * 1024

/** A plain file, opened; whoever asks closes it. Throws `NamedFileError`. */
export const openNamedFile = (file: string): number => {
  const descriptor = open(file)
  // Judged through the descriptor, so that what was judged is what is read.
  if (fstatSync(descriptor).isFile()) return descriptor
  closeSync(descriptor)
  throw new NamedFileError('config.file-not-a-file', file, 'is not a plain file')
}

/** Its bytes. Throws `NamedFileError`; a file that grows meanwhile is cut where it ended when it was opened. */
export const readNamedFile = (file: string, maxBytes = USUAL_MAX_BYTES): Buffer => {
  const descriptor = openNamedFile(file)
  try {
    const { size } = fstatSync(descriptor)
    if (size > maxBytes) {
      throw new NamedFileError('config.file-too-large', file, `is larger than ${maxBytes} bytes`)
    }
    const { buffer, byteOffset, byteLength } = readWhole(descriptor, size)
    return Buffer.from(buffer, byteOffset, byteLength)
  } finally {
    closeSync(descriptor)
  }
}

/** The same as text. UTF-8, and nothing that is not. */
export const readNamedText = (file: string, maxBytes = USUAL_MAX_BYTES): string => {
  const bytes = readNamedFile(file, maxBytes)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new NamedFileError('config.file-not-text', file, 'is not UTF-8')
  }
}

const open = (file: string): number => {
  try {
    // Without O_NONBLOCK a named pipe would hold up the command for ever.
    return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new NamedFileError('config.file-missing', file, 'does not exist')
    }
    throw new NamedFileError('config.file-unreadable', file, 'may not be read by this user')
  }
}

/** At most so many bytes from where the descriptor stands; fewer where the file ends. */
export const readWhole = (descriptor: number, sizeBytes: number): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(sizeBytes)
  let filled = 0
  while (filled < sizeBytes) {
    const count = readSync(descriptor, bytes, filled, sizeBytes - filled, null)
    if (count === 0) break
    filled += count
  }
  return bytes.subarray(0, filled)
}
