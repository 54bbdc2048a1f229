// Forgetting a person: every column that holds a user's id is emptied of this one. Each statement reads its
// table once, whole; erasures are rare. A new column with a user's id belongs here (test/contract/store/erasures).

import { sql } from 'kysely'
import type { UserId } from '../id.ts'
import type { ErasureStore } from '../kms/index.ts'
import { type Dialect, type Link, prepare } from './statement.ts'

/** In place of whoever made a key or a resource, and of the device they made it on. Nobody's id: all zeros. */
export const NOBODY = '00000000-0000-0000-0000-000000000000'

/** What a repeat of a request hears whose answer named somebody erased. */
const ERASED_ANSWER = JSON.stringify({ refused: 'kms.not-authorized' })

const who = { userId: 'text' } as const

const prepareDeletions = (dialect: Dialect) => [
  prepare(dialect, 'erasures.answers', who, (db, p) =>
    db
      .deleteFrom('answers')
      .where('session_id', 'in', (eb) =>
        eb.selectFrom('sessions').select('id').where('principal_id', '=', p.userId),
      ),
  ),
  prepare(dialect, 'erasures.sessions', who, (db, p) =>
    db.deleteFrom('sessions').where('principal_id', '=', p.userId),
  ),
  prepare(dialect, 'erasures.drifts', who, (db, p) =>
    db.deleteFrom('roster_drifts').where('subject', '=', p.userId),
  ),
  prepare(dialect, 'erasures.off-boarded-rooms', who, (db, p) =>
    db.deleteFrom('off_boarded_rooms').where('user_id', '=', p.userId),
  ),
  prepare(dialect, 'erasures.off-boardings', who, (db, p) =>
    db.deleteFrom('off_boardings').where('user_id', '=', p.userId),
  ),
  prepare(dialect, 'erasures.pins', who, (db, p) =>
    db.deleteFrom('peer_pins').where('user_id', '=', p.userId),
  ),
  prepare(dialect, 'erasures.conflicts', who, (db, p) =>
    db.deleteFrom('peer_conflicts').where('user_id', '=', p.userId),
  ),
  prepare(dialect, 'erasures.foreign-knowledge', who, (db, p) =>
    db.deleteFrom('foreign_knowledge').where('user_id', '=', p.userId),
  ),
  prepare(dialect, 'erasures.copy-holders', who, (db, p) =>
    db.deleteFrom('copy_holders').where('user_id', '=', p.userId),
  ),
  prepare(dialect, 'erasures.owed-withdrawals', who, (db, p) =>
    db.deleteFrom('owed_withdrawals').where('user_id', '=', p.userId),
  ),
  prepare(dialect, 'erasures.pending-binds', who, (db, p) =>
    db.deleteFrom('pending_binds').where('user_id', '=', p.userId),
  ),
  prepare(dialect, 'erasures.people', who, (db, p) =>
    db.deleteFrom('people').where('user_id', '=', p.userId),
  ),
]

/** An entry says who made a key by pseudonym; a row that said it by id would tell whose pseudonym that is. */
const prepareChanges = (dialect: Dialect) => [
  prepare(dialect, 'erasures.keys', who, (db, p) =>
    db
      .updateTable('keys')
      .set({ created_by: NOBODY, client_id: NOBODY })
      .where('created_by', '=', p.userId),
  ),
  prepare(dialect, 'erasures.resources', who, (db, p) =>
    db.updateTable('resources').set({ created_by: NOBODY }).where('created_by', '=', p.userId),
  ),
  prepare(dialect, 'erasures.authorizations', who, (db, p) =>
    db.updateTable('authorizations').set({ created_by: NOBODY }).where('created_by', '=', p.userId),
  ),
  // What a peer had done about them: that it is done stays, so that it is not done again.
  prepare(dialect, 'erasures.operations', who, (db, p) =>
    db
      .updateTable('core_operations')
      .set({ meant: '', answer: ERASED_ANSWER })
      .where('peer', 'is not', null)
      .where(({ or }) =>
        or([
          sql<boolean>`meant like '%' || ${p.userId} || '%'`,
          sql<boolean>`answer like '%' || ${p.userId} || '%'`,
        ]),
      ),
  ),
  prepare(dialect, 'erasures.answers-to-others', who, (db, p) =>
    db
      .updateTable('answers')
      .set({ body: ERASED_ANSWER, digest: null })
      .where(sql<string>`body`, 'like', sql<string>`'%' || ${p.userId} || '%'`),
  ),
  // A request about them, which nobody can repeat any more: its URI named them.
  prepare(dialect, 'erasures.answers-about', who, (db, p) =>
    db
      .updateTable('answers')
      .set({ operation: '', body: ERASED_ANSWER, digest: null })
      .where(sql<string>`operation`, 'like', sql<string>`'%' || ${p.userId} || '%'`),
  ),
]

const prepareIsAuthorized = (dialect: Dialect) =>
  prepare(dialect, 'erasures.is-authorized', who, (db, p) =>
    db
      .selectFrom('authorizations')
      .select('uri')
      .where((where) =>
        where.or([
          where('auth_id', '=', p.userId),
          where.and([where('created_by', '=', p.userId), where('kind', '=', 'anonymous')]),
        ]),
      )
      .limit(1),
  )

const prepareIsOwed = (dialect: Dialect) =>
  prepare(dialect, 'erasures.is-owed', who, (db, p) =>
    db
      .selectFrom('owed_withdrawals')
      .select('domain')
      .where('user_id', '=', p.userId)
      .where('domain', 'not in', (eb) =>
        eb.selectFrom('peers').select('domain').where('blocked_at', 'is not', null),
      )
      .limit(1),
  )

export const prepareErasures = (dialect: Dialect) => {
  const deletions = prepareDeletions(dialect)
  const changes = prepareChanges(dialect)
  const isAuthorized = prepareIsAuthorized(dialect)
  const isOwed = prepareIsOwed(dialect)
  return (link: Link): ErasureStore => ({
    isAuthorized: async (userId) => (await link.all(isAuthorized, { userId })).length > 0,
    isOwed: async (userId) => (await link.all(isOwed, { userId })).length > 0,
    async forget(userId: UserId) {
      for (const deletion of deletions) await link.run(deletion, { userId })
      for (const change of changes) await link.run(change, { userId })
    },
  })
}
