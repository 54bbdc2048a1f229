// Lists become rows of the lookup structure, and those that were replaced leave it: sorted, so many hashes at a time.
// Each step may be the last one before the process dies; done again it changes nothing.

import { sql } from 'kysely'
import { HASH_BYTES } from '../../boundary/index.ts'
import type { PostingsDialect } from './postings-dialect.ts'
import {
  DOCS_AT_ONCE,
  hashesOf,
  type KeptList,
  type PostingsDb,
  STATE,
  upToBytes,
} from './postings-tables.ts'

export interface Merged {
  /** These are found by `match` from now on. */
  readonly merged: readonly KeptList[]
  /** Of these nothing is left. */
  readonly removed: readonly KeptList[]
  readonly isMore: boolean
}

/** Merges lists of about so many hashes, and at least one. */
export const mergeSome = async (
  db: PostingsDb,
  dialect: PostingsDialect,
  most: number,
): Promise<Merged> => {
  const sizes = await db
    .selectFrom('lists')
    .select(['doc', 'state', sql<number>`length(hashes)`.as('bytes')])
    .where('state', '<>', sql.lit(STATE.merged))
    .orderBy('doc')
    .limit(DOCS_AT_ONCE)
    .execute()
  const chosen = upToBytes(sizes, most * HASH_BYTES)
  const lists = await hashesOf(
    db,
    chosen.map(({ doc }) => doc),
  )
  const stateOf = new Map(chosen.map(({ doc, state }) => [doc, state]))
  const isGone = ({ doc }: KeptList): boolean => stateOf.get(doc) === STATE.gone
  const merged = lists.filter((list) => !isGone(list))
  const removed = lists.filter(isGone)
  for (const part of partsOf(merged, most)) await putIn(db, dialect, part)
  for (const part of partsOf(removed, most)) await takeOut(db, dialect, part)
  await finish(db, merged, removed)
  const isMore = sizes.length === DOCS_AT_ONCE || chosen.length < sizes.length
  return { merged, removed, isMore }
}

interface Pairs {
  readonly packed: Uint8Array
  readonly docs: readonly number[]
}

/** Hashes with their lists, in the order of the lookup structure, so many at a time. */
function* partsOf(lists: readonly KeptList[], most: number): Generator<Pairs> {
  const pairs = lists.flatMap(({ doc, hashes }) => {
    const bytes = Buffer.from(hashes.buffer, hashes.byteOffset, hashes.byteLength)
    return Array.from({ length: bytes.length / HASH_BYTES }, (_, n) => ({
      doc,
      hash: bytes.subarray(n * HASH_BYTES, (n + 1) * HASH_BYTES),
    }))
  })
  pairs.sort((one, other) => one.hash.compare(other.hash))
  for (let at = 0; at < pairs.length; at += most) {
    const part = pairs.slice(at, at + most)
    yield { packed: Buffer.concat(part.map(({ hash }) => hash)), docs: part.map(({ doc }) => doc) }
  }
}

const putIn = async (
  db: PostingsDb,
  dialect: PostingsDialect,
  { packed, docs }: Pairs,
): Promise<void> => {
  await sql`insert into postings (hash, doc)
    select hash, doc from ${dialect.pairs(packed, docs)} where true
    on conflict do nothing`.execute(db)
}

const takeOut = async (db: PostingsDb, dialect: PostingsDialect, pairs: Pairs): Promise<void> => {
  await sql`delete from postings where (hash, doc) in (
    select hash, doc from ${dialect.pairs(pairs.packed, pairs.docs)})`.execute(db)
}

/** Whatever was replaced meanwhile stays to be taken out. */
const finish = (
  db: PostingsDb,
  merged: readonly KeptList[],
  removed: readonly KeptList[],
): Promise<void> =>
  db.transaction().execute(async (tx) => {
    const docsOf = (lists: readonly KeptList[]) => lists.map(({ doc }) => doc)
    if (merged.length > 0) {
      await tx
        .updateTable('lists')
        .set({ state: STATE.merged })
        .where('doc', 'in', docsOf(merged))
        .where('state', '=', sql.lit(STATE.waiting))
        .execute()
    }
    if (removed.length > 0) {
      await tx.deleteFrom('lists').where('doc', 'in', docsOf(removed)).execute()
    }
  })
