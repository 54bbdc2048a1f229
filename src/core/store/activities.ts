// What was said and done in a room, read in pages: before or after an activity, or by time.

import { type Kysely, type Selectable, sql } from 'kysely'
import type { ActivityTable, Tables } from './schema.ts'

export type ActivityRow = Omit<Selectable<ActivityTable>, 'sequence'>

/** Which activities, seen from where: the newest unless told. */
export interface ActivityPage {
  readonly conversationId: string
  readonly limit: number
  /** Only those after or before this activity, by its id; an unknown one does not limit. */
  readonly after?: string | undefined
  readonly before?: string | undefined
  /** Only those of this moment and later, or earlier. */
  readonly since?: number | undefined
  readonly until?: number | undefined
  /** Half of them before this moment, half from it on. */
  readonly around?: number | undefined
  /** Only children of this activity. */
  readonly parentId?: string | undefined
  readonly parentType?: string | undefined
}

type Db = Kysely<Tables>

/** Reads of activities. Times within a room are all different, so they order it. */
export const activities = (db: Db) => ({
  findActivity: (conversationId: string, id: string): Promise<ActivityRow | undefined> =>
    db
      .selectFrom('activities')
      .selectAll()
      .where('id', '=', id)
      .where('conversation_id', '=', conversationId)
      .executeTakeFirst(),
  /** How somebody came last: added, or with the room itself. */
  lastAdded: (conversationId: string, userId: string): Promise<ActivityRow | undefined> =>
    db
      .selectFrom('activities')
      .selectAll()
      .where('conversation_id', '=', conversationId)
      .where(({ or, and, eb }) =>
        or([
          eb('verb', '=', 'create'),
          and([eb('verb', '=', 'add'), eb(sql`object ->> 'id'`, '=', userId)]),
        ]),
      )
      .orderBy('published_at', 'desc')
      .limit(1)
      .executeTakeFirst(),
  /** Oldest first. */
  activitiesOf: (page: ActivityPage): Promise<readonly ActivityRow[]> => activitiesOf(db, page),
  /** Ids of activities that have children, by the children's type. */
  async parentsIn(conversationId: string): Promise<Readonly<Record<string, readonly string[]>>> {
    const rows = await db
      .selectFrom('activities')
      .select(['parent_id', 'parent_type'])
      .distinct()
      .where('conversation_id', '=', conversationId)
      .where('parent_id', 'is not', null)
      .execute()
    const parents: Record<string, string[]> = {}
    for (const { parent_id, parent_type } of rows) {
      if (parent_id === null || parent_type === null) continue
      parents[parent_type] = [...(parents[parent_type] ?? []), parent_id]
    }
    return parents
  },
})

const activitiesOf = async (db: Db, page: ActivityPage): Promise<readonly ActivityRow[]> => {
  const { around, since, until } = page
  if (around !== undefined) {
    const half = { ...page, limit: Math.ceil(page.limit / 2) }
    const older = await slice(db, { ...half, until: around - 1 }, false)
    return [...older, ...(await slice(db, { ...half, since: around }, true))]
  }
  const after = await timeOf(db, page, page.after)
  if (after !== undefined) return await slice(db, { ...page, since: after + 1 }, true)
  const before = await timeOf(db, page, page.before)
  if (before !== undefined) return await slice(db, { ...page, until: before - 1 }, false)
  return await slice(db, page, since !== undefined && until === undefined)
}

const timeOf = async (
  db: Db,
  { conversationId }: ActivityPage,
  id: string | undefined,
): Promise<number | undefined> => {
  if (id === undefined) return undefined
  const found = await db
    .selectFrom('activities')
    .select('published_at')
    .where('id', '=', id)
    .where('conversation_id', '=', conversationId)
    .executeTakeFirst()
  return found?.published_at
}

/** One stretch of a room, from its oldest or its newest end; oldest first. */
const slice = async (db: Db, page: ActivityPage, isFromOldest: boolean) => {
  const { conversationId, since = 0, until = Number.MAX_SAFE_INTEGER, parentId, parentType } = page
  const rows = await db
    .selectFrom('activities')
    .selectAll()
    .where('conversation_id', '=', conversationId)
    .where('published_at', '>=', since)
    .where('published_at', '<=', until)
    .$if(parentId !== undefined, (query) => query.where('parent_id', '=', parentId ?? ''))
    .$if(parentType !== undefined, (query) => query.where('parent_type', '=', parentType ?? ''))
    .orderBy('published_at', isFromOldest ? 'asc' : 'desc')
    .limit(page.limit)
    .execute()
  return isFromOldest ? rows : rows.toReversed()
}
