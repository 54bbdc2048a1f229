// Resources and their time to live (draft §4.4.3, §4.7.3). Keys bound to an expired resource stay: they
// are evidence, and nobody reaches them any more.

import type { ResourceUri } from '../id.ts'
import type { Resource, ResourceStore, ResourceSummary } from '../kms/index.ts'
import { instant } from '../time.ts'
import { branded, byUri, optional, optionalInstant } from './mapping.ts'
import { type RowOf, resourceColumns } from './schema.ts'
import { type Dialect, type Link, prepare, prepareInsert } from './statement.ts'

type ResourceRow = RowOf<typeof resourceColumns>

const toResource = (row: ResourceRow): Resource => ({
  uri: branded<ResourceUri>(row.uri),
  organizationId: branded<Resource['organizationId']>(row.organization_id),
  createdBy: branded<Resource['createdBy']>(row.created_by),
  createdAt: instant(row.created_at),
  ...optional('expiresAt', optionalInstant(row.expires_at)),
  ...optional('staleSince', optionalInstant(row.stale_since)),
  ...optional('rosterChangedAt', optionalInstant(row.roster_changed_at)),
})

const fromResource = (resource: Resource): ResourceRow => ({
  uri: resource.uri,
  organization_id: resource.organizationId,
  created_by: resource.createdBy,
  created_at: resource.createdAt,
  expires_at: resource.expiresAt ?? null,
  stale_since: resource.staleSince ?? null,
  roster_changed_at: resource.rosterChangedAt ?? null,
})

const prepareStatements = (dialect: Dialect) => ({
  find: prepare(dialect, 'resources.find', { uris: 'texts' }, (db, p) =>
    db.selectFrom('resources').selectAll().where(p.uris.has('uri')),
  ),
  insert: prepareInsert(dialect, 'resources', resourceColumns),
  newest: prepare(dialect, 'resources.newest', { limit: 'integer' }, (db, p) =>
    db
      .selectFrom('resources')
      .selectAll()
      .select((eb) => [
        eb
          .selectFrom('keys')
          .select((sub) => sub.fn.countAll<number>().as('count'))
          .whereRef('keys.resource_uri', '=', 'resources.uri')
          .as('key_count'),
        eb
          .selectFrom('authorizations')
          .select((sub) => sub.fn.countAll<number>().as('count'))
          .whereRef('authorizations.resource_uri', '=', 'resources.uri')
          .as('authorization_count'),
      ])
      .orderBy('created_at', 'desc')
      .limit(p.limit),
  ),
  expired: prepare(dialect, 'resources.expired', { now: 'integer', limit: 'integer' }, (db, p) =>
    db
      .selectFrom('resources')
      .select('uri')
      .where('expires_at', '<=', p.now)
      .orderBy('expires_at')
      .orderBy('uri')
      .limit(p.limit),
  ),
  sweep: prepare(dialect, 'resources.sweep', { now: 'integer', limit: 'integer' }, (db, p) =>
    db
      .deleteFrom('resources')
      .where('uri', 'in', (eb) =>
        eb
          .selectFrom('resources')
          .select('uri')
          .where('expires_at', '<=', p.now)
          .orderBy('expires_at')
          .orderBy('uri')
          .limit(p.limit),
      )
      .returning('uri'),
  ),
})

const marked = { uris: 'texts', now: 'integer' } as const

const prepareMarks = (dialect: Dialect) => ({
  stale: prepare(dialect, 'resources.mark-stale', marked, (db, p) =>
    db
      .updateTable('resources')
      .set({ stale_since: p.now })
      .where(p.uris.has('uri'))
      .where('stale_since', 'is', null),
  ),
  renewed: prepare(dialect, 'resources.mark-renewed', { uri: 'text' }, (db, p) =>
    db
      .updateTable('resources')
      .set({ stale_since: null })
      .where('uri', '=', p.uri)
      .where('stale_since', 'is not', null),
  ),
  rosterChanged: prepare(dialect, 'resources.roster-changed', marked, (db, p) =>
    db.updateTable('resources').set({ roster_changed_at: p.now }).where(p.uris.has('uri')),
  ),
  listStale: prepare(dialect, 'resources.stale', { limit: 'integer' }, (db, p) =>
    db
      .selectFrom('resources')
      .selectAll()
      .where('stale_since', 'is not', null)
      .orderBy('stale_since')
      .orderBy('uri')
      .limit(p.limit),
  ),
  countStale: prepare(dialect, 'resources.count-stale', {}, (db) =>
    db
      .selectFrom('resources')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('stale_since', 'is not', null),
  ),
})

export const prepareResources = (dialect: Dialect) => {
  const statements = prepareStatements(dialect)
  const marks = prepareMarks(dialect)
  return (link: Link): ResourceStore => ({
    find: async (uris) => byUri((await link.all(statements.find, { uris })).map(toResource)),
    async insert(resource) {
      await link.insertAll(statements.insert, [fromResource(resource)])
    },
    async newest(limit) {
      const rows = await link.all(statements.newest, { limit })
      return rows.map(
        (row): ResourceSummary => ({
          resource: toResource(row),
          keys: row.key_count ?? 0,
          authorizations: row.authorization_count ?? 0,
        }),
      )
    },
    async markStale(uris, now) {
      await link.run(marks.stale, { uris, now })
    },
    async markRenewed(uri) {
      await link.run(marks.renewed, { uri })
    },
    async rosterChanged(uris, now) {
      await link.run(marks.rosterChanged, { uris, now })
    },
    stale: async (limit) => (await link.all(marks.listStale, { limit })).map(toResource),
    async countStale() {
      const [row] = await link.all(marks.countStale, {})
      return row?.count ?? 0
    },
    expired: async (now, limit) =>
      (await link.all(statements.expired, { now, limit })).map((row) =>
        branded<ResourceUri>(row.uri),
      ),
    async sweepExpired(now, limit) {
      // Their authorizations go with them by foreign key.
      const rows = await link.all(statements.sweep, { now, limit })
      return rows.map((row) => branded<ResourceUri>(row.uri))
    },
  })
}
