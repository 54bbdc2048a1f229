// Postings, kept: first each message's packed list, then, in the background, one row for each of its hashes. A list is
// durable when `append` has answered; whatever dies in between is done again, and does no harm done twice.

import { Kysely, sql } from 'kysely'
import { HASH_BYTES } from '../../boundary/index.ts'
import { Fault } from '../../fault.ts'
import { dialectOf, type PostingsDialect } from './postings-dialect.ts'

export type PostingsSettings =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgres'; readonly url: string; readonly poolSize: number }

/** A list as it comes: packed hashes of 10 bytes each. */
export interface NewList {
  readonly resourceUri: string
  readonly messageId: string
  readonly revision: number
  readonly hashes: Uint8Array
}

/** A list as it is kept, by its number. */
export interface KeptList {
  readonly doc: number
  readonly hashes: Uint8Array
}

/** A message that matched. */
export interface MessageRef {
  readonly resourceUri: string
  readonly messageId: string
}

export interface Merged {
  /** These are found by `match` from now on. */
  readonly merged: readonly KeptList[]
  /** Of these nothing is left. */
  readonly removed: readonly KeptList[]
  readonly isMore: boolean
}

export interface Pages {
  /** Lists after this one, up to that one, so many bytes of hashes or a little more. */
  readonly after: number
  readonly upTo: number
  readonly bytes: number
  /** Only those that wait to be merged. */
  readonly onlyWaiting?: boolean
}

export interface PostingsStore {
  /** Keeps what is newer than what is there; older and equal revisions are passed over. Answers what is new. */
  append(lists: readonly NewList[]): Promise<readonly KeptList[]>
  /** Nothing of this room is found any more. */
  drop(resourceUri: string): Promise<void>
  /** Moves some lists into the lookup structure, and those that were replaced out of it. */
  mergeSome(hashes: number): Promise<Merged>
  /** Lists with one of these hashes, among those that are merged. */
  match(hashes: Uint8Array): Promise<readonly number[]>
  /** The messages of those lists that hold. */
  locate(docs: readonly number[]): Promise<readonly MessageRef[]>
  read(pages: Pages): Promise<readonly KeptList[]>
  /** The newest list. */
  top(): Promise<number>
  close(): Promise<void>
}

/** What has become of a list: not merged yet, merged, replaced. Only the first two hold. */
const STATE = { waiting: 0, merged: 1, gone: 2 } as const

interface Tables {
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

type Db = Kysely<Tables>

const VERSION = 1

/** One list of each message holds. */
const INDEXES = [
  'create unique index lists_holding on lists (resource_uri, message_id) where state < 2',
  'create index lists_to_do on lists (doc) where state <> 1',
]

/** Opens the file (`:memory:` for tests) or the database, and brings its tables up to date. */
export const openPostingsStore = async (settings: PostingsSettings): Promise<PostingsStore> => {
  const dialect = dialectOf(settings)
  const db = new Kysely<Tables>({ dialect: dialect.dialect })
  try {
    await migrate(db, dialect)
  } catch (error) {
    await db.destroy()
    throw error
  }
  return {
    append: (lists) => append(db, dialect, newestOf(lists)),
    drop: (resourceUri) => drop(db, resourceUri),
    mergeSome: (hashes) => mergeSome(db, dialect, hashes),
    match: (hashes) => match(db, dialect, hashes),
    locate: (docs) => locate(db, dialect, docs),
    read: (pages) => read(db, pages),
    top: () => top(db),
    close: () => db.destroy(),
  }
}

const migrate = (db: Db, { tables }: PostingsDialect): Promise<void> =>
  db.transaction().execute(async (tx) => {
    await sql`create table if not exists search_version (version integer not null)`.execute(tx)
    const row = await tx.selectFrom('search_version').select('version').executeTakeFirst()
    if (row !== undefined && row.version > VERSION) throw new Fault('core.newer-database')
    if (row !== undefined) return
    for (const statement of [...tables, ...INDEXES]) await sql.raw(statement).execute(tx)
    await tx.insertInto('search_version').values({ version: VERSION }).execute()
  })

/** Of several lists of one message the newest. */
const newestOf = (lists: readonly NewList[]): readonly NewList[] => {
  const newest = new Map<string, NewList>()
  for (const list of lists) {
    const name = nameOf(list.resourceUri, list.messageId)
    if ((newest.get(name)?.revision ?? 0) < list.revision) newest.set(name, list)
  }
  return [...newest.values()]
}

const nameOf = (resourceUri: string, messageId: string): string => `${resourceUri} ${messageId}`

const append = (
  db: Db,
  dialect: PostingsDialect,
  lists: readonly NewList[],
): Promise<readonly KeptList[]> =>
  db.transaction().execute(async (tx) => {
    if (lists.length === 0) return []
    const incoming = dialect.lists(lists)
    await sql`update lists set state = ${sql.lit(STATE.gone)} where doc in (
      select old.doc from (select * from ${incoming}) as new
      join lists as old on old.resource_uri = new.resource_uri and old.message_id = new.message_id
      where old.state < 2 and old.revision < new.revision)`.execute(tx)
    const { rows } = await sql<{ doc: number; resource_uri: string; message_id: string }>`
      insert into lists (resource_uri, message_id, revision, hashes, state)
      select new.resource_uri, new.message_id, new.revision, new.hashes, ${sql.lit(STATE.waiting)}
      from (select * from ${incoming}) as new
      where not exists (select 1 from lists as old where old.resource_uri = new.resource_uri
        and old.message_id = new.message_id and old.state < 2)
      returning doc, resource_uri, message_id`.execute(tx)
    const hashesOf = new Map(
      lists.map((list) => [nameOf(list.resourceUri, list.messageId), list.hashes]),
    )
    return rows.flatMap(({ doc, resource_uri, message_id }) => {
      const hashes = hashesOf.get(nameOf(resource_uri, message_id))
      return hashes === undefined ? [] : [{ doc, hashes }]
    })
  })

const drop = async (db: Db, resourceUri: string): Promise<void> => {
  await db
    .updateTable('lists')
    .set({ state: STATE.gone })
    .where('resource_uri', '=', resourceUri)
    .where('state', '<', sql.lit(STATE.gone))
    .execute()
}

/** Sizes first: one list may be as long as thousands of others. */
const DOCS_AT_ONCE = 1000

const mergeSome = async (db: Db, dialect: PostingsDialect, most: number): Promise<Merged> => {
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

interface Sized {
  readonly doc: number
  readonly bytes: number
}

/** The first ones that fit, and at least one. */
const upToBytes = <Row extends Sized>(rows: readonly Row[], most: number): readonly Row[] => {
  let bytes = 0
  const end = rows.findIndex((row, n) => {
    bytes += row.bytes
    return bytes > most && n > 0
  })
  return end === -1 ? rows : rows.slice(0, end)
}

const hashesOf = async (db: Db, docs: readonly number[]): Promise<readonly KeptList[]> =>
  docs.length === 0
    ? []
    : await db
        .selectFrom('lists')
        .select(['doc', 'hashes'])
        .where('doc', 'in', docs)
        .orderBy('doc')
        .execute()

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

const putIn = async (db: Db, dialect: PostingsDialect, { packed, docs }: Pairs): Promise<void> => {
  await sql`insert into postings (hash, doc)
    select hash, doc from ${dialect.pairs(packed, docs)} where true
    on conflict do nothing`.execute(db)
}

const takeOut = async (db: Db, dialect: PostingsDialect, pairs: Pairs): Promise<void> => {
  await sql`delete from postings where (hash, doc) in (
    select hash, doc from ${dialect.pairs(pairs.packed, pairs.docs)})`.execute(db)
}

/** Whatever was replaced meanwhile stays to be taken out. */
const finish = (db: Db, merged: readonly KeptList[], removed: readonly KeptList[]): Promise<void> =>
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

const match = async (
  db: Db,
  dialect: PostingsDialect,
  hashes: Uint8Array,
): Promise<readonly number[]> => {
  const { rows } = await sql<{
    doc: number
  }>`select distinct p.doc from ${dialect.matches(hashes)}`.execute(db)
  return rows.map(({ doc }) => doc)
}

const locate = async (
  db: Db,
  dialect: PostingsDialect,
  docs: readonly number[],
): Promise<readonly MessageRef[]> => {
  if (docs.length === 0) return []
  const { rows } = await sql<{ resource_uri: string; message_id: string }>`
    select l.resource_uri, l.message_id from (select doc from ${dialect.docs(docs)}) as found
    join lists as l on l.doc = found.doc where l.state < 2`.execute(db)
  return rows.map(({ resource_uri, message_id }) => ({
    resourceUri: resource_uri,
    messageId: message_id,
  }))
}

const read = async (
  db: Db,
  { after, upTo, bytes, onlyWaiting = false }: Pages,
): Promise<readonly KeptList[]> => {
  const sizes = await db
    .selectFrom('lists')
    .select(['doc', sql<number>`length(hashes)`.as('bytes')])
    .where('doc', '>', after)
    .where('doc', '<=', upTo)
    .where('state', '<', sql.lit(STATE.gone))
    .$if(onlyWaiting, (query) => query.where('state', '=', sql.lit(STATE.waiting)))
    .orderBy('doc')
    .limit(DOCS_AT_ONCE)
    .execute()
  return await hashesOf(
    db,
    upToBytes(sizes, bytes).map(({ doc }) => doc),
  )
}

const top = async (db: Db): Promise<number> => {
  const row = await db
    .selectFrom('lists')
    .select((select) => select.fn.max('doc').as('doc'))
    .executeTakeFirst()
  return Number(row?.doc ?? 0)
}
