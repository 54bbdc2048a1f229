// Entries become leaves: new hashes are put behind the last tile of each level. What is kept between two
// runs is the rightmost, unfinished tile of each level; full tiles never change again.

import { hashesAt, levelsOf, peaksOf, type ReadTile, TILE_WIDTH, tileRoot } from './tiles.ts'
import { HASH_BYTES, joinPeaks } from './tree.ts'

/** A tile as stored: all hashes it has so far. Narrower ones of earlier trees are its beginning. */
export interface StoredTile {
  readonly level: number
  readonly index: number
  /** 32 bytes a hash, from 1 to 256 hashes. */
  readonly hashes: Uint8Array
}

export interface Tree {
  /** How many entries it has. */
  readonly size: number
  /** By level: the hashes of the rightmost tile, if that is not full; else nothing. */
  readonly tails: readonly Uint8Array[]
}

export const EMPTY_TREE: Tree = { size: 0, tails: [] }

/** The root over everything, as RFC 6962 §2.1 has it. */
export const rootOfTree = ({ tails }: Tree): Uint8Array =>
  joinPeaks(tails.toReversed().flatMap(peaksOf))

/** The tree of `size` entries, from its stored tiles. */
export const loadTree = async (size: number, read: ReadTile): Promise<Tree> => ({
  size,
  tails: await Promise.all(
    Array.from({ length: levelsOf(size) }, async (_, level) => {
      const count = hashesAt(level, size)
      if (count % TILE_WIDTH === 0) return new Uint8Array()
      const tile = await read(level, Math.floor(count / TILE_WIDTH))
      return tile.slice(0, (count % TILE_WIDTH) * HASH_BYTES)
    }),
  ),
})

export interface Growth {
  readonly tree: Tree
  /** Tiles that are new or have become wider; each takes the place of its narrower self. */
  readonly tiles: readonly StoredTile[]
}

const concat = (first: Uint8Array, hashes: readonly Uint8Array[]): Uint8Array => {
  const joined = new Uint8Array(first.length + hashes.length * HASH_BYTES)
  joined.set(first)
  let at = first.length
  for (const hash of hashes) {
    joined.set(hash, at)
    at += HASH_BYTES
  }
  return joined
}

const TILE_BYTES = TILE_WIDTH * HASH_BYTES

/** The tree with more leaves behind it. Changes nothing that it is given. */
export const grow = (tree: Tree, leaves: readonly Uint8Array[]): Growth => {
  const tails: Uint8Array[] = [...tree.tails]
  const tiles: StoredTile[] = []
  let fresh = leaves
  for (let level = 0; fresh.length > 0; level++) {
    const known = concat(tails[level] ?? new Uint8Array(), fresh)
    const first = Math.floor(hashesAt(level, tree.size) / TILE_WIDTH)
    const full = Math.floor(known.length / TILE_BYTES)
    const above: Uint8Array[] = []
    for (let index = 0; index < full; index++) {
      const hashes = known.slice(index * TILE_BYTES, (index + 1) * TILE_BYTES)
      tiles.push({ level, index: first + index, hashes })
      above.push(tileRoot(hashes))
    }
    const tail = known.slice(full * TILE_BYTES)
    if (tail.length > 0) tiles.push({ level, index: first + full, hashes: tail })
    tails[level] = tail
    fresh = above
  }
  return { tree: { size: tree.size + leaves.length, tails }, tiles }
}
