// A file of audit lines for a collector on this machine: appended, rotated by size, readable by its owner only. A
// line is whole or not there: what a full disk or a crash cut short is cut away before anything follows it.

import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Shipment, ShipTarget } from '../audit/index.ts'
import { Fault } from '../fault.ts'
import { seconds } from '../time.ts'

export interface LogFileOptions {
  readonly file: string
  /** `delivery`: flushed to the disk before lines count as delivered. `system`: when the system sees fit. */
  readonly flush: 'delivery' | 'system'
  readonly rotateAtBytes: number
  /** Rotated files kept; older ones are removed. */
  readonly keepFiles: number
  /** Milliseconds since 1970, for the names of rotated files. */
  readonly nowMs: () => number
}

const CONCLUDE_AFTER = seconds(1)
const OWNER_ONLY = 0o600
const OTHERS = 0o077
/** A line is far shorter; a file without a line end in so many bytes is not ours. */
const LONGEST_LINE_BYTES = 4 * 1024 * 1024
// Never through a symbolic link: whoever can place one must not choose where evidence goes.
const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW
const NEWLINE = 0x0a

const CODES: Readonly<Record<string, string>> = {
  ENOSPC: 'links.ship-disk-full',
  EDQUOT: 'links.ship-disk-full',
  EFBIG: 'links.ship-disk-full',
}

const fileFault = (error: unknown): Fault => {
  if (error instanceof Fault) return error
  const code = error instanceof Error && 'code' in error ? `${error.code}` : ''
  return new Fault(CODES[code] ?? 'links.ship-file-unusable', error)
}

/** Cuts away a last line without its end; answers the size. */
const mend = async (handle: FileHandle): Promise<number> => {
  const stats = await handle.stat()
  // A device or a pipe is nobody's evidence, and its mode is not ours to change.
  if (!stats.isFile()) throw new Fault('links.ship-file-unusable')
  const { size, mode } = stats
  if ((mode & OTHERS) !== 0) await handle.chmod(OWNER_ONLY)
  const tail = Buffer.alloc(Math.min(size, LONGEST_LINE_BYTES))
  await handle.read(tail, 0, tail.length, size - tail.length)
  const whole = size - tail.length + tail.lastIndexOf(NEWLINE) + 1
  if (tail.lastIndexOf(NEWLINE) < 0 && tail.length === LONGEST_LINE_BYTES) {
    throw new Fault('links.ship-file-unusable')
  }
  if (whole < size) await handle.truncate(whole)
  return whole
}

/** `audit.log.1767225600000`: the time it was put aside; names sort by it. */
const rotate = async ({ file, keepFiles, nowMs }: LogFileOptions): Promise<void> => {
  await rename(file, `${file}.${String(nowMs()).padStart(14, '0')}`)
  const prefix = `${basename(file)}.`
  const rotated = (await readdir(dirname(file)))
    .filter((name) => name.startsWith(prefix) && /^\d{14,}$/.test(name.slice(prefix.length)))
    .sort()
  for (const name of rotated.slice(0, Math.max(0, rotated.length - keepFiles)))
    await unlink(join(dirname(file), name))
}

class OpenFile {
  readonly #options: LogFileOptions
  #handle: FileHandle
  #size: number

  private constructor(options: LogFileOptions, handle: FileHandle, size: number) {
    this.#options = options
    this.#handle = handle
    this.#size = size
  }

  static async open(options: LogFileOptions): Promise<OpenFile> {
    await mkdir(dirname(options.file), { recursive: true, mode: 0o700 })
    const handle = await open(options.file, FLAGS, OWNER_ONLY)
    try {
      return new OpenFile(options, handle, await mend(handle))
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  async append(bytes: Uint8Array): Promise<void> {
    if (this.#size > 0 && this.#size + bytes.length > this.#options.rotateAtBytes) {
      await this.finish()
      await rotate(this.#options)
      this.#handle = await open(this.#options.file, FLAGS, OWNER_ONLY)
      this.#size = 0
    }
    try {
      await this.#handle.appendFile(bytes)
      this.#size += bytes.length
    } catch (error) {
      // Best effort: `mend` does it again before the next line.
      await this.#handle.truncate(this.#size).catch(() => undefined)
      throw error
    }
  }

  async finish(): Promise<void> {
    if (this.#options.flush === 'delivery') await this.#handle.datasync()
    await this.#handle.close()
  }

  close(): void {
    this.#handle.close().catch(() => undefined)
  }
}

const translated = async <Result>(work: Promise<Result>): Promise<Result> => {
  try {
    return await work
  } catch (error) {
    throw fileFault(error)
  }
}

export const createLogFile = (options: LogFileOptions): ShipTarget => ({
  concludeAfter: CONCLUDE_AFTER,
  open: async (): Promise<Shipment> => {
    const file = await translated(OpenFile.open(options))
    return {
      write: (lines) =>
        translated(file.append(Buffer.from(lines.map((line) => `${line}\n`).join('')))),
      conclude: () => translated(file.finish()),
      abandon: () => file.close(),
    }
  },
})
