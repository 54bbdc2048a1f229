// A tree and its evidence become the three artefacts, and nothing else does: what is around the tree is made of files in
// it, so the manifest covers that, too. The tarball, the package's data and the image's layer are the same bytes.

import { createHash } from 'node:crypto'
import { constants, zstdCompressSync } from 'node:zlib'
import { writeDeb } from './deb.ts'
import { writeOci } from './oci.ts'
import type { Artefact } from './provenance.ts'
import { DEBIAN, PLATFORM, type ReleaseFacts } from './shipped-tree.ts'
import { type TreeFile, writeTar } from './tar.ts'

const DEBIAN_ARCHITECTURE = 'amd64'
/** Above this, minutes are paid for one megabyte in forty. */
const LEVEL = 9

export const compress = (bytes: Uint8Array): Buffer =>
  zstdCompressSync(bytes, {
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL, [constants.ZSTD_c_checksumFlag]: 1 },
  })

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex')

/** Sizes in KiB, each file rounded up, and one for each folder: dpkg's own estimate (deb-substvars(5)). */
const installedSize = (files: readonly TreeFile[]): number => {
  const folders = new Set(files.flatMap(({ path }) => path.split('/').slice(0, -1).join('/')))
  return files.reduce((sum, { bytes }) => sum + Math.ceil(bytes.length / 1024), folders.size)
}

const SCRIPTS = ['postinst', 'prerm', 'postrm'] as const

/** The package's own words and scripts, as they lie in the tree. */
export const controlTar = (tree: readonly TreeFile[], facts: ReleaseFacts): Buffer => {
  const read = (name: string): Uint8Array => {
    const file = tree.find(({ path }) => path === `${DEBIAN}${name}`)
    if (file === undefined) throw new Error(`the tree has no ${DEBIAN}${name}`)
    return file.bytes
  }
  const control = new TextDecoder()
    .decode(read('control'))
    .replace('@VERSION@', facts.version)
    .replace('@ARCHITECTURE@', DEBIAN_ARCHITECTURE)
    .replace('@INSTALLED_SIZE@', String(installedSize(tree)))
  const sums = tree.map(({ path, bytes }) => `${md5(bytes)}  ${path}\n`).sort()
  const files: TreeFile[] = [
    { path: 'control', mode: 0o644, bytes: Buffer.from(control) },
    { path: 'md5sums', mode: 0o644, bytes: Buffer.from(sums.join('')) },
    ...SCRIPTS.map((name) => ({ path: name, mode: 0o755, bytes: read(name) })),
  ]
  return writeTar(files, facts.committedAt)
}

/** `tree` with its evidence. */
export const makeArtefacts = (
  tree: readonly TreeFile[],
  facts: ReleaseFacts,
): readonly Artefact[] => {
  const archive = writeTar(tree, facts.committedAt)
  const layer = compress(archive)
  const control = compress(controlTar(tree, facts))
  const name = `keyrealm-${facts.version}-${PLATFORM}`
  return [
    {
      name: `keyrealm_${facts.version}_${DEBIAN_ARCHITECTURE}.deb`,
      bytes: writeDeb(control, layer, facts.committedAt),
    },
    { name: `${name}.tar.zst`, bytes: layer },
    { name: `${name}.oci.tar`, bytes: writeOci(archive, layer, facts) },
  ]
}
