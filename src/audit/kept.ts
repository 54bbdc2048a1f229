// The newest checkpoint, kept outside the database. A database older than what was published from it has
// been put back from a copy; going on from there would show auditors two logs of one name.

import type { Checkpoint } from './checkpoint.ts'
import { parseCheckpoint } from './checkpoint.ts'
import { parseNote } from './note.ts'
import type { LogTransaction } from './ports.ts'
import { publishedIn, tilesIn } from './publish.ts'
import { rootsOf } from './tiles.ts'
import { EMPTY_ROOT, sameBytes } from './tree.ts'

export interface KeptVerdict {
  /**
   * `whole`: what was published is in the database. `behind`: it is not there any more. `forked`: something
   * else is there in its place. `unreadable`: the kept file is no checkpoint. `unkept`: there is none, though
   * something was published.
   */
  readonly verdict: 'whole' | 'behind' | 'forked' | 'unreadable' | 'unkept'
  readonly kept?: Checkpoint
  /** How many entries of the database were published. */
  readonly size: number
}

/** `originOf` names the logs of this realm, by generation. */
export const checkKept = async (
  tx: LogTransaction,
  note: string | undefined,
  originOf: (generation: number) => string,
): Promise<KeptVerdict> => {
  const head = await tx.tree.head()
  const { size } = head
  if (note === undefined) return { verdict: head.checkpoint === '' ? 'whole' : 'unkept', size }
  // Before the first note of a log its beginning is kept, which nobody has signed.
  const kept = parseCheckpoint(parseNote(note)?.text ?? note)
  if (kept === undefined) return { verdict: 'unreadable', size }
  // Of another generation: the database has none of it.
  const isOurs = kept.origin === originOf(head.generation)
  if (!isOurs || kept.size > size) return { verdict: 'behind', kept, size }
  const [root] = kept.size === 0 ? [EMPTY_ROOT] : await rootsOf(tilesIn(tx), [[0, kept.size]])
  const isSame = root !== undefined && sameBytes(root, kept.root)
  // The same size twice: then the stored checkpoint must say the same, too.
  const published = publishedIn(head)
  const isOne = published?.size !== kept.size || sameBytes(published.root, kept.root)
  return { verdict: isSame && isOne ? 'whole' : 'forked', kept, size }
}
