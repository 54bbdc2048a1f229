// Who may read a resource's keys (draft §4.4.2, §4.7.8 - §4.7.11). A user or resource is authorised on a
// resource once; an anonymous authorization authorises itself, so the same uniqueness holds for it.

import { sql } from 'kysely'
import { Fault } from '../fault.ts'
import type { AuthId, AuthorizationUri } from '../id.ts'
import type { Authorization, AuthorizationStore, Role } from '../kms/index.ts'
import { instant } from '../time.ts'
import { branded, byUri, oneOf, optional, optionalInstant } from './mapping.ts'
import { prepareContaining, prepareForeignWays, prepareReach } from './reach.ts'
import { authorizationColumns, type RowOf } from './schema.ts'
import { type Dialect, type Link, prepare, prepareInsert } from './statement.ts'

type AuthorizationRow = RowOf<typeof authorizationColumns>

const KINDS: Readonly<Record<Authorization['kind'], Authorization['kind']>> = {
  user: 'user',
  resource: 'resource',
  anonymous: 'anonymous',
}
const ROLES: Readonly<Record<Role, Role>> = {
  participant: 'participant',
  moderator: 'moderator',
  agent: 'agent',
}

const toAuthorization = (row: AuthorizationRow): Authorization => ({
  uri: branded<AuthorizationUri>(row.uri),
  resourceUri: branded<Authorization['resourceUri']>(row.resource_uri),
  authId: branded<AuthId>(row.auth_id),
  kind: oneOf(KINDS, row.kind),
  role: oneOf(ROLES, row.role),
  createdBy: branded<Authorization['createdBy']>(row.created_by),
  createdAt: instant(row.created_at),
  ...optional('expiresAt', optionalInstant(row.expires_at)),
  ...(row.is_brought === 0 ? {} : { isBrought: true }),
})

const toPair = (row: Pick<AuthorizationRow, 'resource_uri' | 'auth_id'>) => ({
  resourceUri: branded<Authorization['resourceUri']>(row.resource_uri),
  authId: branded<AuthId>(row.auth_id),
})

const fromAuthorization = (authorization: Authorization): AuthorizationRow => ({
  uri: authorization.uri,
  resource_uri: authorization.resourceUri,
  auth_id: authorization.authId,
  kind: authorization.kind,
  role: authorization.role,
  created_by: authorization.createdBy,
  created_at: authorization.createdAt,
  expires_at: authorization.expiresAt ?? null,
  is_brought: authorization.isBrought === true ? 1 : 0,
})

const prepareLists = (dialect: Dialect) => ({
  namedIn: prepare(dialect, 'authorizations.named-in', { uris: 'texts', now: 'integer' }, (db, p) =>
    db
      .selectFrom('authorizations')
      .select(['resource_uri', 'auth_id'])
      .where(p.uris.has('resource_uri'))
      .where('kind', '!=', 'anonymous')
      .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', p.now)])),
  ),
  expired: prepare(
    dialect,
    'authorizations.expired',
    { now: 'integer', limit: 'integer' },
    (db, p) =>
      db
        .selectFrom('authorizations')
        .select(['resource_uri', 'auth_id'])
        .where('expires_at', '<=', p.now)
        .orderBy('expires_at')
        .orderBy('uri')
        .limit(p.limit),
  ),
  ofUser: prepare(
    dialect,
    'authorizations.of-user',
    { userId: 'text', limit: 'integer' },
    (db, p) =>
      db
        .selectFrom('authorizations')
        .selectAll()
        .where('auth_id', '=', p.userId)
        .orderBy('id')
        .limit(p.limit),
  ),
  anonymous: prepare(
    dialect,
    'authorizations.anonymous',
    { after: 'text', now: 'integer', limit: 'integer' },
    (db, p) =>
      db
        .selectFrom('authorizations')
        .selectAll()
        .where('kind', '=', 'anonymous')
        .where('uri', '>', p.after)
        .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', p.now)]))
        .orderBy('uri')
        .limit(p.limit),
  ),
  anonymousBy: prepare(
    dialect,
    'authorizations.anonymous-by',
    { createdBy: 'text', limit: 'integer' },
    (db, p) =>
      db
        .selectFrom('authorizations')
        .selectAll()
        .where('created_by', '=', p.createdBy)
        // Written out: a bound value would not let the partial index be used.
        .where('kind', '=', sql.lit('anonymous'))
        .orderBy('id')
        .limit(p.limit),
  ),
})

const prepareReads = (dialect: Dialect) => {
  const live = { resourceUri: 'text', now: 'integer' } as const
  return {
    find: prepare(dialect, 'authorizations.find', { uris: 'texts' }, (db, p) =>
      db.selectFrom('authorizations').selectAll().where(p.uris.has('uri')),
    ),
    ofResource: prepare(dialect, 'authorizations.of-resource', live, (db, p) =>
      db
        .selectFrom('authorizations')
        .selectAll()
        .where('resource_uri', '=', p.resourceUri)
        .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', p.now)]))
        .orderBy('created_at')
        .orderBy('id'),
    ),
    ofResourceAndAuthIds: prepare(
      dialect,
      'authorizations.of-resource-and-auth-ids',
      { ...live, authIds: 'texts' },
      (db, p) =>
        db
          .selectFrom('authorizations')
          .selectAll()
          .where('resource_uri', '=', p.resourceUri)
          .where(p.authIds.has('auth_id'))
          .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', p.now)]))
          .orderBy('created_at')
          .orderBy('id'),
    ),
  }
}

/** An expired authorization that no sweep has taken yet gives its place to a new one. */
const replaceExpired = () => {
  const replaced = Object.keys(authorizationColumns).map(
    (column) => sql`${sql.ref(column)} = excluded.${sql.ref(column)}`,
  )
  return sql`on conflict (resource_uri, auth_id) do update set ${sql.join(replaced)}
    where authorizations.expires_at <= excluded.created_at`
}

const prepareWrites = (dialect: Dialect) => ({
  insert: prepareInsert(dialect, 'authorizations', authorizationColumns, replaceExpired()),
  remove: prepare(dialect, 'authorizations.remove', { uris: 'texts' }, (db, p) =>
    db.deleteFrom('authorizations').where(p.uris.has('uri')),
  ),
  sweep: prepare(dialect, 'authorizations.sweep', { now: 'integer', limit: 'integer' }, (db, p) =>
    db
      .deleteFrom('authorizations')
      .where('uri', 'in', (eb) =>
        eb
          .selectFrom('authorizations')
          .select('uri')
          .where('expires_at', '<=', p.now)
          .orderBy('expires_at')
          .orderBy('uri')
          .limit(p.limit),
      )
      .returning('uri'),
  ),
})

export const prepareAuthorizations = (dialect: Dialect) => {
  const reads = prepareReads(dialect)
  const writes = prepareWrites(dialect)
  const lists = prepareLists(dialect)
  const reach = prepareReach(dialect)
  const containing = prepareContaining(dialect)
  const foreignWays = prepareForeignWays(dialect)
  return (link: Link): AuthorizationStore => ({
    find: async (uris) => byUri((await link.all(reads.find, { uris })).map(toAuthorization)),
    async ofResource(resourceUri, now, authIds) {
      const rows =
        authIds === undefined
          ? await link.all(reads.ofResource, { resourceUri, now })
          : await link.all(reads.ofResourceAndAuthIds, { resourceUri, now, authIds })
      return rows.map(toAuthorization)
    },
    async insert(authorizations) {
      const rows = authorizations.map(fromAuthorization)
      const inserted = await link.insertAll(writes.insert, rows)
      if (inserted !== rows.length) throw new Fault('store.not-unique')
    },
    async remove(uris) {
      await link.run(writes.remove, { uris })
    },
    reach: (pairs, now) => reach(link, pairs, now),
    containing: (uris, now) => containing(link, uris, now),
    foreignWays: (uris, home, now) => foreignWays(link, uris, home, now),
    namedIn: async (uris, now) => (await link.all(lists.namedIn, { uris, now })).map(toPair),
    expired: async (now, limit) => (await link.all(lists.expired, { now, limit })).map(toPair),
    ofUser: async (userId, limit) =>
      (await link.all(lists.ofUser, { userId, limit })).map(toAuthorization),
    anonymous: async (page) => (await link.all(lists.anonymous, page)).map(toAuthorization),
    anonymousBy: async (createdBy, limit) =>
      (await link.all(lists.anonymousBy, { createdBy, limit })).map(toAuthorization),
    async sweepExpired(now, limit) {
      const rows = await link.all(writes.sweep, { now, limit })
      return rows.map((row) => branded<AuthorizationUri>(row.uri))
    },
  })
}
