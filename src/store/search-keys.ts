// Search keys of rooms, wrapped, and where somebody reaches one: asked for every search, over thousands of rooms, so
// what is answered there is no more than numbers and names.

import { sql } from 'kysely'
import type { OrganizationId, ResourceUri } from '../id.ts'
import type { SearchKey, SearchKeyPlace, SearchKeyStore } from '../kms/index.ts'
import { instant } from '../time.ts'
import { branded, fromWrapped, optional, optionalInstant, toWrapped } from './mapping.ts'
import { counts, isLive } from './reach.ts'
import { type RowOf, searchKeyColumns } from './schema.ts'
import { type Dialect, type Link, prepare, prepareInsert } from './statement.ts'

/** Rooms of one person that are searched at most: a bound on work that nobody real comes near. */
const MOST_SEARCHED = 100_000

const toSearchKey = (row: RowOf<typeof searchKeyColumns>): SearchKey => ({
  id: row.id,
  uri: row.uri,
  resourceUri: branded<ResourceUri>(row.resource_uri),
  organizationId: branded<OrganizationId>(row.organization_id),
  wordsVersion: row.words_version,
  language: row.language,
  createdAt: instant(row.created_at),
  ...optional('retiredAt', optionalInstant(row.retired_at)),
  wrapped: toWrapped(row),
})

const fromSearchKey = (key: SearchKey): RowOf<typeof searchKeyColumns> => ({
  id: key.id,
  uri: key.uri,
  resource_uri: key.resourceUri,
  organization_id: key.organizationId,
  words_version: key.wordsVersion,
  language: key.language,
  created_at: key.createdAt,
  retired_at: key.retiredAt ?? null,
  destroyed_at: null,
  ...fromWrapped(key.wrapped),
})

interface PlaceRow {
  readonly id: number
  readonly resource_uri: string
  readonly organization_id: string
}

const toPlace = (row: PlaceRow): SearchKeyPlace => ({
  id: row.id,
  resourceUri: branded<ResourceUri>(row.resource_uri),
  organizationId: branded<OrganizationId>(row.organization_id),
})

/** Upwards from the user: where they are authorised, and wherever those resources are authorised in turn. */
const prepareReached = (dialect: Dialect) =>
  prepare(
    dialect,
    'search-keys.reached-by',
    { userId: 'text', now: 'integer', limit: 'integer' },
    (_, p) => sql<PlaceRow>`
      with recursive walk (resource_uri) as (
        select allowed.resource_uri
        from authorizations as allowed
        cross join resources as resource
        where allowed.auth_id = ${p.userId} and resource.uri = allowed.resource_uri
          and ${isLive('allowed', p.now)} and ${isLive('resource', p.now)}
        union
        select allowed.resource_uri
        from walk
        cross join authorizations as allowed
        cross join resources as resource
        where allowed.auth_id = walk.resource_uri and resource.uri = allowed.resource_uri
          and ${counts('allowed', p.now)}
          and ${isLive('allowed', p.now)} and ${isLive('resource', p.now)}
      )
      select search_key.id, search_key.resource_uri, search_key.organization_id
      from (select resource_uri from walk limit ${p.limit}) as reached
      cross join search_keys as search_key
      where search_key.resource_uri = reached.resource_uri and search_key.destroyed_at is null
      order by search_key.id desc`,
  )

const prepareReads = (dialect: Dialect) => ({
  ofRooms: prepare(dialect, 'search-keys.of-rooms', { uris: 'texts' }, (db, p) =>
    db
      .selectFrom('search_keys')
      .selectAll()
      .where(p.uris.has('resource_uri'))
      .where('destroyed_at', 'is', null)
      .orderBy('id', 'desc'),
  ),
  find: prepare(
    dialect,
    'search-keys.find',
    { wanted: { id: 'integer' } },
    (_, p) => sql<RowOf<typeof searchKeyColumns>>`
      select search_key.* from ${p.wanted} as wanted
      cross join search_keys as search_key
      where search_key.id = wanted.id and search_key.destroyed_at is null`,
  ),
  places: prepare(dialect, 'search-keys.places', {}, (db) =>
    db
      .selectFrom('search_keys')
      .select(['id', 'resource_uri', 'organization_id'])
      .where('destroyed_at', 'is', null)
      .orderBy('id', 'desc'),
  ),
  orphans: prepare(
    dialect,
    'search-keys.orphans',
    {},
    () => sql<{ readonly resource_uri: string }>`
      select distinct resource_uri from search_keys
      where destroyed_at is null
        and not exists (select 1 from resources where uri = search_keys.resource_uri)
      order by resource_uri`,
  ),
  outdated: prepare(
    dialect,
    'search-keys.outdated',
    { wordsVersion: 'text', language: 'text', limit: 'integer' },
    (_, p) => sql<{ readonly resource_uri: string }>`
      select distinct resource_uri from search_keys
      where destroyed_at is null
        and (words_version <> ${p.wordsVersion} or language <> ${p.language})
      order by resource_uri limit ${p.limit}`,
  ),
  // Destroyed keys keep their rows, so this never comes back to a number.
  nextId: prepare(
    dialect,
    'search-keys.next-id',
    {},
    () => sql<{ readonly id: number }>`select coalesce(max(id), 0) + 1 as id from search_keys`,
  ),
})

const prepareWrites = (dialect: Dialect) => ({
  insert: prepareInsert(dialect, 'search_keys', searchKeyColumns),
  retire: prepare(dialect, 'search-keys.retire', { uris: 'texts', now: 'integer' }, (db, p) =>
    db
      .updateTable('search_keys')
      .set({ retired_at: p.now })
      .where(p.uris.has('resource_uri'))
      .where('retired_at', 'is', null)
      .where('destroyed_at', 'is', null),
  ),
  destroy: prepare(
    dialect,
    'search-keys.destroy',
    { wanted: { id: 'integer' }, nothing: 'bytes', now: 'integer' },
    (db, p) =>
      db
        .updateTable('search_keys')
        .set({ wrapped: p.nothing, destroyed_at: p.now })
        .where('destroyed_at', 'is', null)
        .where('id', 'in', ({ selectFrom }) => selectFrom(p.wanted.as('given')).select('given.id')),
  ),
})

const asRows = (ids: readonly number[]) => ids.map((id) => ({ id }))

export const prepareSearchKeys = (dialect: Dialect) => {
  const reads = prepareReads(dialect)
  const writes = prepareWrites(dialect)
  const reached = prepareReached(dialect)
  return (link: Link): SearchKeyStore => ({
    async ofRooms(uris) {
      const keys = (await link.all(reads.ofRooms, { uris })).map(toSearchKey)
      return Map.groupBy(keys, (key) => key.resourceUri)
    },
    async find(ids) {
      const rows = await link.all(reads.find, { wanted: asRows(ids) })
      return new Map(rows.map((row) => [row.id, toSearchKey(row)]))
    },
    reachedBy: async (userId, now) =>
      (await link.all(reached, { userId, now, limit: MOST_SEARCHED })).map(toPlace),
    places: async () => (await link.all(reads.places, {})).map(toPlace),
    orphans: async () =>
      (await link.all(reads.orphans, {})).map((row) => branded<ResourceUri>(row.resource_uri)),
    outdated: async ({ wordsVersion, language }, limit) =>
      (await link.all(reads.outdated, { wordsVersion, language, limit })).map((row) =>
        branded<ResourceUri>(row.resource_uri),
      ),
    async nextId() {
      const [row] = await link.all(reads.nextId, {})
      return row?.id ?? 1
    },
    async insert(key) {
      await link.insertAll(writes.insert, [fromSearchKey(key)])
    },
    async retire(uris, now) {
      await link.run(writes.retire, { uris, now })
    },
    async destroy(ids, now) {
      if (ids.length === 0) return
      await link.run(writes.destroy, { wanted: asRows(ids), nothing: new Uint8Array(0), now })
    },
  })
}
