// A small release with real signatures and a real log: the evidence that travels with an artefact, to be broken by tests.

import { createHash } from 'node:crypto'
import { developmentKeys, type ReleaseKeys } from '../../scripts/releasing/release-keys.ts'
import { appendRelease } from '../../scripts/releasing/release-log.ts'
import { EVIDENCE_FILES, encodeManifest, type Manifest } from '../../src/release/index.ts'

export const KEYS: ReleaseKeys = developmentKeys()
export const COMMIT = '0123456789abcdef0123456789abcdef01234567'

export const sha256Hex = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex')

export const manifestOf = (version: string, content = 'program'): Manifest => ({
  version,
  commit: COMMIT,
  committedAt: 1_795_000_000,
  platform: 'linux-x64',
  files: [
    {
      path: 'usr/lib/keyrealm/program/keyrealm.mjs',
      mode: '0644',
      size: content.length,
      sha256: sha256Hex(content),
    },
  ],
})

/** Files below the evidence folder. A `before` is the evidence of the release before it, whose log goes on. */
export const evidenceOf = (
  manifest: Manifest,
  before: ReadonlyMap<string, Uint8Array> = new Map(),
): Map<string, Uint8Array> => {
  const raw = Buffer.from(encodeManifest(manifest))
  const { version, commit, platform } = manifest
  const log = appendRelease(
    { version, commit, platform, manifestSha256: sha256Hex(raw) },
    (path) => before.get(`${EVIDENCE_FILES.log}${path}`),
    KEYS,
    manifest.committedAt,
  )
  return new Map<string, Uint8Array>([
    [EVIDENCE_FILES.manifest, raw],
    [EVIDENCE_FILES.ed25519, KEYS.signEd25519(raw)],
    [EVIDENCE_FILES.mlDsa65, KEYS.signMlDsa65(raw)],
    ...[...log].map(([path, bytes]) => [`${EVIDENCE_FILES.log}${path}`, bytes] as const),
  ])
}

/** The same bytes with one bit of one byte turned. */
export const flipped = (bytes: Uint8Array, at: number): Uint8Array => {
  const copy = new Uint8Array(bytes)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}
