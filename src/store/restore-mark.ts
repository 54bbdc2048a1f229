// A database that is being filled from a backup says so until the realm around it is in place, too. A table of its own,
// made in the filling's transaction: whoever opens the database meanwhile, or after a kill, is refused.

import { type Kysely, sql } from 'kysely'
import { Fault } from '../fault.ts'

export const RESTORE_MARK = 'unfinished_restore'

/** Made with the rows, or not at all. `id` must be a UUID: it stands in the statement. */
export const markStatements = (id: string): readonly string[] => [
  `create table ${RESTORE_MARK} (id text primary key)`,
  `insert into ${RESTORE_MARK} (id) values ('${id}')`,
]

/** Of the filling that is not finished; undefined in any other database. */
const unfinishedRestore = async <Tables>(db: Kysely<Tables>): Promise<string | undefined> => {
  const tables = await db.introspection.getTables()
  if (!tables.some(({ name }) => name === RESTORE_MARK)) return undefined
  const { rows } = await sql<{
    readonly id: string
  }>`select id from ${sql.table(RESTORE_MARK)}`.execute(db)
  return rows[0]?.id ?? ''
}

/** Throws a Fault `store.restore-unfinished`, unless `known` names it. */
export const assertNotUnfinished = async <Tables>(
  db: Kysely<Tables>,
  known: string | undefined,
): Promise<void> => {
  const found = await unfinishedRestore(db)
  if (found !== undefined && found !== known) throw new Fault('store.restore-unfinished')
}

/** Takes the mark away, if there is one. Throws a Fault `store.restore-unfinished` if it is another's. */
export const unmark = async <Tables>(db: Kysely<Tables>, known: string): Promise<void> => {
  await assertNotUnfinished(db, known)
  await sql`drop table if exists ${sql.table(RESTORE_MARK)}`.execute(db)
}
