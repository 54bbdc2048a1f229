// The manifest of a release: every file that it installs, with mode, size and digest. One spelling: what does not
// print again to the same bytes is no manifest. It reads no file and knows no signature.

import { decodeUtf8 } from '../crypto/index.ts'
import { isPath, isSha256Hex, isVersion } from './spelling.ts'

export const MANIFEST_FORMAT = 'keyrealm-release-manifest/v1'

/** Everything in here is evidence about the rest, and the one place where two builds may differ. */
export const EVIDENCE = 'usr/lib/keyrealm/release/'

export interface ManifestFile {
  /** From the root of the tree, with slashes; ASCII; no `.` and no `..`. */
  readonly path: string
  /** Four octal digits. */
  readonly mode: string
  readonly size: number
  /** Lower-case hex. */
  readonly sha256: string
}

export interface Manifest {
  readonly version: string
  /** The git commit it was built from, in hex. */
  readonly commit: string
  /** When that commit was made, in POSIX seconds: the time of every file. */
  readonly committedAt: number
  /** `linux-x64`: operating system and processor as Node names them. */
  readonly platform: string
  /** By path, in order of code units. Regular files only: a release has no links. */
  readonly files: readonly ManifestFile[]
}

const MODE = /^0[0-7]{3}$/
const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/
const PLATFORM = /^[a-z0-9]+-[a-z0-9]+$/

export const encodeManifest = ({ files, ...facts }: Manifest): string => {
  const lines = files.map(
    ({ path, mode, size, sha256 }) => `    ${JSON.stringify({ path, mode, size, sha256 })}`,
  )
  const { version, commit, committedAt, platform } = facts
  const head = Object.entries({ format: MANIFEST_FORMAT, version, commit, committedAt, platform })
  return [
    '{',
    ...head.map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)},`),
    '  "files": [',
    lines.join(',\n'),
    '  ]',
    '}\n',
  ].join('\n')
}

const isCount = (raw: unknown): raw is number =>
  typeof raw === 'number' && Number.isSafeInteger(raw) && raw >= 0

const isFile = (raw: unknown): raw is ManifestFile => {
  if (typeof raw !== 'object' || raw === null) return false
  const { path, mode, size, sha256 }: Partial<Record<string, unknown>> = { ...raw }
  return (
    isPath(path) &&
    typeof mode === 'string' &&
    MODE.test(mode) &&
    isCount(size) &&
    isSha256Hex(sha256)
  )
}

const inOrder = (files: readonly ManifestFile[]): boolean =>
  files.every(({ path }, index) => index === 0 || (files[index - 1]?.path ?? '') < path)

const readJson = (text: string): Partial<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/** Undefined unless the bytes are a manifest, in its one spelling. */
export const parseManifest = (raw: Uint8Array): Manifest | undefined => {
  const text = decodeUtf8(raw)
  if (text === undefined) return undefined
  const { version, commit, committedAt, platform, files } = readJson(text)
  const isGood =
    isVersion(version) &&
    typeof commit === 'string' &&
    COMMIT.test(commit) &&
    isCount(committedAt) &&
    typeof platform === 'string' &&
    PLATFORM.test(platform)
  if (!isGood || !Array.isArray(files) || !files.every(isFile) || !inOrder(files)) return undefined
  if (files.some(({ path }) => path.startsWith(EVIDENCE))) return undefined
  const manifest = { version, commit, committedAt, platform, files }
  return encodeManifest(manifest) === text ? manifest : undefined
}
