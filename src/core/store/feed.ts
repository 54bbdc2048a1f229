// What a realm's indexer reads: activities of its rooms in the order in which they were written, a stretch at a time.

import { type Kysely, type Selectable, sql } from 'kysely'
import type { ActivityTable, Tables } from './schema.ts'

/** An activity with what is needed of its room. */
export interface FeedRow extends Selectable<ActivityTable> {
  readonly resourceUri: string
  /** The room's title now, and its key. */
  readonly title: string | null
  readonly titleKeyUri: string | null
}

export interface Stretch {
  readonly domain: string
  readonly after: number
  readonly upTo: number
  readonly limit: number
  /** Of activities, before they become events. */
  readonly bytes: number
  readonly resourceUri?: string | undefined
}

export interface FeedRows {
  readonly rows: readonly FeedRow[]
  /** The last place that was looked at. */
  readonly reached: number
}

type Db = Kysely<Tables>

/** Reads of the feed. */
export const feed = (db: Db) => ({
  /** The newest place there is. */
  async feedHead(): Promise<number> {
    const row = await db
      .selectFrom('activities')
      .select((select) => select.fn.max('sequence').as('head'))
      .executeTakeFirst()
    return Number(row?.head ?? 0)
  },
  async feedRows(stretch: Stretch): Promise<FeedRows> {
    const rooms = stretch.resourceUri && (await roomsOf(db, stretch.resourceUri))
    const sizes = await sizesIn(db, stretch, rooms || undefined)
    const reached = lastFitting(sizes, stretch)
    const places = sizes.map(({ sequence }) => sequence).filter((place) => place <= reached)
    return { rows: await rowsAt(db, stretch, places), reached }
  },
  /** The resource of a room, if it has one. */
  async resourceOf(id: string): Promise<string | undefined> {
    const row = await db
      .selectFrom('conversations')
      .select('kms_resource_object_url as uri')
      .where('id', '=', id)
      .executeTakeFirst()
    return row?.uri ?? undefined
  },
})

const roomsOf = async (db: Db, resourceUri: string): Promise<readonly string[]> => {
  const rows = await db
    .selectFrom('conversations')
    .select('id')
    .where('kms_resource_object_url', '=', resourceUri)
    .execute()
  return rows.map(({ id }) => id)
}

interface Sized {
  readonly sequence: number
  readonly bytes: number
}

/** Sizes first: one activity may be as long as thousands of others. */
const sizesIn = (
  db: Db,
  { after, upTo, limit }: Stretch,
  rooms: readonly string[] | undefined,
): Promise<readonly Sized[]> =>
  db
    .selectFrom('activities')
    .select(['sequence', sql<number>`octet_length(object)`.as('bytes')])
    .where('sequence', '>', after)
    .where('sequence', '<=', upTo)
    .$if(rooms !== undefined, (query) => query.where('conversation_id', 'in', rooms ?? []))
    .orderBy('sequence')
    .limit(limit)
    .execute()

/** The first ones that fit, and at least one; everything asked for, if that is all there is. */
const lastFitting = (sizes: readonly Sized[], { upTo, limit, bytes: most }: Stretch): number => {
  let bytes = 0
  let last: number | undefined
  for (const row of sizes) {
    bytes += row.bytes
    if (bytes > most && last !== undefined) return last
    last = row.sequence
  }
  return sizes.length < limit ? upTo : (last ?? upTo)
}

/** In two reads, so that no plan of the database can turn the order around. */
const rowsAt = async (
  db: Db,
  { domain }: Stretch,
  places: readonly number[],
): Promise<readonly FeedRow[]> => {
  if (places.length === 0) return []
  const activities = await db
    .selectFrom('activities')
    .selectAll()
    .where('sequence', 'in', places)
    .orderBy('sequence')
    .execute()
  const rooms = await db
    .selectFrom('conversations')
    .select([
      'id',
      'kms_resource_object_url as resourceUri',
      'display_name as title',
      'encryption_key_url as titleKeyUri',
    ])
    .where('id', 'in', [...new Set(activities.map(({ conversation_id }) => conversation_id))])
    .where('kms_resource_object_url', 'is not', null)
    .execute()
  const byId = new Map(rooms.map((room) => [room.id, room]))
  return activities.flatMap((activity) => {
    const room = byId.get(activity.conversation_id)
    const resourceUri = room?.resourceUri
    // Rooms of other realms are none of this one's business.
    if (room === undefined || !resourceUri?.startsWith(`kms://${domain}/`)) return []
    return [{ ...activity, resourceUri, title: room.title, titleKeyUri: room.titleKeyUri }]
  })
}
