// Is this artefact a release, and is it what its source makes? Pure: bytes in, findings out, each with what it is
// about, what is wrong, and why it matters.

import { createHash } from 'node:crypto'
import {
  EVIDENCE,
  EVIDENCE_FILES,
  encodeReleaseEntry,
  isReleaseProblem,
  judgeFiles,
  type Manifest,
  parseManifest,
  readReleaseLog,
  type Signer,
  type VerifiedRelease,
  verifyRelease,
  wordsOfProblem,
} from '../../src/release/index.ts'
import { compareEntries, type Difference } from './compare.ts'
import { meaningOf } from './meanings.ts'
import type { OpenedArtefact } from './open-artefact.ts'
import { layOut } from './release-log.ts'
import { pathOf, type TarEntry } from './tar.ts'

export interface Finding {
  /** A file, or `release`, or `artefact`. */
  readonly at: string
  readonly says: string
  readonly why: string
}

export interface ReleaseVerdict {
  readonly release?: VerifiedRelease
  readonly findings: readonly Finding[]
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const finding = ({ path, says }: Difference): Finding => {
  const { what, why } = meaningOf(path)
  return { at: path, says: `(${what}) ${says}`, why }
}

const AROUND: Readonly<Record<OpenedArtefact['kind'], string>> = {
  package: 'control archive: ',
  tarball: '',
  image: 'image: ',
}

/** Names that could lead elsewhere, links, and names that stand twice: unpackers disagree about them. */
const judgeShape = (entries: readonly TarEntry[]): readonly Finding[] => {
  const seen = new Set<string>()
  return entries.flatMap((entry): readonly Finding[] => {
    const { name, kind, linkTarget } = entry
    const why = 'unpacking it can write outside its folder, or hide what is really installed'
    const isTwice = seen.has(name)
    seen.add(name)
    if (kind === 'link')
      return [{ at: name, says: `is a link to ${linkTarget}; a release has none`, why }]
    if (kind === 'other') return [{ at: name, says: 'is no file and no folder', why }]
    if (pathOf(entry) === undefined)
      return [{ at: name, says: 'is a path that leads elsewhere', why }]
    return isTwice ? [{ at: name, says: 'stands twice in the archive', why }] : []
  })
}

/** The tree's files, by path. */
export const filesIn = ({ tree }: OpenedArtefact): ReadonlyMap<string, Uint8Array> =>
  new Map(
    tree.flatMap((entry) => {
      const path = pathOf(entry)
      return entry.kind === 'file' && path !== undefined ? [[path, entry.bytes] as const] : []
    }),
  )

/** The manifest an artefact brings, believed or not: it says which commit to build. */
export const manifestIn = (opened: OpenedArtefact): Manifest | undefined => {
  const raw = filesIn(opened).get(`${EVIDENCE}${EVIDENCE_FILES.manifest}`)
  return raw === undefined ? undefined : parseManifest(raw)
}

const judgeManifest = (opened: OpenedArtefact, manifest: Manifest): readonly Finding[] => {
  const found = opened.tree
    .filter(({ kind }) => kind !== 'folder')
    .map((entry) => ({
      path: pathOf(entry) ?? entry.name,
      kind: entry.kind === 'file' ? ('file' as const) : ('other' as const),
      size: entry.bytes.length,
      sha256: sha256(entry.bytes),
    }))
  const problem = judgeFiles(manifest, '', found)
  const modes = new Map(manifest.files.map(({ path, mode }) => [path, Number.parseInt(mode, 8)]))
  const wrongModes = opened.tree.flatMap((entry) => {
    const wanted = modes.get(pathOf(entry) ?? '')
    if (wanted === undefined || wanted === entry.mode) return []
    const says = `has mode ${entry.mode.toString(8)}; the manifest says ${wanted.toString(8)}`
    return [finding({ path: pathOf(entry) ?? '', says })]
  })
  if (problem === undefined) return wrongModes
  const at = problem.at ?? 'manifest'
  return [finding({ path: at, says: wordsOfProblem({ problem: problem.problem }) }), ...wrongModes]
}

/** The log's tiles as its entries make them; no program reads them, so nobody else would see what they hold. */
const tilesOfLog = (
  files: ReadonlyMap<string, Uint8Array>,
  { signer }: VerifiedRelease,
): ReadonlyMap<string, Uint8Array> => {
  const folder = `${EVIDENCE}${EVIDENCE_FILES.log}`
  const log = readReleaseLog((path) => files.get(`${folder}${path}`), signer.log)
  const entries = isReleaseProblem(log) ? [] : log.entries
  return layOut(entries.map((entry) => Buffer.from(encodeReleaseEntry(entry)))).files
}

/** Only what evidence consists of may lie among it: nobody compares signatures with those of another builder. */
const judgeEvidence = (opened: OpenedArtefact, release: VerifiedRelease): readonly Finding[] => {
  const { log, ...named } = EVIDENCE_FILES
  const files = filesIn(opened)
  const tiles = tilesOfLog(files, release)
  const alone = new Set([...Object.values(named), `${log}checkpoint`])
  const strays = [...files.keys()].filter((path) => {
    if (!path.startsWith(EVIDENCE)) return false
    const name = path.slice(EVIDENCE.length)
    return !alone.has(name) && !(name.startsWith(log) && tiles.has(name.slice(log.length)))
  })
  const wrong = [...tiles].flatMap(([name, bytes]) => {
    const path = `${EVIDENCE}${log}${name}`
    const isSame = Buffer.compare(files.get(path) ?? new Uint8Array(), bytes) === 0
    return isSame ? [] : [{ path, says: 'is not the tile that the log’s entries make' }]
  })
  return [
    ...strays.map((path) => ({ path, says: 'lies among the evidence and is none' })),
    ...wrong,
  ].map(finding)
}

/** Signatures, log, manifest, shape: everything that needs no source. */
export const judgeRelease = (
  opened: OpenedArtefact,
  signers: readonly Signer[],
  seen?: string,
): ReleaseVerdict => {
  const shape = [...judgeShape(opened.tree), ...judgeShape(opened.around)]
  const files = filesIn(opened)
  const release = verifyRelease((path) => files.get(`${EVIDENCE}${path}`), signers, seen)
  if (isReleaseProblem(release)) {
    const why = 'nobody whom you trust vouches for this artefact as it is'
    const manifest = manifestIn(opened)
    return {
      findings: [
        ...shape,
        { at: 'release', says: wordsOfProblem(release), why },
        ...(manifest === undefined ? [] : judgeManifest(opened, manifest)),
      ],
    }
  }
  const about = [...judgeManifest(opened, release.manifest), ...judgeEvidence(opened, release)]
  return { release, findings: [...shape, ...about] }
}

/**
 * Against what the source makes, with the artefact's own signatures put in: then not one byte may differ. `bytes` are
 * the two artefacts as they lie there.
 */
export const judgeRebuild = (
  shipped: OpenedArtefact,
  built: OpenedArtefact,
  bytes: { readonly shipped: Uint8Array; readonly built: Uint8Array },
): readonly Finding[] => {
  const prefix = AROUND[shipped.kind]
  const differences = [
    ...compareEntries('', shipped.tree, built.tree),
    ...compareEntries(prefix, shipped.around, built.around),
  ].map(finding)
  if (differences.length > 0 || Buffer.compare(bytes.shipped, bytes.built) === 0) return differences
  return [
    {
      at: 'artefact',
      says: 'holds the same files, and is packed or ordered in another way',
      why: 'unpackers may read such an archive differently; a release is packed in one way only',
    },
  ]
}
