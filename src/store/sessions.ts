// Sessions, wrapped, durable because a real client never renegotiates a lost one (draft §4.7.1).
// A session takes its stored answers with it when it goes.

import type { SessionUri } from '../id.ts'
import type { Session, SessionStore } from '../kms/index.ts'
import { instant } from '../time.ts'
import { branded, fromWrapped, toWrapped } from './mapping.ts'
import { type RowOf, sessionColumns } from './schema.ts'
import { type Dialect, type Link, prepare, prepareInsert } from './statement.ts'

/** Answers deleted by one sweep: a busy session has many, and a sweep must stay a short transaction. */
const MOST_ANSWERS_SWEPT = 10_000

type SessionRow = RowOf<typeof sessionColumns>

const toSession = (row: SessionRow): Session => ({
  uri: branded<SessionUri>(row.uri),
  // A principal is a user or an anonymous authorization; both are kept as text.
  principalId: branded<Session['principalId'] & string>(row.principal_id),
  organizationId: branded<Session['organizationId']>(row.organization_id),
  clientId: branded<Session['clientId']>(row.client_id),
  createdAt: instant(row.created_at),
  expiresAt: instant(row.expires_at),
  wrapped: toWrapped(row),
})

const fromSession = (session: Session): SessionRow => ({
  uri: session.uri,
  principal_id: session.principalId,
  organization_id: session.organizationId,
  client_id: session.clientId,
  created_at: session.createdAt,
  expires_at: session.expiresAt,
  ...fromWrapped(session.wrapped),
})

const owner = { principalId: 'text', clientId: 'text', now: 'integer' } as const

const prepareStatements = (dialect: Dialect) => ({
  find: prepare(dialect, 'sessions.find', { uri: 'text' }, (db, p) =>
    db.selectFrom('sessions').selectAll().where('uri', '=', p.uri),
  ),
  insert: prepareInsert(dialect, 'sessions', sessionColumns),
  removeAnswers: prepare(dialect, 'answers.remove', { uri: 'text' }, (db, p) =>
    db
      .deleteFrom('answers')
      .where('session_id', 'in', (eb) =>
        eb.selectFrom('sessions').select('id').where('uri', '=', p.uri),
      ),
  ),
  remove: prepare(dialect, 'sessions.remove', { uri: 'text' }, (db, p) =>
    db.deleteFrom('sessions').where('uri', '=', p.uri),
  ),
  endAll: prepare(dialect, 'sessions.end-all', { principalId: 'text' }, (db, p) =>
    db
      .updateTable('sessions')
      .set({ expires_at: 0 })
      .where('principal_id', '=', p.principalId)
      .where('expires_at', '>', 0),
  ),
  countLive: prepare(dialect, 'sessions.count-live', owner, (db, p) =>
    db
      .selectFrom('sessions')
      .select((eb) => [
        eb.fn.countAll<number>().as('of_principal'),
        eb.fn.countAll<number>().filterWhere('client_id', '=', p.clientId).as('of_device'),
      ])
      .where('principal_id', '=', p.principalId)
      .where('expires_at', '>', p.now),
  ),
})

const prepareSweep = (dialect: Dialect) => ({
  over: prepare(dialect, 'sessions.over', { now: 'integer', limit: 'integer' }, (db, p) =>
    db
      .selectFrom('sessions')
      .select('uri')
      .where('expires_at', '<=', p.now)
      .orderBy('expires_at')
      .limit(p.limit),
  ),
  answers: prepare(dialect, 'answers.sweep', { uris: 'texts', limit: 'integer' }, (db, p) =>
    db
      .deleteFrom('answers')
      .where('id', 'in', (eb) =>
        eb
          .selectFrom('sessions')
          .innerJoin('answers', 'answers.session_id', 'sessions.id')
          .select('answers.id')
          .where(p.uris.has('sessions.uri'))
          .limit(p.limit),
      ),
  ),
  sessions: prepare(dialect, 'sessions.sweep', { uris: 'texts' }, (db, p) =>
    db
      .deleteFrom('sessions')
      .where(p.uris.has('uri'))
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('answers')
              .select('answers.id')
              .whereRef('answers.session_id', '=', 'sessions.id'),
          ),
        ),
      )
      .returning('uri'),
  ),
})

export const prepareSessions = (dialect: Dialect) => {
  const statements = prepareStatements(dialect)
  const sweep = prepareSweep(dialect)
  return (link: Link): SessionStore => ({
    async find(uri) {
      const [row] = await link.all(statements.find, { uri })
      return row === undefined ? undefined : toSession(row)
    },
    async insert(session) {
      await link.insertAll(statements.insert, [fromSession(session)])
    },
    async remove(uri) {
      await link.run(statements.removeAnswers, { uri })
      await link.run(statements.remove, { uri })
    },
    endAll: (principalId) => link.run(statements.endAll, { principalId }),
    async countLive(principalId, clientId, now) {
      const [row] = await link.all(statements.countLive, { principalId, clientId, now })
      return { ofDevice: row?.of_device ?? 0, ofPrincipal: row?.of_principal ?? 0 }
    },
    async sweepExpired(now, limit) {
      const uris = (await link.all(sweep.over, { now, limit })).map((row) => row.uri)
      if (uris.length === 0) return []
      await link.run(sweep.answers, { uris, limit: MOST_ANSWERS_SWEPT })
      const swept = await link.all(sweep.sessions, { uris })
      return swept.map((row) => branded<SessionUri>(row.uri))
    },
  })
}
