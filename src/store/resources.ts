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
})

const fromResource = (resource: Resource): ResourceRow => ({
  uri: resource.uri,
  organization_id: resource.organizationId,
  created_by: resource.createdBy,
  created_at: resource.createdAt,
  expires_at: resource.expiresAt ?? null,
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
  sweep: prepare(dialect, 'resources.sweep', { now: 'integer', limit: 'integer' }, (db, p) =>
    db
      .deleteFrom('resources')
      .where('uri', 'in', (eb) =>
        eb
          .selectFrom('resources')
          .select('uri')
          .where('expires_at', '<=', p.now)
          .orderBy('expires_at')
          .limit(p.limit),
      )
      .returning('uri'),
  ),
})

export const prepareResources = (dialect: Dialect) => {
  const statements = prepareStatements(dialect)
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
    async sweepExpired(now, limit) {
      // Their authorizations go with them by foreign key.
      const rows = await link.all(statements.sweep, { now, limit })
      return rows.map((row) => branded<ResourceUri>(row.uri))
    },
  })
}
