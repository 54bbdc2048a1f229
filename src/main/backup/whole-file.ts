// A file that is there whole or not at all: written beside its place, flushed, and only then given its name. It never
// takes the place of another file.

import { close, fsync, link, open, write } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { createDigest } from '../../crypto/index.ts'
import { CommandError } from '../command-error.ts'
import { type Scratch, takeScratch } from './scratch.ts'

export interface Watcher {
  /** Bytes so far. */
  readonly onBytes: (total: number) => void
  /** It is whole and flushed, and nobody sees it yet. */
  readonly beforeNaming?: (written: WrittenFile) => void
}

const [openFile, closeFile, flush, put, name] = [
  promisify(open),
  promisify(close),
  promisify(fsync),
  promisify(write),
  promisify(link),
]

export interface WrittenFile {
  readonly sizeBytes: number
  readonly sha256: string
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

const inWords = (error: unknown, file: string): unknown => {
  switch (codeOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new CommandError('main.disk-full', `there is no space left for ${file}`)
    case 'EEXIST':
      return new CommandError('main.file-exists', `${file} exists and is not overwritten`)
    case 'ENOENT':
      return new CommandError('main.no-folder', `the folder of ${file} does not exist`)
    case 'EACCES':
    case 'EROFS':
      return new CommandError('main.not-writable', `${file} may not be written here`)
    default:
      return error
  }
}

const writeAll = async (descriptor: number, piece: Uint8Array): Promise<void> => {
  let rest = piece
  while (rest.length > 0) {
    const { bytesWritten } = await put(descriptor, rest)
    rest = rest.subarray(bytesWritten)
  }
}

const flushFolder = async (folder: string): Promise<void> => {
  const descriptor = await openFile(folder, 'r')
  try {
    await flush(descriptor)
  } finally {
    await closeFile(descriptor)
  }
}

/** Writes to a name of its own beside `file`; answers that name. */
const writeBeside = async (
  beside: string,
  source: AsyncIterable<Uint8Array>,
  onBytes: (total: number) => void,
): Promise<WrittenFile> => {
  const descriptor = await openFile(beside, 'wx', 0o600)
  const digest = createDigest()
  let sizeBytes = 0
  try {
    for await (const piece of source) {
      await writeAll(descriptor, piece)
      digest.add(piece)
      sizeBytes += piece.length
      onBytes(sizeBytes)
    }
    await flush(descriptor)
  } finally {
    await closeFile(descriptor)
  }
  return { sizeBytes, sha256: digest.hex() }
}

/**
 * Durable, and closed to others, when this resolves. Throws a CommandError `main.disk-full`, `main.file-exists`,
 * `main.no-folder` or `main.not-writable`, and then nothing is left of it.
 */
export const writeWhole = async (
  file: string,
  source: AsyncIterable<Uint8Array>,
  { onBytes, beforeNaming }: Watcher,
): Promise<WrittenFile> => {
  let scratch: Scratch | undefined
  try {
    scratch = takeScratch(file)
    const written = await writeBeside(scratch.path, source, onBytes)
    beforeNaming?.(written)
    // A link never overwrites; a rename would.
    await name(scratch.path, file)
    // Before the second name of it goes: from here on nobody may forget the first.
    await flushFolder(dirname(file)).catch(() => undefined)
    return written
  } catch (error) {
    throw inWords(error, file)
  } finally {
    scratch?.release()
  }
}
