// From messages that matched to activities that somebody may be shown: rooms that they are in now, content that is
// still there, in its newest version, newest first.

import { type Kysely, type RawBuilder, type Selectable, sql } from 'kysely'
import type { MessageRef } from './postings.ts'
import type { ActivityTable, Tables } from './schema.ts'

/** Names a place among results: everything older comes after it. */
export interface Before {
  readonly at: number
  readonly id: string
}

export interface Wanted {
  readonly refs: readonly MessageRef[]
  readonly userId: string
  readonly limit: number
  readonly before?: Before | undefined
  readonly senderId?: string | undefined
  readonly since?: number | undefined
  readonly until?: number | undefined
  readonly hasFile?: boolean | undefined
  /** Only of these rooms; all of the user's rooms unless told. */
  readonly roomIds?: readonly string[] | undefined
}

/** An activity with the title of its room, for those that are found by it. */
export interface FoundRow extends Selectable<ActivityTable> {
  readonly title: string | null
  readonly titleKeyUri: string | null
}

/** Reads of search results. */
export const found = (db: Kysely<Tables>) => ({
  async foundRows(wanted: Wanted): Promise<readonly FoundRow[]> {
    const { rows } = await sql<FoundRow>`
      with refs as (select value ->> 0 as uri, value ->> 1 as id from json_each(${jsonOf(wanted)})),
      shown as (
        select coalesce((select e.sequence from activities as e
            where e.parent_id = m.id and e.parent_type = 'edit' and e.verb in ('post', 'share')
            order by e.published_at desc limit 1), m.sequence) as place,
          c.display_name as title, c.encryption_key_url as title_key
        from refs cross join activities as m on m.id = refs.id
        cross join conversations as c on c.id = m.conversation_id
        cross join participants as p on p.conversation_id = c.id and p.user_id = ${wanted.userId}
        where m.verb in ('post', 'share') and c.kms_resource_object_url = refs.uri
        union all
        select (select t.sequence from activities as t
            where t.conversation_id = c.id and t.verb in ('create', 'update')
            order by t.published_at desc limit 1),
          c.display_name, c.encryption_key_url
        from refs cross join conversations as c on c.id = refs.id
        cross join participants as p on p.conversation_id = c.id and p.user_id = ${wanted.userId}
        where c.kms_resource_object_url = refs.uri),
      picked as (
        select a.sequence as place, shown.title, shown.title_key
        from shown cross join activities as a on a.sequence = shown.place
        where ${sql.join(conditionsOf(wanted), sql` and `)}
        order by a.published_at desc, a.id desc limit ${wanted.limit})
      select a.*, picked.title, picked.title_key as "titleKeyUri"
      from picked cross join activities as a on a.sequence = picked.place
      order by a.published_at desc, a.id desc`.execute(db)
    return rows
  },
  /** Resources of these rooms, as far as the user is in them. */
  async resourcesOf(userId: string, roomIds: readonly string[]): Promise<readonly string[]> {
    const rows = await db
      .selectFrom('conversations')
      .innerJoin('participants', 'participants.conversation_id', 'conversations.id')
      .select('kms_resource_object_url as uri')
      .where('participants.user_id', '=', userId)
      .where('conversations.id', 'in', roomIds)
      .execute()
    return rows.flatMap(({ uri }) => (uri === null ? [] : [uri]))
  },
})

const jsonOf = ({ refs }: Wanted): string =>
  JSON.stringify(refs.map(({ resourceUri, messageId }) => [resourceUri, messageId]))

/** What the core can tell by itself. */
const conditionsOf = (wanted: Wanted): readonly RawBuilder<unknown>[] => {
  const { before, senderId, since = 0, until = Number.MAX_SAFE_INTEGER, hasFile, roomIds } = wanted
  return [
    sql`a.published_at between ${since} and ${until}`,
    ...(before === undefined ? [] : [sql`(a.published_at, a.id) < (${before.at}, ${before.id})`]),
    ...(senderId === undefined ? [] : [sql`a.actor_id = ${senderId}`]),
    ...(hasFile === true ? [sql`a.verb = 'share'`] : []),
    ...(roomIds === undefined
      ? []
      : [sql`a.conversation_id in (select value from json_each(${JSON.stringify(roomIds)}))`]),
  ]
}
