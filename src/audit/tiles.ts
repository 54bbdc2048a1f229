// Tiles and entry bundles (C2SP tlog-tiles): where each hash of the tree stands, under which path, and how
// entries are packed. It reads no file and no database: whoever has the tiles hands them in.

import { HASH_BYTES, joinPeaks, nodeHash, type Range, type Subtree, subtreesOf } from './tree.ts'

export const TILE_WIDTH = 256
/** A tile spans so many levels of the tree. */
const TILE_HEIGHT = 8
/** An entry's length is a uint16 in its bundle. */
export const ENTRY_MAX_BYTES = 0xffff

export interface Tile {
  /** 0: hashes of entries; n: roots of full tiles of level n − 1. `entries`: the entries themselves. */
  readonly level: number | 'entries'
  readonly index: number
  /** From 1 to 256; below 256 the tile is partial. */
  readonly width: number
}

/** `1234067` → `x001/x234/067`. */
const indexPath = (index: number): string => {
  const groups = [String(index % 1000).padStart(3, '0')]
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`)
  }
  return groups.join('/')
}

/** `tile/0/x001/x234/067.p/12`, below the log's prefix. */
export const tilePath = ({ level, index, width }: Tile): string =>
  `tile/${level}/${indexPath(index)}${width === TILE_WIDTH ? '' : `.p/${width}`}`

const PATH =
  /^tile\/(?<level>entries|0|[1-5]?\d|6[0-3])\/(?<index>(?:x\d{3}\/){0,4}\d{3})(?:\.p\/(?<width>[1-9]\d{0,2}))?$/

/** The tile that a path names, if the path is the one spelling of it. */
export const parseTilePath = (path: string): Tile | undefined => {
  const groups = PATH.exec(path)?.groups
  if (groups === undefined) return undefined
  const { level = '', index = '', width } = groups
  const tile: Tile = {
    level: level === 'entries' ? level : Number(level),
    index: Number(index.replaceAll(/[x/]/g, '')),
    width: width === undefined ? TILE_WIDTH : Number(width),
  }
  return tilePath(tile) === path ? tile : undefined
}

/** How many hashes the tree of `size` entries has at a level of tiles. */
export const hashesAt = (level: number, size: number): number =>
  Math.floor(size / TILE_WIDTH ** level)

/** Every tile and entry bundle of the tree of `size` entries, as wide as it has them. */
export function* tilesOf(size: number): Generator<Tile> {
  for (let level = 0; hashesAt(level, size) > 0; level++) {
    const count = hashesAt(level, size)
    for (let index = 0; index * TILE_WIDTH < count; index++) {
      const width = widthAt(level, index, size)
      if (level === 0) yield { level: 'entries', index, width }
      yield { level, index, width }
    }
  }
}

/** How many levels of tiles a tree of `size` entries has. */
export const levelsOf = (size: number): number => {
  let level = 0
  while (hashesAt(level, size) > 0) level += 1
  return level
}

/** Is this tile one of the tree of `size` entries, whole, or as an earlier and smaller tree had it? */
export const isTileWithin = ({ level, index, width }: Tile, size: number): boolean =>
  index * TILE_WIDTH + width <= hashesAt(level === 'entries' ? 0 : level, size)

/** The width at `index` of the tree of `size` entries; 0 where there is no tile. */
export const widthAt = (level: number, index: number, size: number): number =>
  Math.max(0, Math.min(TILE_WIDTH, hashesAt(level, size) - index * TILE_WIDTH))

export const hashAt = (hashes: Uint8Array, index: number): Uint8Array =>
  hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES)

const perfectRoot = (hashes: Uint8Array, start: number, count: number): Uint8Array =>
  count === 1
    ? hashAt(hashes, start)
    : nodeHash(
        perfectRoot(hashes, start, count / 2),
        perfectRoot(hashes, start + count / 2, count / 2),
      )

/** The roots of the perfect subtrees of a tile's hashes, the leftmost first. */
export const peaksOf = (hashes: Uint8Array): readonly Uint8Array[] =>
  subtreesOf([0, hashes.length / HASH_BYTES]).map(({ level, index }) =>
    perfectRoot(hashes, index * 2 ** level, 2 ** level),
  )

/** The root over all hashes of a tile; of a full one it stands in the level above. */
export const tileRoot = (hashes: Uint8Array): Uint8Array => joinPeaks(peaksOf(hashes))

/** Tiles of one tree, by level and index; at least as wide as that tree needs. */
export type ReadTile = (level: number, index: number) => Promise<Uint8Array>

const subtreeRoot = async (read: ReadTile, { level, index }: Subtree): Promise<Uint8Array> => {
  const count = 2 ** (level % TILE_HEIGHT)
  const first = index * count
  const tile = await read(Math.floor(level / TILE_HEIGHT), Math.floor(first / TILE_WIDTH))
  return perfectRoot(tile, first % TILE_WIDTH, count)
}

/** The roots of ranges, as the proofs of `tree.ts` ask for them. */
export const rootsOf = async (
  read: ReadTile,
  ranges: readonly Range[],
): Promise<readonly Uint8Array[]> => {
  const known = new Map<string, Promise<Uint8Array>>()
  const once: ReadTile = (level, index) => {
    const name = `${level}/${index}`
    const tile = known.get(name) ?? read(level, index)
    known.set(name, tile)
    return tile
  }
  return Promise.all(
    ranges.map(async (range) =>
      joinPeaks(await Promise.all(subtreesOf(range).map((subtree) => subtreeRoot(once, subtree)))),
    ),
  )
}

/** Each entry after its length, a big-endian uint16. Entries MUST NOT be longer than ENTRY_MAX_BYTES. */
export const encodeBundle = (entries: readonly Uint8Array[]): Uint8Array => {
  const bundle = new Uint8Array(entries.reduce((sum, { length }) => sum + 2 + length, 0))
  let at = 0
  for (const entry of entries) {
    bundle.set([entry.length >> 8, entry.length & 0xff], at)
    bundle.set(entry, at + 2)
    at += 2 + entry.length
  }
  return bundle
}

/** The entries of a bundle, or undefined if it does not end where an entry ends. */
export const parseBundle = (bundle: Uint8Array): readonly Uint8Array[] | undefined => {
  const entries: Uint8Array[] = []
  let at = 0
  while (at + 2 <= bundle.length) {
    const end = at + 2 + (bundle[at] ?? 0) * 256 + (bundle[at + 1] ?? 0)
    if (end > bundle.length) return undefined
    entries.push(bundle.subarray(at + 2, end))
    at = end
  }
  return at === bundle.length ? entries : undefined
}
