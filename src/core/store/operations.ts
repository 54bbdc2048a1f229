// Operations that core and realm do together, and the changes they lead to: a row before the realm is asked,
// and one transaction that applies the change and ends the operation, or ends it alone.

import type { Insertable, Kysely, Selectable } from 'kysely'
import { isProblem, type Problem } from '../http/problem.ts'
import type { Condition, RoomChange } from '../rooms/room-change.ts'
import { type Applied, applyIn, isFormerKey, whyNot } from './changes.ts'
import type { OperationTable, Tables } from './schema.ts'

export type OperationRow = Selectable<OperationTable>

const OPEN = ['asked', 'withdrawing'] as const

/** An operation that ends, and how. */
export interface Ending {
  readonly operationId: string
  readonly state: 'refused' | 'withdrawn'
}

/** Writes to rooms, with or without the realm. */
export const operations = (db: Kysely<Tables>) => {
  const end = async (
    tx: Kysely<Tables>,
    operationId: string,
    ended: { readonly state: OperationRow['state']; readonly ended_at: number },
  ): Promise<boolean> => {
    const { numUpdatedRows } = await tx
      .updateTable('operations')
      .set({ ...ended, kms_message: '', change: '' })
      .where('id', '=', operationId)
      .where('state', 'in', OPEN)
      .executeTakeFirst()
    return numUpdatedRows === 1n
  }
  return {
    isFormerKey: (roomId: string, keyUrl: string): Promise<boolean> =>
      isFormerKey(db, roomId, keyUrl),
    /** Applies a change that needs no realm, if its condition holds. */
    change: (change: RoomChange, now: number, condition?: Condition): Promise<Applied | Problem> =>
      db.transaction().execute(async (tx) => {
        const refused = condition && (await whyNot(tx, change.roomId, condition))
        return isProblem(refused) ? refused : await applyIn(tx, change, now)
      }),
    async addOperation(row: Insertable<OperationTable>): Promise<void> {
      await db.insertInto('operations').values(row).execute()
    },
    /** The realm agreed: the change is applied and the operation done. Undefined if it has ended before. */
    finishOperation: (
      operationId: string,
      change: RoomChange,
      now: number,
    ): Promise<Applied | undefined> =>
      db.transaction().execute(async (tx) => {
        const isOpen = await end(tx, operationId, { state: 'done', ended_at: now })
        return isOpen ? await applyIn(tx, change, now) : undefined
      }),
    /** It ends and nothing changes. */
    endOperation: ({ operationId, state }: Ending, now: number): Promise<boolean> =>
      end(db, operationId, { state, ended_at: now }),
    /** False if it has ended before. */
    async withdrawOperation(operationId: string): Promise<boolean> {
      const { numUpdatedRows } = await db
        .updateTable('operations')
        .set({ state: 'withdrawing' })
        .where('id', '=', operationId)
        .where('state', 'in', OPEN)
        .executeTakeFirst()
      return numUpdatedRows === 1n
    },
    /** Those whose end is not known, oldest first. */
    openOperations: (): Promise<readonly OperationRow[]> =>
      db
        .selectFrom('operations')
        .selectAll()
        .where('state', 'in', OPEN)
        .orderBy('created_at')
        .execute(),
    async forgetOperations(endedBefore: number): Promise<void> {
      await db.deleteFrom('operations').where('ended_at', '<', endedBefore).execute()
    },
  }
}
