// Who left, and in which rooms they had been, until the core has said that they are out.

import { sql } from 'kysely'
import type { ResourceUri, UserId } from '../id.ts'
import type { OffBoarding, OffBoardingStore } from '../kms/index.ts'
import { instant } from '../time.ts'
import { branded, optional, optionalInstant } from './mapping.ts'
import { offBoardedRoomColumns, offBoardingColumns, type RowOf } from './schema.ts'
import { type Dialect, type Link, prepare, prepareInsert } from './statement.ts'

const toOffBoarding = (row: RowOf<typeof offBoardingColumns>): OffBoarding => ({
  userId: branded<UserId>(row.user_id),
  sequence: row.sequence,
  offBoardedAt: instant(row.off_boarded_at),
  ...optional('finishedAt', optionalInstant(row.finished_at)),
  ...optional('acknowledgedAt', optionalInstant(row.acknowledged_at)),
})

const ended = { userId: 'text', now: 'integer' } as const

const prepareStatements = (dialect: Dialect) => ({
  find: prepare(dialect, 'off-boardings.find', { userId: 'text' }, (db, p) =>
    db.selectFrom('off_boardings').selectAll().where('user_id', '=', p.userId),
  ),
  begin: prepareInsert(
    dialect,
    'off_boardings',
    offBoardingColumns,
    sql`on conflict (user_id) do update set finished_at = null, acknowledged_at = null`,
  ),
  addRooms: prepareInsert(
    dialect,
    'off_boarded_rooms',
    offBoardedRoomColumns,
    sql`on conflict (user_id, resource_uri) do nothing`,
  ),
  rooms: prepare(dialect, 'off-boardings.rooms', { userId: 'text' }, (db, p) =>
    db
      .selectFrom('off_boarded_rooms')
      .select('resource_uri')
      .where('user_id', '=', p.userId)
      .orderBy('resource_uri'),
  ),
  finish: prepare(dialect, 'off-boardings.finish', ended, (db, p) =>
    db.updateTable('off_boardings').set({ finished_at: p.now }).where('user_id', '=', p.userId),
  ),
  // What is not finished may still name rooms that the core has not heard of.
  acknowledge: prepare(dialect, 'off-boardings.acknowledge', ended, (db, p) =>
    db
      .updateTable('off_boardings')
      .set({ acknowledged_at: p.now })
      .where('user_id', '=', p.userId)
      .where('finished_at', 'is not', null)
      .where('acknowledged_at', 'is', null),
  ),
  pending: prepare(dialect, 'off-boardings.pending', { limit: 'integer' }, (db, p) =>
    db
      .selectFrom('off_boardings')
      .selectAll()
      .where('acknowledged_at', 'is', null)
      .orderBy('sequence')
      .limit(p.limit),
  ),
})

export const prepareOffBoardings = (dialect: Dialect) => {
  const statements = prepareStatements(dialect)
  return (link: Link): OffBoardingStore => ({
    async find(userId) {
      const [row] = await link.all(statements.find, { userId })
      return row === undefined ? undefined : toOffBoarding(row)
    },
    async begin({ userId, sequence, offBoardedAt, finishedAt, acknowledgedAt }) {
      const row = {
        user_id: userId,
        sequence,
        off_boarded_at: offBoardedAt,
        finished_at: finishedAt ?? null,
        acknowledged_at: acknowledgedAt ?? null,
      }
      await link.insertAll(statements.begin, [row])
    },
    async addRooms(userId, uris) {
      const rows = [...new Set(uris)].map((uri) => ({ user_id: userId, resource_uri: uri }))
      await link.insertAll(statements.addRooms, rows)
    },
    rooms: async (userId) =>
      (await link.all(statements.rooms, { userId })).map((row) =>
        branded<ResourceUri>(row.resource_uri),
      ),
    async finish(userId, now) {
      await link.run(statements.finish, { userId, now })
    },
    async acknowledge(userId, now) {
      await link.run(statements.acknowledge, { userId, now })
    },
    pending: async (limit) => (await link.all(statements.pending, { limit })).map(toOffBoarding),
  })
}
