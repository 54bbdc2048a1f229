// Applies what a request changes in a room: one transaction, in which an operation ends too, so that a room
// never shows half of a change, nor a change whose operation is still open.

import type { Kysely, Transaction } from 'kysely'
import { type Problem, problem } from '../http/problem.ts'
import type { Condition, NewActivity, NewRoom, RoomChange } from '../rooms/room-change.ts'
import type { ActivityRow } from './activities.ts'
import { changeBoards } from './boards.ts'
import type { Tables } from './schema.ts'

/** A change that was applied: what is new in the room, and whom to tell. */
export interface Applied {
  readonly roomId: string
  readonly activities: readonly ActivityRow[]
  /** Who was in the room before or is now. */
  readonly told: readonly string[]
}

type Tx = Transaction<Tables>

/** Everything of a change, in the order in which its parts depend on each other. */
export const applyIn = async (tx: Tx, change: RoomChange, now: number): Promise<Applied> => {
  const { roomId } = change
  if (change.open !== undefined) await openRoom(tx, change, change.open, now)
  const before = await memberIds(tx, roomId)
  await changeMembers(tx, change, now)
  await changeKey(tx, change)
  await changeRest(tx, change)
  await changeBoards(tx, change, now)
  const after = await memberIds(tx, roomId)
  const written = await write(tx, change, now)
  return { roomId, activities: written, told: [...new Set([...before, ...after])] }
}

/** Why the change must not be written now, if it must not. */
export const whyNot = async (
  tx: Tx,
  roomId: string,
  { memberId, contentKey, messageId }: Condition,
): Promise<Problem | undefined> => {
  const room = await tx
    .selectFrom('conversations')
    .innerJoin('participants', 'participants.conversation_id', 'conversations.id')
    .select('default_activity_encryption_key_url as key')
    .where('conversations.id', '=', roomId)
    .where('participants.user_id', '=', memberId)
    .executeTakeFirst()
  if (room === undefined) return problem('core.unknown-conversation')
  if (messageId !== undefined && !(await isThere(tx, roomId, messageId))) {
    return problem('core.unknown-activity')
  }
  if (contentKey === undefined || contentKey === room.key) return undefined
  return room.key === null
    ? problem('core.rotation-required')
    : problem(
        (await isFormerKey(tx, roomId, contentKey)) ? 'core.key-rotated' : 'core.key-mismatch',
      )
}

const isThere = async (tx: Tx, roomId: string, messageId: string): Promise<boolean> => {
  const found = await tx
    .selectFrom('activities')
    .select('verb')
    .where('id', '=', messageId)
    .where('conversation_id', '=', roomId)
    .executeTakeFirst()
  return found !== undefined && found.verb !== 'tombstone'
}

/** Was this the room's key for new messages, and is not any more? */
export const isFormerKey = async (
  tx: Kysely<Tables>,
  roomId: string,
  key: string,
): Promise<boolean> => {
  const former = await tx
    .selectFrom('former_keys')
    .select('key_url')
    .where('conversation_id', '=', roomId)
    .where('key_url', '=', key)
    .executeTakeFirst()
  return former !== undefined
}

const openRoom = async (
  tx: Tx,
  { roomId, key, resourceUri }: RoomChange,
  room: NewRoom,
  now: number,
): Promise<void> => {
  await tx
    .insertInto('conversations')
    .values({
      id: roomId,
      created_by: room.createdBy,
      display_name: room.displayName ?? null,
      encryption_key_url: room.encryptionKeyUrl ?? null,
      default_activity_encryption_key_url: key ?? null,
      kms_resource_object_url: resourceUri ?? null,
      created_at: now,
      pair: room.pair ?? null,
      team_id: room.teamId ?? null,
      is_locked: 0,
      summary: room.summary ?? null,
    })
    .execute()
}

const memberIds = async (tx: Tx, roomId: string): Promise<readonly string[]> => {
  const rows = await tx
    .selectFrom('participants')
    .select('user_id')
    .where('conversation_id', '=', roomId)
    .execute()
  return rows.map(({ user_id }) => user_id)
}

const changeMembers = async (
  tx: Tx,
  { roomId, join = [], leave = [], moderator }: RoomChange,
  now: number,
): Promise<void> => {
  const joining = join.map((user_id) => ({
    conversation_id: roomId,
    user_id,
    is_moderator: 0,
    joined_at: now,
  }))
  if (joining.length > 0) {
    const same = ['conversation_id', 'user_id'] as const
    await tx
      .insertInto('participants')
      .values(joining)
      .onConflict((conflict) => conflict.columns(same).doNothing())
      .execute()
  }
  if (leave.length > 0) {
    await tx
      .deleteFrom('participants')
      .where('conversation_id', '=', roomId)
      .where('user_id', 'in', leave)
      .execute()
  }
  if (moderator !== undefined) {
    await tx
      .updateTable('participants')
      .set({ is_moderator: moderator.isModerator ? 1 : 0 })
      .where('conversation_id', '=', roomId)
      .where('user_id', '=', moderator.userId)
      .execute()
  }
}

const changeKey = async (tx: Tx, change: RoomChange): Promise<void> => {
  const { roomId, key, leave = [], team, open } = change
  // Whoever could read the team's rooms through its general room must not read on there either.
  if (leave.length > 0) await retireKeys(tx, 'team_id', roomId)
  if (leave.length > 0) await retireKeys(tx, 'id', roomId)
  if (team?.id === null) await retireKeys(tx, 'id', team.roomId)
  if (key === undefined || open !== undefined) return
  await retireKeys(tx, 'id', roomId)
  await tx
    .updateTable('conversations')
    .set({ default_activity_encryption_key_url: key })
    .where('id', '=', roomId)
    .execute()
  await tx
    .deleteFrom('former_keys')
    .where('conversation_id', '=', roomId)
    .where('key_url', '=', key)
    .execute()
}

const retireKeys = async (tx: Tx, column: 'id' | 'team_id', id: string): Promise<void> => {
  await tx
    .insertInto('former_keys')
    .columns(['conversation_id', 'key_url'])
    .expression((from) =>
      from
        .selectFrom('conversations')
        .select([
          'id',
          (where) => where.ref('default_activity_encryption_key_url').$notNull().as('key'),
        ])
        .where(column, '=', id)
        .where('default_activity_encryption_key_url', 'is not', null),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  await tx
    .updateTable('conversations')
    .set({ default_activity_encryption_key_url: null })
    .where(column, '=', id)
    .execute()
}

const changeRest = async (tx: Tx, change: RoomChange): Promise<void> => {
  const { roomId, resourceUri, title, lock, team, erase } = change
  const changed = {
    ...(resourceUri === undefined ? {} : { kms_resource_object_url: resourceUri }),
    ...(title === undefined
      ? {}
      : { display_name: title.displayName, encryption_key_url: title.encryptionKeyUrl }),
    ...(lock === undefined ? {} : { is_locked: lock ? 1 : 0 }),
  }
  if (Object.keys(changed).length > 0) {
    await tx.updateTable('conversations').set(changed).where('id', '=', roomId).execute()
  }
  if (team !== undefined) {
    const { id: team_id, roomId: id } = team
    await tx.updateTable('conversations').set({ team_id }).where('id', '=', id).execute()
  }
  await unlockWithoutModerator(tx, roomId)
  if (erase === undefined) return
  await tx
    .updateTable('activities')
    .set({ verb: 'tombstone', object: '{"objectType":"activity"}', encryption_key_url: null })
    .where('conversation_id', '=', roomId)
    .where(({ or, and, eb }) =>
      or([
        eb('id', '=', erase),
        and([eb('parent_id', '=', erase), eb('parent_type', '=', 'edit')]),
      ]),
    )
    .execute()
}

/** A lock that nobody can open any more falls away. */
const unlockWithoutModerator = async (tx: Tx, roomId: string): Promise<void> => {
  await tx
    .updateTable('conversations')
    .set({ is_locked: 0 })
    .where('id', '=', roomId)
    .where('is_locked', '=', 1)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('participants')
            .select('user_id')
            .where('conversation_id', '=', roomId)
            .where('is_moderator', '=', 1),
        ),
      ),
    )
    .execute()
}

/** Times within a room only rise and never repeat, so that pages by time lose nothing. */
const write = async (
  tx: Tx,
  { roomId, activities }: RoomChange,
  now: number,
): Promise<readonly ActivityRow[]> => {
  if (activities.length === 0) return []
  const { latest } = await tx
    .selectFrom('activities')
    .select((select) => select.fn.max('published_at').as('latest'))
    .where('conversation_id', '=', roomId)
    .executeTakeFirstOrThrow()
  const first = Math.max(now, latest === null ? 0 : Number(latest) + 1)
  const rows = activities.map((activity, n) => toRow(activity, roomId, first + n))
  await tx.insertInto('activities').values(rows).execute()
  return rows
}

const toRow = (activity: NewActivity, roomId: string, publishedAt: number): ActivityRow => ({
  id: activity.id,
  conversation_id: roomId,
  actor_id: activity.actorId,
  verb: activity.verb,
  object: JSON.stringify(activity.object),
  encryption_key_url: activity.encryptionKeyUrl ?? null,
  parent_id: activity.parent?.id ?? null,
  parent_type: activity.parent?.type ?? null,
  client_temp_id: activity.clientTempId ?? null,
  published_at: publishedAt,
})
