// Tar archives (POSIX ustar), written so that equal files make equal bytes: names in order, owner 0, one time for all.
// The reader accepts what the writer makes, and names whatever else it meets; it never writes to a disk.

import { isPath } from '../../src/release/index.ts'

export interface TreeFile {
  readonly path: string
  /** Permission bits. */
  readonly mode: number
  readonly bytes: Uint8Array
}

/** One header of an archive, as found. */
export interface TarEntry {
  /** As written: with `./` in front, folders with `/` behind. */
  readonly name: string
  readonly kind: 'file' | 'folder' | 'link' | 'other'
  readonly mode: number
  readonly owner: string
  readonly modifiedAt: number
  readonly linkTarget: string
  readonly bytes: Uint8Array
}

const BLOCK = 512
const NAME_CHARS = 100
const FOLDER_MODE = 0o755
const KINDS: Readonly<Record<string, TarEntry['kind']>> = {
  '0': 'file',
  '\0': 'file',
  '5': 'folder',
  '1': 'link',
  '2': 'link',
}

const padded = (length: number): number => Math.ceil(length / BLOCK) * BLOCK

/** ustar keeps long names in two fields, split at a slash. */
const splitName = (name: string): readonly [prefix: string, rest: string] => {
  if (name.length <= NAME_CHARS) return ['', name]
  const at = name.indexOf('/', name.length - NAME_CHARS - 1)
  if (at < 0 || at > 155) throw new Error(`${name} is too long for a tar archive`)
  return [name.slice(0, at), name.slice(at + 1)]
}

interface Head {
  readonly name: string
  readonly mode: number
  readonly size: number
  readonly type: string
}

const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0')

const header = ({ name, mode, size, type }: Head, modifiedAt: number): Buffer => {
  const block = Buffer.alloc(BLOCK)
  const [prefix, rest] = splitName(name)
  block.write(rest, 0, 'latin1')
  block.write(`${octal(mode, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`, 100, 'latin1')
  block.write(`${octal(size, 11)}\0${octal(modifiedAt, 11)}\0`, 124, 'latin1')
  block.write(' '.repeat(8), 148, 'latin1')
  block.write(type, 156, 'latin1')
  block.write('ustar\x0000root\0', 257, 'latin1')
  block.write('root\0', 297, 'latin1')
  block.write(prefix, 345, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${octal(sum, 6)}\0 `, 148, 'latin1')
  return block
}

/** Every folder above the files, the shorter first. */
const foldersOf = (files: readonly TreeFile[]): readonly string[] => {
  const folders = new Set<string>()
  for (const { path } of files) {
    const parts = path.split('/').slice(0, -1)
    for (let count = 1; count <= parts.length; count++) {
      folders.add(`${parts.slice(0, count).join('/')}/`)
    }
  }
  return [...folders]
}

const inOrder = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)

/** `modifiedAt` in POSIX seconds. Folders are added, 0755. Names get `./` in front, as dpkg has them. */
export const writeTar = (tree: readonly TreeFile[], modifiedAt: number): Buffer => {
  const files = tree.toSorted((left, right) => inOrder(left.path, right.path))
  const byName = new Map(files.map((file) => [file.path, file]))
  const twice = files.find(({ path }, index) => files[index + 1]?.path === path)
  if (twice !== undefined) throw new Error(`${twice.path} stands twice in a tree`)
  const pieces: Uint8Array[] = [
    header({ name: './', mode: FOLDER_MODE, size: 0, type: '5' }, modifiedAt),
  ]
  for (const name of [...byName.keys(), ...foldersOf(files)].sort(inOrder)) {
    const file = byName.get(name)
    const head = { name: `./${name}`, mode: FOLDER_MODE, size: 0, type: '5' }
    if (file === undefined) {
      pieces.push(header(head, modifiedAt))
      continue
    }
    const { mode, bytes } = file
    pieces.push(header({ ...head, mode, size: bytes.length, type: '0' }, modifiedAt), bytes)
    pieces.push(Buffer.alloc(padded(bytes.length) - bytes.length))
  }
  pieces.push(Buffer.alloc(2 * BLOCK))
  return Buffer.concat(pieces)
}

const textAt = (block: Buffer, start: number, length: number): string => {
  const field = block.toString('latin1', start, start + length)
  const end = field.indexOf('\0')
  return end < 0 ? field : field.slice(0, end)
}

/** NaN for anything but octal digits: programs disagree about what else a number could be. */
const numberAt = (block: Buffer, start: number, length: number): number => {
  const text = textAt(block, start, length).trim()
  return /^[0-7]*$/.test(text) ? Number.parseInt(text || '0', 8) : Number.NaN
}

/** Without it there is no prefix, and other programs read another name. */
const isUstar = (block: Buffer): boolean => block.toString('latin1', 257, 263) === 'ustar\0'

const isSumRight = (block: Buffer): boolean => {
  const sum = block.reduce(
    (total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte),
    0,
  )
  return sum === numberAt(block, 148, 8)
}

const readHeader = (block: Buffer): Omit<TarEntry, 'bytes'> => {
  const prefix = textAt(block, 345, 155)
  const name = textAt(block, 0, NAME_CHARS)
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    kind: KINDS[block.toString('latin1', 156, 157)] ?? 'other',
    mode: numberAt(block, 100, 8),
    owner: `${numberAt(block, 108, 8)}:${numberAt(block, 116, 8)}`,
    modifiedAt: numberAt(block, 136, 12),
    linkTarget: textAt(block, 157, 100),
  }
}

/** Every entry, in order. Throws if the archive is cut off, goes on behind its end, or a header does not add up. */
export const readTar = (archive: Uint8Array): readonly TarEntry[] => {
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength)
  const entries: TarEntry[] = []
  for (let at = 0; ; ) {
    const block = bytes.subarray(at, at + BLOCK)
    if (block.length < BLOCK) throw new Error('the tar archive is cut off')
    if (block.every((byte) => byte === 0)) {
      if (bytes.subarray(at).every((byte) => byte === 0)) return entries
      throw new Error('the tar archive goes on behind its end')
    }
    const size = numberAt(block, 124, 12)
    const end = at + BLOCK + size
    const isGood = isSumRight(block) && isUstar(block) && Number.isSafeInteger(size)
    if (!isGood) throw new Error(`the tar archive has a damaged header at byte ${at}`)
    if (end > bytes.length) throw new Error('the tar archive is cut off')
    entries.push({ ...readHeader(block), bytes: bytes.subarray(at + BLOCK, end) })
    at = at + BLOCK + padded(size)
  }
}

/** The path below the root that an entry's name means, or undefined if it could lead anywhere else. */
export const pathOf = ({ name }: TarEntry): string | undefined => {
  const path = name.replace(/^\.\//, '').replace(/\/$/, '')
  return path === '' || isPath(path) ? path : undefined
}
