// Postings, kept: first each message's packed list, then, in the background, one row for each of its hashes. A list is
// durable when `append` has answered; whatever dies in between is done again, and does no harm done twice.

import { Kysely, sql } from 'kysely'
import { Fault } from '../../fault.ts'
import { dialectOf, type PostingsDialect } from './postings-dialect.ts'
import { type Merged, mergeSome } from './postings-merge.ts'
import {
  DOCS_AT_ONCE,
  hashesOf,
  type KeptList,
  type PostingsDb,
  type PostingsTables,
  STATE,
  upToBytes,
} from './postings-tables.ts'

export type { KeptList } from './postings-tables.ts'

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

/** A message that matched. */
export interface MessageRef {
  readonly resourceUri: string
  readonly messageId: string
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

const VERSION = 1

/** One list of each message holds. */
const INDEXES = [
  'create unique index lists_holding on lists (resource_uri, message_id) where state < 2',
  'create index lists_to_do on lists (doc) where state <> 1',
]

/** Opens the file (`:memory:` for tests) or the database, and brings its tables up to date. */
export const openPostingsStore = async (settings: PostingsSettings): Promise<PostingsStore> => {
  const dialect = dialectOf(settings)
  const db = new Kysely<PostingsTables>({ dialect: dialect.dialect })
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

const migrate = (db: PostingsDb, { tables }: PostingsDialect): Promise<void> =>
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
  db: PostingsDb,
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

const drop = async (db: PostingsDb, resourceUri: string): Promise<void> => {
  await db
    .updateTable('lists')
    .set({ state: STATE.gone })
    .where('resource_uri', '=', resourceUri)
    .where('state', '<', sql.lit(STATE.gone))
    .execute()
}

const match = async (
  db: PostingsDb,
  dialect: PostingsDialect,
  hashes: Uint8Array,
): Promise<readonly number[]> => {
  const { rows } = await sql<{
    doc: number
  }>`select distinct p.doc from ${dialect.matches(hashes)}`.execute(db)
  return rows.map(({ doc }) => doc)
}

const locate = async (
  db: PostingsDb,
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
  db: PostingsDb,
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

const top = async (db: PostingsDb): Promise<number> => {
  const row = await db
    .selectFrom('lists')
    .select((select) => select.fn.max('doc').as('doc'))
    .executeTakeFirst()
  return Number(row?.doc ?? 0)
}
