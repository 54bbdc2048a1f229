// What a running core holds of the search index, read from its database beside it.

import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { HASH_BYTES } from '../../src/boundary/index.ts'
import type { RunningWorld } from './running-world.ts'

export interface HeldList {
  readonly messageId: string
  /** In hex, as they lie in the list. */
  readonly hashes: readonly string[]
}

/** Lists that hold; a message that was replaced or dropped has none. */
export const heldLists = ({ plan }: RunningWorld): readonly HeldList[] => {
  const file = join(plan.core.directory, 'core.sqlite-search')
  const database = new Sqlite(file, { readonly: true })
  try {
    return database
      .prepare<[], { id: string; hashes: Buffer }>(
        'select message_id as id, hashes from lists where state < 2',
      )
      .all()
      .map(({ id, hashes }) => ({ messageId: id, hashes: hashesIn(hashes) }))
  } finally {
    database.close()
  }
}

/** How many rows the lookup has for lists that hold: one for each hash once everything is merged. */
export const countRows = ({ plan }: RunningWorld): number => {
  const file = join(plan.core.directory, 'core.sqlite-search')
  const database = new Sqlite(file, { readonly: true })
  try {
    const row = database
      .prepare<[], { count: number }>('select count(*) as count from postings')
      .get()
    return row?.count ?? 0
  } finally {
    database.close()
  }
}

const hashesIn = (list: Buffer): readonly string[] =>
  Array.from({ length: list.length / HASH_BYTES }, (_, n) =>
    list.toString('hex', n * HASH_BYTES, (n + 1) * HASH_BYTES),
  )
