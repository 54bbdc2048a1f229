// Is an artefact packed as its own signed files say? Everything around them is made of them: owners, folders, times, the
// package's scripts, the image's description. So whoever has no source to build finds a change there as well.

import { EVIDENCE, type Manifest } from '../../src/release/index.ts'
import { controlTar } from './artefacts.ts'
import { writeDeb } from './deb.ts'
import { type Finding, filesIn, judgeRebuild } from './judge-artefact.ts'
import { writeOci } from './oci.ts'
import { type OpenedArtefact, openArtefact, type Unpacked } from './open-artefact.ts'
import { readTar, type TreeFile, writeTar } from './tar.ts'

const EVIDENCE_MODE = 0o644

/** What the manifest names, with its modes, and the evidence; whatever else is there was found before. */
const signedTree = (opened: OpenedArtefact, { files }: Manifest): readonly TreeFile[] => {
  const modes = new Map(files.map(({ path, mode }) => [path, Number.parseInt(mode, 8)]))
  return [...filesIn(opened)].flatMap(([path, bytes]): readonly TreeFile[] => {
    const mode = path.startsWith(EVIDENCE) ? EVIDENCE_MODE : modes.get(path)
    return mode === undefined ? [] : [{ path, mode, bytes }]
  })
}

const isPackedAs = (found: Unpacked, tar: Uint8Array): boolean =>
  Buffer.compare(found.tar, tar) === 0

/** As `packed` stands for `tar` in the artefact itself: another zstd may compress in another way. */
const packedAs = (found: Unpacked | undefined, tar: Uint8Array): Uint8Array =>
  found !== undefined && isPackedAs(found, tar) ? found.packed : new Uint8Array()

/** What these files make, in the artefact's own compression. */
const repack = (opened: OpenedArtefact, manifest: Manifest) => {
  const tree = signedTree(opened, manifest)
  const archive = writeTar(tree, manifest.committedAt)
  const layer = packedAs(opened.layer, archive)
  const whole = { ...opened, tree: readTar(archive) }
  if (opened.kind === 'package') {
    const control = controlTar(tree, manifest)
    const bytes = writeDeb(packedAs(opened.control, control), layer, manifest.committedAt)
    return { bytes, opened: { ...whole, around: readTar(control) } }
  }
  if (opened.kind === 'tarball') return { bytes: Buffer.from(layer), opened: whole }
  // Described as it was shipped, whether or not it is the right one: a wrong one is named by itself.
  const { around } = openArtefact(writeOci(archive, opened.layer.packed, manifest))
  return { bytes: writeOci(archive, layer, manifest), opened: { ...whole, around } }
}

/** `bytes` is the artefact as it lies there; `manifest` is believed. Throws if files that everything is made of are missing. */
export const judgePacking = (
  opened: OpenedArtefact,
  manifest: Manifest,
  bytes: Uint8Array,
): readonly Finding[] => {
  const made = repack(opened, manifest)
  return judgeRebuild(opened, made.opened, { shipped: bytes, built: made.bytes })
}
