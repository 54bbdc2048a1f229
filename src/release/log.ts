// The release log: one entry for each release, in the same formats as the audit log (C2SP tlog-tiles, tlog-checkpoint).
// It travels whole with every release, so whoever reads it hashes all of it and needs no proof from anybody.

import {
  Frontier,
  leafHash,
  openCheckpoint,
  parseBundle,
  parseCheckpoint,
  parseNote,
  type ReadFile,
  sameBytes,
  TILE_WIDTH,
  tilePath,
  type VerifierKey,
} from '../audit/index.ts'
import { decodeUtf8 } from '../crypto/index.ts'
import type { ReleaseProblem } from './problems.ts'
import { compareVersions, isSha256Hex, isVersion } from './spelling.ts'

const ENTRY_FORMAT = 'keyrealm-release/v1'

/** What the log says of a release. */
export interface ReleaseEntry {
  readonly version: string
  readonly platform: string
  readonly commit: string
  readonly manifestSha256: string
}

export interface ReadReleaseLog {
  readonly size: number
  /** The newest one last. */
  readonly entries: readonly ReleaseEntry[]
}

export const encodeReleaseEntry = ({
  version,
  platform,
  commit,
  manifestSha256,
}: ReleaseEntry): string =>
  JSON.stringify({ format: ENTRY_FORMAT, version, platform, commit, manifestSha256 })

const readMembers = (text: string): Partial<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

export const parseReleaseEntry = (bytes: Uint8Array): ReleaseEntry | undefined => {
  const text = decodeUtf8(bytes)
  if (text === undefined) return undefined
  const { version, platform, commit, manifestSha256 } = readMembers(text)
  const isGood =
    isVersion(version) &&
    typeof platform === 'string' &&
    typeof commit === 'string' &&
    isSha256Hex(manifestSha256)
  if (!isGood) return undefined
  const entry = { version, platform, commit, manifestSha256 }
  return encodeReleaseEntry(entry) === text ? entry : undefined
}

/** All entries below `size`, as bytes; undefined if a bundle is missing or too short. */
const readEntries = (read: ReadFile, size: number): readonly Uint8Array[] | undefined => {
  const entries: Uint8Array[] = []
  for (let index = 0; index * TILE_WIDTH < size; index++) {
    const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH)
    const bundle = read(tilePath({ level: 'entries', index, width }))
    const parsed = bundle === undefined ? undefined : parseBundle(bundle)
    if (parsed?.length !== width) return undefined
    entries.push(...parsed)
  }
  return entries
}

const risingOf = (entries: readonly ReleaseEntry[]): ReleaseProblem | undefined => {
  const last = new Map<string, string>()
  for (const { platform, version } of entries) {
    const before = last.get(platform)
    if (before !== undefined && compareVersions(before, version) >= 0) {
      return { problem: 'release.log-not-rising', at: version }
    }
    last.set(platform, version)
  }
  return undefined
}

/** The root over all entries, and the one over the first `size` of them. */
const rootsOf = (bodies: readonly Uint8Array[], size: number) => {
  const tree = new Frontier()
  let before = tree.root()
  for (const body of bodies) {
    tree.append(leafHash(body))
    if (tree.size === size) before = tree.root()
  }
  return { now: tree.root(), before }
}

/** What was seen before: the text of its checkpoint is enough, since it was checked then. */
const seenIn = (note: string | undefined) => {
  const parsed = note === undefined ? undefined : parseNote(note)
  return parsed === undefined ? undefined : parseCheckpoint(parsed.text)
}

/**
 * Reads all of a log that `keys` have signed. `seen` is the checkpoint that was accepted before, if there was one: the
 * log must go on from it.
 */
export const readReleaseLog = (
  read: ReadFile,
  keys: readonly VerifierKey[],
  seen?: string,
): ReadReleaseLog | ReleaseProblem => {
  const note = read('checkpoint')
  if (note === undefined) return { problem: 'release.log-missing', at: 'checkpoint' }
  const checkpoint = openCheckpoint(decodeUtf8(note) ?? '', keys)
  if (typeof checkpoint === 'string') return { problem: 'release.log-not-signed', at: checkpoint }
  const { size, root } = checkpoint
  const before = seenIn(seen)
  if (seen !== undefined && before?.origin !== checkpoint.origin) {
    return { problem: 'release.log-forked' }
  }
  if (before !== undefined && before.size > size) return { problem: 'release.rolled-back' }
  const bodies = readEntries(read, size)
  if (bodies === undefined) return { problem: 'release.log-missing', at: 'tile/entries' }
  const roots = rootsOf(bodies, before?.size ?? 0)
  if (!sameBytes(roots.now, root)) return { problem: 'release.log-altered' }
  if (before !== undefined && !sameBytes(roots.before, before.root)) {
    return { problem: 'release.log-forked' }
  }
  const entries = bodies.flatMap((body) => parseReleaseEntry(body) ?? [])
  if (entries.length !== size) return { problem: 'release.log-entry-unreadable' }
  return risingOf(entries) ?? { size, entries }
}
