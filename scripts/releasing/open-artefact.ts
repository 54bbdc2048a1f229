// Takes an artefact apart, whichever of the three it is, into entries that can be compared. Everything in it is a
// stranger's word: it is read into memory, bounded, and nothing is written to a disk.

import { createHash } from 'node:crypto'
import { constants, zstdDecompressSync } from 'node:zlib'
import { DEB_MEMBERS, readAr } from './deb.ts'
import { readTar, type TarEntry } from './tar.ts'
import { frameLength } from './zstd-frame.ts'

export type ArtefactKind = 'package' | 'tarball' | 'image'

/** A compressed archive, and what it opens to. */
export interface Unpacked {
  readonly packed: Uint8Array
  readonly tar: Uint8Array
}

export interface OpenedArtefact {
  readonly kind: ArtefactKind
  /** The tree as it is packed, and the package's control archive. */
  readonly layer: Unpacked
  readonly control?: Unpacked
  /** The tree that is installed, in order. */
  readonly tree: readonly TarEntry[]
  /** What is around it: the package's control files, the image's descriptions. */
  readonly around: readonly TarEntry[]
}

const UNPACKED_MAX_BYTES = 1024 ** 3
const AR_MAGIC = '!<arch>\n'
const ZSTD_MAGIC = Buffer.from('28b52ffd', 'hex')

/** One frame and nothing behind it. */
const unpack = (packed: Buffer): Unpacked => {
  const length = frameLength(packed)
  if (length === undefined) throw new Error('the compressed archive is damaged or cut off')
  if (length !== packed.length) throw new Error('the compressed archive goes on behind its end')
  const tar = zstdDecompressSync(packed, {
    maxOutputLength: UNPACKED_MAX_BYTES,
    params: { [constants.ZSTD_d_windowLogMax]: 27 },
  })
  return { packed, tar }
}

const openPackage = (bytes: Buffer): OpenedArtefact => {
  const members = readAr(bytes)
  const names = members.map(({ name }) => name)
  if (names.join() !== DEB_MEMBERS.join()) {
    throw new Error(
      `the package has the members ${names.join(', ')}; ${DEB_MEMBERS.join(', ')} are allowed`,
    )
  }
  const [, control, data] = members
  if (control === undefined || data === undefined) throw new Error('the package is empty')
  const [layer, about] = [unpack(Buffer.from(data.bytes)), unpack(Buffer.from(control.bytes))]
  return {
    kind: 'package',
    layer,
    control: about,
    tree: readTar(layer.tar),
    around: readTar(about.tar),
  }
}

interface Descriptor {
  readonly digest: string
}

const openImage = (bytes: Buffer): OpenedArtefact => {
  const files = new Map(readTar(bytes).map((entry) => [entry.name.replace(/^\.\//, ''), entry]))
  const blob = (descriptor: Descriptor | undefined): TarEntry => {
    const [, hex = ''] = descriptor?.digest.split('sha256:') ?? []
    const entry = files.get(`blobs/sha256/${hex}`)
    if (entry === undefined) throw new Error('the image names a blob that it does not hold')
    if (createHash('sha256').update(entry.bytes).digest('hex') !== hex) {
      throw new Error(`the image’s blob ${hex} is not what its name says`)
    }
    return entry
  }
  const json = (entry: TarEntry | undefined) =>
    JSON.parse(Buffer.from(entry?.bytes ?? []).toString('utf8') || 'null')
  const index: { manifests: readonly Descriptor[] } = json(files.get('index.json'))
  const manifest = blob(index.manifests[0])
  const { config, layers }: { config: Descriptor; layers: readonly Descriptor[] } = json(manifest)
  if (layers.length !== 1 || index.manifests.length !== 1)
    throw new Error('the image has not one layer')
  const named = [
    ...[...files.values()].filter(
      ({ name, kind }) => kind !== 'folder' && !name.startsWith('./blobs/'),
    ),
    { ...manifest, name: './manifest' },
    { ...blob(config), name: './config' },
  ]
  const layer = unpack(Buffer.from(blob(layers[0]).bytes))
  return { kind: 'image', layer, tree: readTar(layer.tar), around: named }
}

/** Throws with what is wrong if it is none of the three, damaged, or larger than any release. */
export const openArtefact = (bytes: Buffer): OpenedArtefact => {
  if (bytes.toString('latin1', 0, AR_MAGIC.length) === AR_MAGIC) return openPackage(bytes)
  if (bytes.subarray(0, ZSTD_MAGIC.length).equals(ZSTD_MAGIC)) {
    const layer = unpack(bytes)
    return { kind: 'tarball', layer, tree: readTar(layer.tar), around: [] }
  }
  return openImage(bytes)
}
