// The tables of postings as types, and how stretches of lists are read without reading more than fits.

import type { Kysely } from 'kysely'

/** A list as it is kept, by its number. */
export interface KeptList {
  readonly doc: number
  readonly hashes: Uint8Array
}

/** What has become of a list: not merged yet, merged, replaced. Only the first two hold. */
export const STATE = { waiting: 0, merged: 1, gone: 2 } as const

export interface PostingsTables {
  lists: {
    doc: number
    resource_uri: string
    message_id: string
    revision: number
    hashes: Uint8Array
    state: number
  }
  postings: { hash: Uint8Array; doc: number }
  search_version: { version: number }
}

export type PostingsDb = Kysely<PostingsTables>

/** Sizes first: one list may be as long as thousands of others. */
export const DOCS_AT_ONCE = 1000

interface Sized {
  readonly doc: number
  readonly bytes: number
}

/** The first ones that fit, and at least one. */
export const upToBytes = <Row extends Sized>(
  rows: readonly Row[],
  most: number,
): readonly Row[] => {
  let bytes = 0
  const end = rows.findIndex((row, n) => {
    bytes += row.bytes
    return bytes > most && n > 0
  })
  return end === -1 ? rows : rows.slice(0, end)
}

export const hashesOf = async (
  db: PostingsDb,
  docs: readonly number[],
): Promise<readonly KeptList[]> =>
  docs.length === 0
    ? []
    : await db
        .selectFrom('lists')
        .select(['doc', 'hashes'])
        .where('doc', 'in', docs)
        .orderBy('doc')
        .execute()
