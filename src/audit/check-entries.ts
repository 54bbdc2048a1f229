// Are the entries of a database those that were published from it? Every one of them is hashed: the tree alone would
// not show that an entry under it was changed. For whoever puts a database back, or rehearses it.

import type { LogTransaction } from './ports.ts'
import { publishedIn, rootAt } from './publish.ts'
import { Frontier, leafHash, sameBytes } from './tree.ts'

/**
 * `whole`: all entries are there and hash to what was published. `altered`: to something else. `missing`: the log counts
 * entries that are not there; such a log cannot go on.
 */
export type EntriesVerdict = 'whole' | 'altered' | 'missing'

export interface CheckedEntries {
  readonly verdict: EntriesVerdict
  /** How many were published, and their root as the entries make it. */
  readonly size: number
  readonly root: Uint8Array
}

const ENTRIES_AT_ONCE = 1000

/** The root over the first `size` entries; undefined if one up to `sequence` is not there. */
const rootOfEntries = async (
  { audit }: LogTransaction,
  size: number,
  sequence: number,
): Promise<Uint8Array | undefined> => {
  const tree = new Frontier()
  let root = tree.root()
  for (let read = 0; read < sequence; ) {
    const entries = await audit.read(read, ENTRIES_AT_ONCE)
    if (entries.length === 0) return undefined
    for (const entry of entries) {
      read += 1
      if (entry.sequence !== read) return undefined
      tree.append(leafHash(entry.body))
      if (read === size) root = tree.root()
    }
  }
  return root
}

/** Reads all of the log. */
export const checkEntries = async (tx: LogTransaction): Promise<CheckedEntries> => {
  const head = await tx.tree.head()
  const { size } = head
  const { sequence } = await tx.audit.head()
  const root = await rootOfEntries(tx, size, Math.max(sequence, size))
  if (root === undefined) return { verdict: 'missing', size, root: new Uint8Array() }
  const published = publishedIn(head)
  const wanted = [await rootAt(tx, size), ...(published === undefined ? [] : [published.root])]
  const isSame =
    wanted.every((one) => one !== undefined && sameBytes(one, root)) &&
    (published === undefined || published.size === size)
  return { verdict: isSame ? 'whole' : 'altered', size, root }
}
