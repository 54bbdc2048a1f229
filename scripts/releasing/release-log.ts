// Appends a release to the release log: a folder in the layout of C2SP tlog-tiles. Nothing is ever taken back: a version
// is released once, and only a newer one follows it.

import {
  EMPTY_TREE,
  encodeBundle,
  grow,
  leafHash,
  parseBundle,
  type ReadFile,
  rootOfTree,
  signCheckpoint,
  TILE_WIDTH,
  tilePath,
  tilesOf,
} from '../../src/audit/index.ts'
import {
  encodeReleaseEntry,
  isReleaseProblem,
  type ReleaseEntry,
  readReleaseLog,
  wordsOfProblem,
} from '../../src/release/index.ts'
import type { ReleaseKeys } from './release-keys.ts'

/** Files below the log's folder, by path. */
export type LogFiles = ReadonlyMap<string, Uint8Array>

const entriesOf = (read: ReadFile, size: number): readonly Uint8Array[] =>
  Array.from({ length: Math.ceil(size / TILE_WIDTH) }, (_, index) => {
    const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH)
    return parseBundle(read(tilePath({ level: 'entries', index, width })) ?? new Uint8Array()) ?? []
  }).flat()

/** Tiles and bundles of a log with these entries, and its root. */
export const layOut = (entries: readonly Uint8Array[]) => {
  const { tree, tiles } = grow(EMPTY_TREE, entries.map(leafHash))
  const hashes = new Map(
    tiles.map(({ level, index, hashes: bytes }) => [`${level}/${index}`, bytes]),
  )
  const files = new Map<string, Uint8Array>()
  for (const tile of tilesOf(tree.size)) {
    const { level, index, width } = tile
    const bytes =
      level === 'entries'
        ? encodeBundle(entries.slice(index * TILE_WIDTH, index * TILE_WIDTH + width))
        : hashes.get(`${level}/${index}`)
    if (bytes === undefined) throw new Error(`the release log has no ${tilePath(tile)}`)
    files.set(tilePath(tile), bytes)
  }
  return { files, root: rootOfTree(tree) }
}

const earlier = (read: ReadFile, keys: ReleaseKeys): readonly Uint8Array[] => {
  if (read('checkpoint') === undefined) return []
  const log = readReleaseLog(read, keys.signer.log)
  if (isReleaseProblem(log)) throw new Error(wordsOfProblem(log))
  return entriesOf(read, log.size)
}

/**
 * The log that ends with this release. The one before is checked first. A release that is its last entry already is
 * not written twice, so that building again changes nothing. `seconds`: what the checkpoint says of its time.
 */
export const appendRelease = (
  entry: ReleaseEntry,
  read: ReadFile,
  keys: ReleaseKeys,
  seconds: number,
): LogFiles => {
  const before = earlier(read, keys)
  const body = Buffer.from(encodeReleaseEntry(entry))
  const isThere = before.length > 0 && body.equals(before.at(-1) ?? new Uint8Array())
  const bodies = isThere ? before : [...before, body]
  const { files, root } = layOut(bodies)
  const origin = keys.signer.name
  const checkpoint = signCheckpoint({ origin, size: bodies.length, root }, keys.log, seconds)
  const all = new Map([...files, ['checkpoint', Buffer.from(checkpoint)]])
  const log = readReleaseLog((path) => all.get(path), keys.signer.log)
  if (isReleaseProblem(log)) throw new Error(wordsOfProblem(log))
  return all
}
