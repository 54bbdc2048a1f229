// Are the entries of a range those that were published? The hashes of everything before them come from the
// tiles, theirs are computed anew, and together they must give the root of the checkpoint.

import { Fault } from '../fault.ts'
import type { LogTransaction, StoredEntry } from './ports.ts'
import { leafOf, publishedIn, tilesIn } from './publish.ts'
import { hashAt, type ReadTile, rootsOf, TILE_WIDTH } from './tiles.ts'
import { Frontier, sameBytes, subtreesOf } from './tree.ts'

export class RangeCheck {
  readonly #frontier: Frontier
  readonly #size: number
  readonly #root: Uint8Array
  readonly #first: number
  #next: number
  #brokenAt: number | undefined

  private constructor(frontier: Frontier, size: number, root: Uint8Array) {
    this.#frontier = frontier
    this.#size = size
    this.#root = root
    this.#first = frontier.size + 1
    this.#next = this.#first
  }

  /** Entries will be given from `first` (a sequence) on. */
  static async from(tx: LogTransaction, first: number): Promise<RangeCheck> {
    const head = await tx.tree.head()
    const published = publishedIn(head)
    const before = Math.min(first - 1, head.size)
    const subtrees = subtreesOf([0, before])
    const peaks = await rootsOf(
      tilesIn(tx),
      subtrees.map(({ level, index }) => [index * 2 ** level, (index + 1) * 2 ** level]),
    )
    const check = new RangeCheck(
      Frontier.of(before, peaks),
      published?.size ?? 0,
      published?.root ?? new Uint8Array(),
    )
    check.#next = first
    return check
  }

  /** Up to which sequence entries are published, and can be checked against the tree. */
  get publishedTo(): number {
    return this.#size
  }

  async add(entries: readonly StoredEntry[], read: ReadTile): Promise<void> {
    for (const entry of entries) {
      if (entry.sequence !== this.#next) this.#brokenAt ??= this.#next
      this.#next = entry.sequence + 1
      if (entry.sequence > this.#size) continue
      const leaf = leafOf(entry)
      if (!sameBytes(leaf, await leafIn(read, entry.sequence - 1))) {
        this.#brokenAt ??= entry.sequence
      }
      this.#frontier.append(leaf)
    }
  }

  /** The first entry that is missing or is not what was published, if there is one. */
  end(): number | undefined {
    if (this.#brokenAt !== undefined) return this.#brokenAt
    if (this.#next <= this.#size) return this.#next
    const isChecked = this.#size > 0 && this.#frontier.size === this.#size
    return isChecked && !sameBytes(this.#frontier.root(), this.#root) ? this.#first : undefined
  }
}

/**
 * Of a page of the log the first entry that is missing or is not what was published; those that are not published yet
 * are believed.
 */
export const brokenAt = async (
  tx: LogTransaction,
  { after, limit }: { readonly after: number; readonly limit: number },
  entries: readonly StoredEntry[],
): Promise<number | undefined> => {
  const { size } = await tx.tree.head()
  const tiles = new Map<number, Promise<Uint8Array>>()
  const read: ReadTile = (level, index) => {
    const tile = tiles.get(index) ?? tilesIn(tx)(level, index)
    tiles.set(index, tile)
    return tile
  }
  for (const [at, entry] of entries.entries()) {
    if (entry.sequence !== after + 1 + at) return after + 1 + at
    const isPublished = entry.sequence <= size
    if (isPublished && !sameBytes(leafOf(entry), await leafIn(read, at + after))) {
      return entry.sequence
    }
  }
  const next = after + entries.length + 1
  return entries.length < limit && next <= size ? next : undefined
}

const leafIn = async (read: ReadTile, index: number): Promise<Uint8Array> => {
  const tile = await read(0, Math.floor(index / TILE_WIDTH))
  const hash = hashAt(tile, index % TILE_WIDTH)
  if (hash.length === 0) throw new Fault('audit.tree-damaged')
  return hash
}
