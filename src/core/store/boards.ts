// Boards of rooms. Nothing on them is stored here but where their keys are.

import type { Kysely, Selectable, Transaction } from 'kysely'
import { Fault } from '../../fault.ts'
import type { RoomChange } from '../rooms/room-change.ts'
import type { BoardTable, Tables } from './schema.ts'

export type BoardRow = Selectable<BoardTable>

/** Reads of boards. */
export const boards = (db: Kysely<Tables>) => ({
  findBoard: (id: string): Promise<BoardRow | undefined> =>
    db.selectFrom('boards').selectAll().where('id', '=', id).executeTakeFirst(),
  /** The board of this room that was made with this key: a key is bound to one resource. */
  boardWithKey: (roomId: string, keyUrl: string): Promise<BoardRow | undefined> =>
    db
      .selectFrom('boards')
      .selectAll()
      .where('conversation_id', '=', roomId)
      .where('default_encryption_key_url', '=', keyUrl)
      .executeTakeFirst(),
  /** The newest boards of a room, newest first. */
  boardsOf: (roomId: string, limit: number): Promise<readonly BoardRow[]> =>
    db
      .selectFrom('boards')
      .selectAll()
      .where('conversation_id', '=', roomId)
      .orderBy('created_at', 'desc')
      .orderBy('id')
      .limit(limit)
      .execute(),
})

/** A board comes or goes with the operation that made or unmade its readers. */
export const changeBoards = async (
  tx: Transaction<Tables>,
  { roomId, openBoard, closeBoard }: RoomChange,
  now: number,
): Promise<void> => {
  if (closeBoard !== undefined) await tx.deleteFrom('boards').where('id', '=', closeBoard).execute()
  if (openBoard === undefined) return
  const { id, createdBy, key, resourceUri } = openBoard
  if (resourceUri === undefined) throw new Fault('core.board-without-resource')
  await tx
    .insertInto('boards')
    .values({
      id,
      conversation_id: roomId,
      created_by: createdBy,
      kms_resource_url: resourceUri,
      default_encryption_key_url: key,
      created_at: now,
    })
    // A client that asked twice gets the board that it has.
    .onConflict((same) => same.column('kms_resource_url').doNothing())
    .execute()
}
