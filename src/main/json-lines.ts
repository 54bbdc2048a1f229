// Files of JSON lines, compressed or not, one object a line; read and written as streams, since they may be larger than
// the memory. A line that is not what it must be ends the command with its number, never with what it says.

import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Readable, type Writable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { CommandError } from './command-error.ts'

/** One line as an object; undefined if it is none of what was expected. */
export type ParseLine<Row> = (raw: Readonly<Record<string, unknown>>) => Row | undefined

const objectOf = (line: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const raw: unknown = JSON.parse(line)
    return typeof raw === 'object' && raw !== null ? { ...raw } : undefined
  } catch {
    return undefined
  }
}

/** Some editors begin a file with a byte order mark. */
const withoutMark = (line: string): string => line.replace(/^\uFEFF/u, '')

const streamOf = (path: string): Readable => {
  const file = createReadStream(path)
  if (!path.endsWith('.gz')) return file
  const unpacked = createGunzip()
  file.on('error', (error) => unpacked.destroy(error))
  return file.pipe(unpacked)
}

/** More than any message, and far less than what a line may take of the memory. */
const LINE_MAX_BYTES = 16 * 1024 * 1024
const LINE_FEED = 0x0a

/** Ends with a CommandError where a line does not; whoever reads lines gathers one until it ends. */
async function* withBoundedLines(input: Readable, path: string): AsyncGenerator<Buffer> {
  let length = 0
  for await (const chunk of input) {
    const piece = Buffer.from(chunk)
    const last = piece.lastIndexOf(LINE_FEED)
    length = last < 0 ? length + piece.length : piece.length - last - 1
    if (length > LINE_MAX_BYTES) {
      throw new CommandError('main.invalid-line', `a line of ${path} has no end`)
    }
    yield piece
  }
}

/** Empty lines are left out. Throws a CommandError `main.invalid-line`, or what the file system says. */
export async function* readJsonLines<Row>(
  path: string,
  parse: ParseLine<Row>,
): AsyncGenerator<Row> {
  const input = Readable.from(withBoundedLines(streamOf(path), path), { objectMode: false })
  let failed: unknown
  input.on('error', (error: Error) => {
    failed = error
  })
  let number = 0
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1
    if (line.trim() === '') continue
    const raw = objectOf(number === 1 ? withoutMark(line) : line)
    const row = raw === undefined ? undefined : parse(raw)
    if (row === undefined) {
      throw new CommandError('main.invalid-line', `line ${number} of ${path} is not as expected`)
    }
    yield row
  }
  if (failed !== undefined) throw failed
}

export interface JsonLinesWriter {
  write(row: object): Promise<void>
  close(): Promise<void>
}

/** What is written is compressed if the name says so, like what is read. */
const sinkOf = (path: string): { readonly into: Writable; readonly ended: Promise<void> } => {
  const file = createWriteStream(path)
  if (!path.endsWith('.gz')) return { into: file, ended: finished(file) }
  const packing = createGzip()
  return { into: packing, ended: pipeline(packing, file) }
}

/** A new file, or an old one emptied. */
export const writeJsonLines = (path: string): JsonLinesWriter => {
  const { into: file, ended } = sinkOf(path)
  // Whoever writes or closes hears of it; until then it is nobody's rejection.
  ended.catch(() => undefined)
  return {
    write: async (row) => {
      if (!file.write(`${JSON.stringify(row)}\n`)) await Promise.race([once(file, 'drain'), ended])
    },
    close: async () => {
      file.end()
      await ended
    },
  }
}

/** Groups of at most `size`, in order. */
export async function* inGroups<Row>(
  rows: AsyncIterable<Row>,
  size: number,
): AsyncGenerator<Row[]> {
  let group: Row[] = []
  for await (const row of rows) {
    group.push(row)
    if (group.length < size) continue
    yield group
    group = []
  }
  if (group.length > 0) yield group
}
