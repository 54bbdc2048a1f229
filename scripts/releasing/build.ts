// Builds a release from the checkout that it lies in, whose packages are installed. It asks nobody for the time, the
// user, the folder or the network. `scripts/release` gives it a fresh export of a commit; so does `verify-release`.

import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  EVIDENCE,
  EVIDENCE_FILES,
  encodeManifest,
  encodeSigners,
  type ManifestFile,
} from '../../src/release/index.ts'
import { makeArtefacts } from './artefacts.ts'
import { type Artefact, signProvenance } from './provenance.ts'
import { developmentKeys, type ReleaseKeys, readKeys } from './release-keys.ts'
import { appendRelease } from './release-log.ts'
import { PLATFORM, type ReleaseFacts, type ShippedTree, shippedTree } from './shipped-tree.ts'
import type { TreeFile } from './tar.ts'

const ROOT = join(import.meta.dirname, '../..')

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const inOrder = (left: { readonly path: string }, right: { readonly path: string }): number =>
  left.path < right.path ? -1 : 1

const manifestOf = (files: readonly TreeFile[], facts: ReleaseFacts): Buffer => {
  const rows = files.map(
    ({ path, mode, bytes }): ManifestFile => ({
      path,
      mode: mode.toString(8).padStart(4, '0'),
      size: bytes.length,
      sha256: sha256(bytes),
    }),
  )
  return Buffer.from(encodeManifest({ ...facts, platform: PLATFORM, files: rows.sort(inOrder) }))
}

/** A file of a folder, or undefined. */
const reader =
  (folder: string | undefined) =>
  (path: string): Uint8Array | undefined => {
    const file = folder === undefined ? undefined : join(folder, path)
    return file !== undefined && existsSync(file) ? readFileSync(file) : undefined
  }

const sign = (
  manifest: Buffer,
  facts: ReleaseFacts,
  keys: ReleaseKeys,
  logFolder: string | undefined,
): readonly TreeFile[] => {
  const entry = {
    version: facts.version,
    platform: PLATFORM,
    commit: facts.commit,
    manifestSha256: sha256(manifest),
  }
  const log = appendRelease(entry, reader(logFolder), keys, facts.committedAt)
  const evidence: readonly (readonly [string, Uint8Array])[] = [
    [EVIDENCE_FILES.ed25519, keys.signEd25519(manifest)],
    [EVIDENCE_FILES.mlDsa65, keys.signMlDsa65(manifest)],
    ...[...log].map(([path, bytes]) => [`${EVIDENCE_FILES.log}${path}`, bytes] as const),
  ]
  return evidence.map(([path, bytes]) => ({ path: `${EVIDENCE}${path}`, mode: 0o644, bytes }))
}

/** Signatures and log that somebody else made, for a manifest of ours. Whether they hold is for a verifier to say. */
const transplant = (folder: string): readonly TreeFile[] =>
  globSync('**/*', { cwd: folder, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name))
    .map((file) => ({ path: file.slice(folder.length + 1), bytes: readFileSync(file) }))
    .filter(({ path }) => path !== EVIDENCE_FILES.manifest)
    .map(({ path, bytes }) => ({ path: `${EVIDENCE}${path}`, mode: 0o644, bytes }))

const write = (folder: string, path: string, bytes: Uint8Array | string): void => {
  const file = join(folder, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, bytes)
}

const sums = (files: readonly Artefact[]): string =>
  files.map(({ name, bytes }) => `${sha256(bytes)}  ${name}\n`).join('')

const beside = (
  { sbom, packages }: ShippedTree,
  facts: ReleaseFacts,
  keys: ReleaseKeys,
  artefacts: readonly Artefact[],
): readonly Artefact[] => [
  { name: 'sbom.cdx.json', bytes: Buffer.from(sbom) },
  {
    name: 'provenance.intoto.json',
    bytes: Buffer.from(signProvenance(facts, packages, artefacts, keys)),
  },
  { name: 'signers.json', bytes: Buffer.from(encodeSigners([keys.signer])) },
]

const { values } = parseArgs({
  options: {
    commit: { type: 'string' },
    time: { type: 'string' },
    out: { type: 'string' },
    keys: { type: 'string' },
    log: { type: 'string' },
    evidence: { type: 'string' },
  },
})
const { commit, time, out, keys: keyFolder, log: logFolder, evidence } = values
if (commit === undefined || time === undefined || out === undefined) {
  throw new Error('--commit, --time and --out are needed')
}
const { version }: { version: string } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
)
const facts: ReleaseFacts = { version, commit, committedAt: Number(time) }
const shipped = await shippedTree(ROOT, facts)
const manifest = manifestOf(shipped.files, facts)
const keys = keyFolder === undefined ? developmentKeys() : readKeys(keyFolder)
const signed =
  evidence === undefined ? sign(manifest, facts, keys, logFolder) : transplant(evidence)
const manifestFile = {
  path: `${EVIDENCE}${EVIDENCE_FILES.manifest}`,
  mode: 0o644,
  bytes: manifest,
}
const artefacts = makeArtefacts([...shipped.files, manifestFile, ...signed], facts)
// Whoever brings signatures has no keys: then there is nothing more to sign.
const more = evidence === undefined ? beside(shipped, facts, keys, artefacts) : []
for (const { name, bytes } of [...artefacts, ...more]) write(out, name, bytes)
for (const { path, bytes } of [manifestFile, ...signed]) {
  write(out, `evidence/${path.slice(EVIDENCE.length)}`, bytes)
}
write(out, 'SHA256SUMS', sums([...artefacts, ...more]))
