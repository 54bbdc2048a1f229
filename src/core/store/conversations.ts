// Rooms and who is in them, read. "Not there" and "not a member" are the same answer.

import type { Kysely, Selectable } from 'kysely'
import type { ConversationTable, Tables } from './schema.ts'

export type ConversationRow = Selectable<ConversationTable>

export interface ParticipantRow {
  readonly id: string
  readonly isModerator: boolean
  readonly email: string | null
  /** Absent for people who have never signed in here. */
  readonly organizationId: string | null
  readonly kind: string | null
}

/** A room as the realm's own list is compared with. */
export interface RosterRow {
  readonly id: string
  readonly resourceUri: string
  readonly keyUri: string | null
  /** The resource of the team's general room, if the room is in a team and not that room. */
  readonly teamResourceUri: string | null
  readonly members: readonly string[]
}

/** Reads of rooms. */
export const conversations = (db: Kysely<Tables>) => ({
  /** The conversation, if the user is in it. */
  findConversation: (id: string, userId: string): Promise<ConversationRow | undefined> =>
    db
      .selectFrom('conversations')
      .innerJoin('participants', 'participants.conversation_id', 'conversations.id')
      .selectAll('conversations')
      .where('conversations.id', '=', id)
      .where('participants.user_id', '=', userId)
      .executeTakeFirst(),
  /** Whoever is in it. */
  conversation: (id: string): Promise<ConversationRow | undefined> =>
    db.selectFrom('conversations').selectAll().where('id', '=', id).executeTakeFirst(),
  /** The one-to-one room of two people, who may have left it. */
  findPair: (pair: string): Promise<ConversationRow | undefined> =>
    db.selectFrom('conversations').selectAll().where('pair', '=', pair).executeTakeFirst(),
  /** The room that this user made with this resource. */
  async roomOf(createdBy: string, resourceUri: string): Promise<string | undefined> {
    const found = await db
      .selectFrom('conversations')
      .select('id')
      .where('kms_resource_object_url', '=', resourceUri)
      .where('created_by', '=', createdBy)
      .executeTakeFirst()
    return found?.id
  },
  /** The newest rooms of a user, oldest first. */
  async conversationsOf(userId: string, limit: number): Promise<readonly ConversationRow[]> {
    const rows = await db
      .selectFrom('conversations')
      .innerJoin('participants', 'participants.conversation_id', 'conversations.id')
      .selectAll('conversations')
      .where('participants.user_id', '=', userId)
      .orderBy('conversations.created_at', 'desc')
      .orderBy('conversations.id', 'desc')
      .limit(limit)
      .execute()
    return rows.toReversed()
  },
  /** The rooms of a team, its general room first. */
  teamRooms: (teamId: string): Promise<readonly ConversationRow[]> =>
    db
      .selectFrom('conversations')
      .selectAll()
      .where('team_id', '=', teamId)
      .orderBy((order) => order('id', '=', teamId), 'desc')
      .orderBy('created_at')
      .execute(),
  participantsOf: (conversationId: string): Promise<readonly ParticipantRow[]> =>
    participantsIn(db, conversationId),
  /** Rooms with these resources that the user is in. */
  roomsWith: (
    userId: string,
    resourceUris: readonly string[],
  ): Promise<readonly Pick<ConversationRow, 'id' | 'team_id'>[]> =>
    db
      .selectFrom('conversations')
      .innerJoin('participants', 'participants.conversation_id', 'conversations.id')
      .select(['conversations.id', 'conversations.team_id'])
      .where('participants.user_id', '=', userId)
      .where('kms_resource_object_url', 'in', resourceUris)
      .execute(),
  rosterPage: (page: RosterPage): Promise<readonly RosterRow[]> => rosterPage(db, page),
})

const participantsIn = async (
  db: Kysely<Tables>,
  conversationId: string,
): Promise<readonly ParticipantRow[]> => {
  const rows = await db
    .selectFrom('participants')
    .leftJoin('users', 'users.id', 'participants.user_id')
    .select(['participants.user_id as id', 'is_moderator', 'email', 'organization_id', 'kind'])
    .where('conversation_id', '=', conversationId)
    .orderBy('joined_at')
    .orderBy('participants.user_id')
    .execute()
  return rows.map(({ id, is_moderator, email, organization_id, kind }) => ({
    id,
    isModerator: is_moderator === 1,
    email,
    organizationId: organization_id,
    kind,
  }))
}

/** Rooms of one realm, by id. */
export interface RosterPage {
  readonly domain: string
  readonly afterId: string
  readonly limit: number
}

/** Rooms whose membership is being changed right now are left out: they would look wrong. */
const rosterPage = async (
  db: Kysely<Tables>,
  { domain, afterId, limit }: RosterPage,
): Promise<readonly RosterRow[]> => {
  const start = `kms://${domain}/`
  const rooms = await db
    .selectFrom('conversations as room')
    .leftJoin('conversations as general', (join) =>
      join.onRef('general.id', '=', 'room.team_id').onRef('general.id', '!=', 'room.id'),
    )
    .select([
      'room.id',
      'room.kms_resource_object_url as resourceUri',
      'room.default_activity_encryption_key_url as keyUri',
      'general.kms_resource_object_url as teamResourceUri',
    ])
    .where('room.id', '>', afterId)
    // A range, so that the index of resources can answer it; '0' follows '/'.
    .where('room.kms_resource_object_url', '>=', start)
    .where('room.kms_resource_object_url', '<', `kms://${domain}0`)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('operations')
            .select('operations.id')
            .where('state', 'in', ['asked', 'withdrawing'])
            .whereRef('operations.room_id', '=', 'room.id'),
        ),
      ),
    )
    .orderBy('room.id')
    .limit(limit)
    .execute()
  const members = await membersOf(
    db,
    rooms.map(({ id }) => id),
  )
  return rooms.flatMap(({ resourceUri, ...room }) =>
    resourceUri === null ? [] : [{ ...room, resourceUri, members: members.get(room.id) ?? [] }],
  )
}

const membersOf = async (
  db: Kysely<Tables>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> => {
  const rows = await db
    .selectFrom('participants')
    .select(['conversation_id', 'user_id'])
    .where('conversation_id', 'in', ids)
    .execute()
  const members = new Map<string, string[]>()
  for (const { conversation_id, user_id } of rows) {
    const known = members.get(conversation_id)
    if (known === undefined) members.set(conversation_id, [user_id])
    else known.push(user_id)
  }
  return members
}
