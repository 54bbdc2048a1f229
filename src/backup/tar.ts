// Parts as a POSIX tar (ustar, IEEE Std 1003.1): whoever has the recovery key and the usual tools can look into a
// backup without this program. It writes plain files only and reads nothing else: no links, no folders, no long names.

import { Fault } from '../fault.ts'

export interface Part {
  /** Printable ASCII, at most 100 characters, no `..`. */
  readonly name: string
  readonly content: Uint8Array
}

/** A part is held in memory whole, on both sides. */
export const PART_MAX_BYTES = 32 * 1024 * 1024

const BLOCK = 512
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_./-]{0,99}$/
const SIZE_AT = 124
const CHECKSUM_AT = 148
const CHECKSUM_BYTES = 8
const TYPE_AT = 156
const utf8 = new TextEncoder()

interface Head {
  readonly name: string
  readonly size: number
}

const damaged = (): Fault => new Fault('backup.not-an-archive')

const isFitName = (name: string): boolean => NAME.test(name) && !name.split('/').includes('..')

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width, '0')}`

/** The sum of a header's bytes, its own field counted as blanks. */
const checksumOf = (header: Uint8Array): number =>
  header.reduce(
    (sum, byte, at) => sum + (at >= CHECKSUM_AT && at < CHECKSUM_AT + CHECKSUM_BYTES ? 0x20 : byte),
    0,
  )

const headerOf = ({ name, size }: Head): Uint8Array => {
  if (!isFitName(name) || size > PART_MAX_BYTES) throw new Fault('backup.unfit-part')
  const header = new Uint8Array(BLOCK)
  const put = (at: number, text: string) => header.set(utf8.encode(text), at)
  put(0, name)
  put(100, `${octal(0o600, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`)
  put(SIZE_AT, `${octal(size, 11)}\0${octal(0, 11)}\0`)
  put(TYPE_AT, '0')
  put(257, 'ustar\0' + '00')
  put(CHECKSUM_AT, `${octal(checksumOf(header), 6)}\0 `)
  return header
}

const padding = (length: number): number => (BLOCK - (length % BLOCK)) % BLOCK

/** The bytes of an archive. Throws a Fault `backup.unfit-part`. */
export async function* writeTar(parts: AsyncIterable<Part>): AsyncGenerator<Uint8Array> {
  for await (const part of parts) {
    yield headerOf({ name: part.name, size: part.content.length })
    yield part.content
    yield new Uint8Array(padding(part.content.length))
  }
  yield new Uint8Array(2 * BLOCK)
}

const textAt = (header: Uint8Array, at: number, length: number): string => {
  const field = header.subarray(at, at + length)
  const end = field.indexOf(0)
  return new TextDecoder('latin1').decode(end < 0 ? field : field.subarray(0, end))
}

const numberAt = (header: Uint8Array, at: number, length: number): number => {
  const text = textAt(header, at, length).trim()
  if (!/^[0-7]{1,12}$/.test(text)) throw damaged()
  return Number.parseInt(text, 8)
}

/** One spelling: a header that we would not write could be another name or another size to another program. */
const readHeader = (header: Uint8Array): Head => {
  const head = { name: textAt(header, 0, 100), size: numberAt(header, SIZE_AT, 12) }
  if (!isFitName(head.name) || head.size > PART_MAX_BYTES) throw damaged()
  const canonical = headerOf(head)
  if (canonical.some((byte, at) => byte !== header[at])) throw damaged()
  return head
}

/** Takes exact numbers of bytes from chunks of any size. */
const taking = (source: AsyncIterable<Uint8Array>) => {
  const chunks = source[Symbol.asyncIterator]()
  let rest: Uint8Array = new Uint8Array(0)
  const fill = async (wanted: Uint8Array): Promise<void> => {
    let filled = 0
    while (filled < wanted.length) {
      if (rest.length === 0) {
        const next = await chunks.next()
        if (next.done === true) throw damaged()
        rest = next.value
      }
      const piece = rest.subarray(0, wanted.length - filled)
      wanted.set(piece, filled)
      filled += piece.length
      rest = rest.subarray(piece.length)
    }
  }
  return {
    async take(count: number): Promise<Uint8Array> {
      const wanted = new Uint8Array(count)
      await fill(wanted)
      return wanted
    },
    /** Reads to the end, where nothing but zeros may stand. */
    async end(): Promise<void> {
      for (;;) {
        if (rest.some((byte) => byte !== 0)) throw damaged()
        const next = await chunks.next()
        if (next.done === true) return
        rest = next.value
      }
    },
  }
}

/** The parts of an archive in order. Throws a Fault `backup.not-an-archive`, at the latest at the end. */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<Part> {
  const from = taking(source)
  for (;;) {
    const header = await from.take(BLOCK)
    if (header.every((byte) => byte === 0)) break
    const { name, size } = readHeader(header)
    const content = await from.take(size)
    if ((await from.take(padding(size))).some((byte) => byte !== 0)) throw damaged()
    yield { name, content }
  }
  await from.end()
}
