// Where the core's rosters and the authorizations differ, and when they were last compared.

import { sql } from 'kysely'
import type { ResourceUri } from '../id.ts'
import type { DriftSide, RosterStore, StoredDrift } from '../kms/index.ts'
import { instant } from '../time.ts'
import { branded, oneOf } from './mapping.ts'
import { isLive } from './reach.ts'
import { type RowOf, rosterCheckColumns, rosterDriftColumns } from './schema.ts'
import { type Dialect, type Link, prepare, prepareInsert } from './statement.ts'

const SIDES: Readonly<Record<DriftSide, DriftSide>> = {
  'core-only': 'core-only',
  'realm-only': 'realm-only',
  'stale-key': 'stale-key',
  unlisted: 'unlisted',
}

const toDrift = (row: RowOf<typeof rosterDriftColumns>): StoredDrift => ({
  resourceUri: branded<ResourceUri>(row.resource_uri),
  side: oneOf(SIDES, row.side),
  subject: row.subject,
  since: instant(row.since),
})

const driftKey = { resource_uri: 'text', side: 'text', subject: 'text' } as const

const prepareStatements = (dialect: Dialect) => ({
  all: prepare(dialect, 'rosters.drifts', {}, (db) =>
    db
      .selectFrom('roster_drifts')
      .selectAll()
      .orderBy('since')
      .orderBy('resource_uri')
      .orderBy('side')
      .orderBy('subject'),
  ),
  ofResources: prepare(dialect, 'rosters.drifts-of', { uris: 'texts' }, (db, p) =>
    db.selectFrom('roster_drifts').selectAll().where(p.uris.has('resource_uri')),
  ),
  count: prepare(dialect, 'rosters.count-drifts', {}, (db) =>
    db.selectFrom('roster_drifts').select((eb) => eb.fn.countAll<number>().as('count')),
  ),
  shared: prepare(
    dialect,
    'rosters.shared',
    { after: 'text', settled: 'integer', now: 'integer', limit: 'integer' },
    (_, p) => sql<{ readonly uri: string }>`
      select resource.uri from resources as resource
      where resource.uri > ${p.after} and ${isLive('resource', p.now)}
        and coalesce(resource.roster_changed_at, resource.created_at) < ${p.settled}
        and exists (select 1 from keys where keys.resource_uri = resource.uri)
        and exists (
          select 1 from authorizations as named
          where named.resource_uri = resource.uri and named.kind = 'user' and ${isLive('named', p.now)})
      order by resource.uri limit ${p.limit}`,
  ),
  insert: prepareInsert(dialect, 'roster_drifts', rosterDriftColumns),
  remove: prepare(dialect, 'rosters.remove-drifts', { drifts: driftKey }, (db, p) =>
    db
      .deleteFrom('roster_drifts')
      // One look at each list; `exists` would search the given one for every row.
      .where(({ eb, refTuple, selectFrom }) =>
        eb(
          refTuple('resource_uri', 'side', 'subject'),
          'in',
          selectFrom(p.drifts.as('given'))
            .select(['given.resource_uri', 'given.side', 'given.subject'])
            .$asTuple('resource_uri', 'side', 'subject'),
        ),
      ),
  ),
  lastCheck: prepare(dialect, 'rosters.last-check', {}, (db) =>
    db.selectFrom('roster_checks').selectAll(),
  ),
  checked: prepareInsert(
    dialect,
    'roster_checks',
    rosterCheckColumns,
    sql`on conflict (id) do update set checked_at = excluded.checked_at, rooms = excluded.rooms`,
  ),
})

export const prepareRosters = (dialect: Dialect) => {
  const statements = prepareStatements(dialect)
  return (link: Link): RosterStore => ({
    async drifts(uris) {
      const rows =
        uris === undefined
          ? await link.all(statements.all, {})
          : await link.all(statements.ofResources, { uris })
      return rows.map(toDrift)
    },
    async insert(drifts) {
      const rows = drifts.map(({ resourceUri, side, subject, since }) => ({
        resource_uri: resourceUri,
        side,
        subject,
        since,
      }))
      await link.insertAll(statements.insert, rows)
    },
    async remove(drifts) {
      if (drifts.length === 0) return
      await link.run(statements.remove, {
        drifts: drifts.map(({ resourceUri, side, subject }) => ({
          resource_uri: resourceUri,
          side,
          subject,
        })),
      })
    },
    async countDrifts() {
      const [row] = await link.all(statements.count, {})
      return row?.count ?? 0
    },
    shared: async (page) =>
      (await link.all(statements.shared, page)).map((row) => branded<ResourceUri>(row.uri)),
    async lastCheck() {
      const [row] = await link.all(statements.lastCheck, {})
      return row === undefined
        ? undefined
        : { checkedAt: instant(row.checked_at), rooms: row.rooms }
    },
    async checked({ checkedAt, rooms }) {
      await link.insertAll(statements.checked, [{ id: 1, checked_at: checkedAt, rooms }])
    },
  })
}
