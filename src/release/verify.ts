// Is this a release? Its manifest must be signed twice by one pinned signer, and be the newest entry of that signer's
// log. Pure: bytes come in, a verdict goes out. Whether the files are those of the manifest is `files.ts`'s to say.

import type { ReadFile } from '../audit/index.ts'
import { sha256Hex, verifySignature } from '../crypto/index.ts'
import { type ReleaseEntry, readReleaseLog } from './log.ts'
import { type Manifest, parseManifest } from './manifest.ts'
import { isReleaseProblem, type ReleaseProblem } from './problems.ts'
import type { Signer } from './signers.ts'

/** Names of the evidence, below its folder. The signatures are raw: 64 and 3309 bytes. */
export const EVIDENCE_FILES = {
  manifest: 'manifest.json',
  ed25519: 'manifest.json.ed25519',
  mlDsa65: 'manifest.json.ml-dsa-65',
  log: 'log/',
} as const

export interface VerifiedRelease {
  readonly manifest: Manifest
  readonly manifestSha256: string
  readonly signer: Signer
  /** How many releases the log holds; this one is the last for its platform. */
  readonly logSize: number
}

interface Signatures {
  readonly ed25519: Uint8Array
  readonly mlDsa65: Uint8Array
}

const holding =
  (manifest: Uint8Array, { ed25519, mlDsa65 }: Signatures) =>
  (signer: Signer) =>
    [
      verifySignature('ed25519', signer.ed25519, manifest, ed25519),
      verifySignature('ml-dsa-65', signer.mlDsa65, manifest, mlDsa65),
    ].filter(Boolean).length

/** Which of the pinned signers made both signatures. */
const signerOf = (
  manifest: Uint8Array,
  signatures: Signatures,
  signers: readonly Signer[],
): Signer | ReleaseProblem => {
  const count = holding(manifest, signatures)
  const signer = signers.find((one) => count(one) === 2)
  if (signer !== undefined) return signer
  const isHalf = signers.some((one) => count(one) === 1)
  return { problem: isHalf ? 'release.half-signed' : 'release.unpinned-key' }
}

const isThis = (entry: ReleaseEntry | undefined, manifest: Manifest, sha256: string): boolean =>
  entry?.manifestSha256 === sha256 &&
  entry.version === manifest.version &&
  entry.commit === manifest.commit

/** Judges the evidence that travels with a release. `read` reads below its folder; `seen` as in `readReleaseLog`. */
export const verifyRelease = (
  read: ReadFile,
  signers: readonly Signer[],
  seen?: string,
): VerifiedRelease | ReleaseProblem => {
  const raw = read(EVIDENCE_FILES.manifest)
  if (raw === undefined) return { problem: 'release.no-manifest' }
  const manifest = parseManifest(raw)
  if (manifest === undefined) return { problem: 'release.manifest-unreadable' }
  const ed25519 = read(EVIDENCE_FILES.ed25519)
  const mlDsa65 = read(EVIDENCE_FILES.mlDsa65)
  if (ed25519 === undefined || mlDsa65 === undefined) return { problem: 'release.not-signed' }
  const signer = signerOf(raw, { ed25519, mlDsa65 }, signers)
  if (isReleaseProblem(signer)) return signer
  const log = readReleaseLog((path) => read(`${EVIDENCE_FILES.log}${path}`), signer.log, seen)
  if (isReleaseProblem(log)) return log
  const manifestSha256 = sha256Hex(raw)
  const newest = log.entries.findLast(({ platform }) => platform === manifest.platform)
  if (!isThis(newest, manifest, manifestSha256)) return { problem: 'release.not-logged' }
  return { manifest, manifestSha256, signer, logSize: log.size }
}
