// Content keys, wrapped. An unbound key has a bind-by time and nothing else; a bound one has a resource
// and the time of its binding, and no way back (draft §4.7.5 - §4.7.7).

import { Fault } from '../fault.ts'
import type { KeyUri, ResourceUri } from '../id.ts'
import type { BoundKey, Key, KeyStore, UnboundKey } from '../kms/index.ts'
import { instant } from '../time.ts'
import { branded, byUri, fromWrapped, toWrapped } from './mapping.ts'
import { keyColumns, type RowOf } from './schema.ts'
import { type Dialect, type Link, prepare, prepareInsert } from './statement.ts'

type KeyRow = RowOf<typeof keyColumns>

const base = (row: KeyRow) => ({
  uri: branded<KeyUri>(row.uri),
  organizationId: branded<Key['organizationId']>(row.organization_id),
  createdBy: branded<Key['createdBy']>(row.created_by),
  clientId: branded<Key['clientId']>(row.client_id),
  createdAt: instant(row.created_at),
  wrapped: toWrapped(row),
})

const toBound = (row: KeyRow, resourceUri: string, boundAt: number): BoundKey => ({
  ...base(row),
  state: 'bound',
  boundAt: instant(boundAt),
  resourceUri: branded<ResourceUri>(resourceUri),
})

const toKey = (row: KeyRow): Key => {
  if (row.resource_uri !== null && row.bound_at !== null) {
    return toBound(row, row.resource_uri, row.bound_at)
  }
  if (row.bind_by === null) throw new Fault('store.unreadable')
  return { ...base(row), state: 'unbound', bindBy: instant(row.bind_by) }
}

const toBoundKey = (row: KeyRow): BoundKey => {
  const key = toKey(row)
  if (key.state !== 'bound') throw new Fault('store.unreadable')
  return key
}

const fromUnbound = (key: UnboundKey): KeyRow => ({
  uri: key.uri,
  organization_id: key.organizationId,
  created_by: key.createdBy,
  client_id: key.clientId,
  created_at: key.createdAt,
  bind_by: key.bindBy,
  bound_at: null,
  resource_uri: null,
  ...fromWrapped(key.wrapped),
})

const fromBound = (key: BoundKey) => ({
  uri: key.uri,
  resource_uri: key.resourceUri,
  bound_at: key.boundAt,
})

const bindings = { uri: 'text', resource_uri: 'text', bound_at: 'integer' } as const
const range = { resourceUri: 'text', from: 'integer', before: 'integer', count: 'integer' } as const

const prepareReads = (dialect: Dialect) => ({
  find: prepare(dialect, 'keys.find', { uris: 'texts' }, (db, p) =>
    db.selectFrom('keys').selectAll().where(p.uris.has('uri')),
  ),
  ofResource: prepare(dialect, 'keys.of-resource', range, (db, p) =>
    db
      .selectFrom('keys')
      .selectAll()
      .where('resource_uri', '=', p.resourceUri)
      .where('bound_at', '>=', p.from)
      .where('bound_at', '<', p.before)
      .orderBy('bound_at', 'desc')
      .orderBy('uri', 'desc')
      .limit(p.count),
  ),
  countUnbound: prepare(
    dialect,
    'keys.count-unbound',
    { createdBy: 'text', now: 'integer' },
    (db, p) =>
      db
        .selectFrom('keys')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('created_by', '=', p.createdBy)
        .where('bind_by', '>', p.now),
  ),
})

const prepareWrites = (dialect: Dialect) => ({
  insert: prepareInsert(dialect, 'keys', keyColumns),
  bind: prepare(dialect, 'keys.bind', { keys: bindings }, (db, p) =>
    db
      .updateTable('keys')
      .from(p.keys.as('given'))
      .set((eb) => ({
        bind_by: null,
        resource_uri: eb.ref('given.resource_uri'),
        bound_at: eb.ref('given.bound_at'),
      }))
      .whereRef('keys.uri', '=', 'given.uri')
      .where('keys.bind_by', 'is not', null),
  ),
  destroyUnbound: prepare(dialect, 'keys.destroy-unbound', { createdBy: 'text' }, (db, p) =>
    db
      .deleteFrom('keys')
      .where('created_by', '=', p.createdBy)
      .where('bind_by', 'is not', null)
      .returning('uri'),
  ),
  sweepUnbound: prepare(
    dialect,
    'keys.sweep-unbound',
    { now: 'integer', limit: 'integer' },
    (db, p) =>
      db
        .deleteFrom('keys')
        .where('uri', 'in', (eb) =>
          eb
            .selectFrom('keys')
            .select('uri')
            .where('bind_by', '<=', p.now)
            .orderBy('bind_by')
            .limit(p.limit),
        )
        .returning('uri'),
  ),
})

export const prepareKeys = (dialect: Dialect) => {
  const reads = prepareReads(dialect)
  const writes = prepareWrites(dialect)
  return (link: Link): KeyStore => ({
    find: async (uris) => byUri((await link.all(reads.find, { uris })).map(toKey)),
    async ofResource(resourceUri, { boundAfter, boundBefore, count }) {
      const rows = await link.all(reads.ofResource, {
        resourceUri,
        from: boundAfter ?? Number.MIN_SAFE_INTEGER,
        before: boundBefore ?? Number.MAX_SAFE_INTEGER,
        count: count ?? Number.MAX_SAFE_INTEGER,
      })
      return rows.map(toBoundKey).reverse()
    },
    async insert(keys) {
      await link.insertAll(writes.insert, keys.map(fromUnbound))
    },
    async bind(keys) {
      const changed = await link.run(writes.bind, { keys: keys.map(fromBound) })
      if (changed !== keys.length) throw new Fault('store.key-not-unbound')
    },
    async destroyUnbound(createdBy) {
      const rows = await link.all(writes.destroyUnbound, { createdBy })
      return rows.map((row) => branded<KeyUri>(row.uri))
    },
    async countUnbound(createdBy, now) {
      const [row] = await link.all(reads.countUnbound, { createdBy, now })
      return row?.count ?? 0
    },
    async sweepUnbound(now, limit) {
      const rows = await link.all(writes.sweepUnbound, { now, limit })
      return rows.map((row) => branded<KeyUri>(row.uri))
    },
  })
}
