// What the indexer remembers between messages: how far it has read, what it still has to read beside that, and the lists
// of hashes that the core has not acknowledged.

import { sql } from 'kysely'
import type { AuthorizationUri, ResourceUri } from '../id.ts'
import type {
  IndexProgress,
  IndexStore,
  NewRange,
  QueuedPosting,
  Range,
  RangeReason,
} from '../indexer/index.ts'
import { instant } from '../time.ts'
import { branded, bytes, oneOf, optional } from './mapping.ts'
import {
  indexDropColumns,
  indexedRoomColumns,
  indexGrantColumns,
  indexProgressColumns,
  indexRangeColumns,
  outboxColumns,
  type RowOf,
} from './schema.ts'
import { prepareCounters } from './search-counters.ts'
import { type Dialect, type Link, prepare, prepareInsert } from './statement.ts'

const REASONS: Readonly<Record<RangeReason, RangeReason>> = {
  joined: 'joined',
  behind: 'behind',
  rekeyed: 'rekeyed',
  retried: 'retried',
}

const toRange = (row: RowOf<typeof indexRangeColumns> & { readonly id: number }): Range => ({
  id: row.id,
  reason: oneOf(REASONS, row.reason),
  ...optional(
    'resourceUri',
    row.resource_uri === null ? null : branded<ResourceUri>(row.resource_uri),
  ),
  ...optional('searchKeyId', row.search_key_id),
  startAfter: row.start_after,
  readTo: row.read_to,
  upTo: row.up_to,
  dueAt: instant(row.due_at),
  attempts: row.attempts,
  createdAt: instant(row.created_at),
})

const fromRange = (range: NewRange): RowOf<typeof indexRangeColumns> => ({
  reason: range.reason,
  resource_uri: range.resourceUri ?? null,
  search_key_id: range.searchKeyId ?? null,
  start_after: range.startAfter,
  read_to: range.readTo,
  up_to: range.upTo,
  due_at: range.dueAt,
  attempts: range.attempts,
  created_at: range.createdAt,
})

const prepareProgress = (dialect: Dialect) => {
  const find = prepare(dialect, 'index.progress', {}, (db) =>
    db.selectFrom('index_progress').selectAll(),
  )
  const save = prepareInsert(
    dialect,
    'index_progress',
    indexProgressColumns,
    sql`on conflict (id) do update set read_to = excluded.read_to, head = excluded.head,
      indexed = excluded.indexed, skipped = excluded.skipped`,
  )
  return (link: Link): Pick<IndexStore, 'progress' | 'saveProgress'> => ({
    async progress(): Promise<IndexProgress> {
      const [row] = await link.all(find, {})
      if (row === undefined) return { readTo: 0, head: 0, indexed: 0, skipped: 0 }
      const { read_to: readTo, head, indexed, skipped } = row
      return { readTo, head, indexed, skipped }
    },
    async saveProgress({ readTo, head, indexed, skipped }) {
      await link.insertAll(save, [{ id: 1, read_to: readTo, head, indexed, skipped }])
    },
  })
}

const prepareRooms = (dialect: Dialect) => {
  const count = prepareInsert(
    dialect,
    'indexed_rooms',
    indexedRoomColumns,
    sql`on conflict (resource_uri) do update
      set messages = indexed_rooms.messages + excluded.messages`,
  )
  const rooms = prepare(dialect, 'index.rooms', {}, (db) =>
    db.selectFrom('indexed_rooms').select('resource_uri').orderBy('resource_uri'),
  )
  const countAll = prepare(dialect, 'index.count-rooms', {}, (db) =>
    db.selectFrom('indexed_rooms').select((eb) => eb.fn.countAll<number>().as('count')),
  )
  const place = { resourceUri: 'text' } as const
  const forgetting = [
    prepare(dialect, 'index.forget-room', place, (db, p) =>
      db.deleteFrom('indexed_rooms').where('resource_uri', '=', p.resourceUri),
    ),
    prepare(dialect, 'index.forget-outbox', place, (db, p) =>
      db.deleteFrom('index_outbox').where('resource_uri', '=', p.resourceUri),
    ),
    prepare(dialect, 'index.forget-ranges', place, (db, p) =>
      db.deleteFrom('index_ranges').where('resource_uri', '=', p.resourceUri),
    ),
    prepare(dialect, 'index.forget-counters', place, (db, p) =>
      db
        .deleteFrom('search_counters')
        .where('search_key_id', 'in', (eb) =>
          eb.selectFrom('search_keys').select('id').where('resource_uri', '=', p.resourceUri),
        ),
    ),
  ]
  return (
    link: Link,
  ): Pick<IndexStore, 'countMessages' | 'rooms' | 'countRooms' | 'forgetRoom'> => ({
    async countMessages(list, now) {
      const rows = list.map(({ resourceUri, messages }) => ({
        ...{ resource_uri: resourceUri, since: now, messages },
      }))
      await link.insertAll(count, rows)
    },
    rooms: async () =>
      (await link.all(rooms, {})).map((row) => branded<ResourceUri>(row.resource_uri)),
    countRooms: async () => (await link.all(countAll, {}))[0]?.count ?? 0,
    async forgetRoom(resourceUri) {
      for (const statement of forgetting) await link.run(statement, { resourceUri })
    },
  })
}

const prepareGrants = (dialect: Dialect) => {
  const seen = prepare(dialect, 'index.grants', {}, (db) =>
    db.selectFrom('index_grants').selectAll(),
  )
  const see = prepareInsert(
    dialect,
    'index_grants',
    indexGrantColumns,
    sql`on conflict (uri) do nothing`,
  )
  const unsee = prepare(dialect, 'index.unsee-grants', { uris: 'texts' }, (db, p) =>
    db.deleteFrom('index_grants').where(p.uris.has('uri')),
  )
  return (link: Link): Pick<IndexStore, 'seenGrants' | 'seeGrants' | 'unseeGrants'> => ({
    seenGrants: async () =>
      new Set((await link.all(seen, {})).map((row) => branded<AuthorizationUri>(row.uri))),
    async seeGrants(uris) {
      await link.insertAll(
        see,
        uris.map((uri) => ({ uri })),
      )
    },
    async unseeGrants(uris) {
      await link.run(unsee, { uris })
    },
  })
}

const moved = { id: 'integer', readTo: 'integer', dueAt: 'integer', attempts: 'integer' } as const

const prepareRanges = (dialect: Dialect) => {
  const all = prepare(dialect, 'index.ranges', {}, (db) =>
    db.selectFrom('index_ranges').selectAll().orderBy('due_at').orderBy('id'),
  )
  const insert = prepareInsert(dialect, 'index_ranges', indexRangeColumns)
  const move = prepare(dialect, 'index.move-range', moved, (db, p) =>
    db
      .updateTable('index_ranges')
      .set({ read_to: p.readTo, due_at: p.dueAt, attempts: p.attempts })
      .where('id', '=', p.id),
  )
  const remove = prepare(dialect, 'index.remove-range', { id: 'integer' }, (db, p) =>
    db.deleteFrom('index_ranges').where('id', '=', p.id),
  )
  return (
    link: Link,
  ): Pick<IndexStore, 'ranges' | 'insertRange' | 'moveRange' | 'removeRange'> => ({
    ranges: async () => (await link.all(all, {})).map(toRange),
    async insertRange(range) {
      await link.insertAll(insert, [fromRange(range)])
    },
    async moveRange({ id, readTo, dueAt, attempts }) {
      await link.run(move, { id, readTo, dueAt, attempts })
    },
    async removeRange(id) {
      await link.run(remove, { id })
    },
  })
}

const prepareOutboxStatements = (dialect: Dialect) => ({
  enqueue: prepareInsert(
    dialect,
    'index_outbox',
    outboxColumns,
    sql`on conflict (resource_uri, message_id) do update
      set revision = excluded.revision, hashes = excluded.hashes
      where index_outbox.revision < excluded.revision`,
  ),
  outgoing: prepare(dialect, 'index.outgoing', { limit: 'integer' }, (db, p) =>
    db.selectFrom('index_outbox').selectAll().orderBy('id').limit(p.limit),
  ),
  delivered: prepare(
    dialect,
    'index.delivered',
    { done: { id: 'integer', revision: 'integer' } },
    (db, p) =>
      // By id, and not one look through what is done for each list that waits: there may be very many of both.
      db
        .deleteFrom('index_outbox')
        .where('id', 'in', ({ selectFrom }) =>
          selectFrom(p.done.as('given'))
            .crossJoin('index_outbox as waiting')
            .select('waiting.id')
            .whereRef('waiting.id', '=', 'given.id')
            .whereRef('waiting.revision', '=', 'given.revision'),
        ),
  ),
  count: prepare(dialect, 'index.count-outgoing', {}, (db) =>
    db.selectFrom('index_outbox').select((eb) => eb.fn.countAll<number>().as('count')),
  ),
  waits: prepare(dialect, 'index.waits-in', { resourceUri: 'text' }, (db, p) =>
    db.selectFrom('index_outbox').select('id').where('resource_uri', '=', p.resourceUri).limit(1),
  ),
  drop: prepareInsert(
    dialect,
    'index_drops',
    indexDropColumns,
    sql`on conflict (resource_uri) do nothing`,
  ),
  drops: prepare(dialect, 'index.drops', {}, (db) =>
    db.selectFrom('index_drops').select('resource_uri').orderBy('since').orderBy('resource_uri'),
  ),
  dropped: prepare(dialect, 'index.dropped', { resourceUri: 'text' }, (db, p) =>
    db.deleteFrom('index_drops').where('resource_uri', '=', p.resourceUri),
  ),
})

type Outbox = Pick<
  IndexStore,
  'enqueue' | 'outgoing' | 'delivered' | 'countOutgoing' | 'waitsIn' | 'drop' | 'drops' | 'dropped'
>

const prepareOutbox = (dialect: Dialect) => {
  const statements = prepareOutboxStatements(dialect)
  return (link: Link): Outbox => ({
    async enqueue(postings) {
      const rows = postings.map(({ resourceUri, messageId, revision, hashes }) => ({
        ...{ resource_uri: resourceUri, message_id: messageId, revision, hashes },
      }))
      await link.insertAll(statements.enqueue, rows)
    },
    outgoing: async (limit) =>
      (await link.all(statements.outgoing, { limit })).map(
        (row): QueuedPosting => ({
          id: row.id,
          resourceUri: branded<ResourceUri>(row.resource_uri),
          messageId: row.message_id,
          revision: row.revision,
          hashes: bytes(row.hashes),
        }),
      ),
    async delivered(done) {
      if (done.length === 0) return
      await link.run(statements.delivered, {
        done: done.map(({ id, revision }) => ({ id, revision })),
      })
    },
    countOutgoing: async () => (await link.all(statements.count, {}))[0]?.count ?? 0,
    waitsIn: async (resourceUri) => (await link.all(statements.waits, { resourceUri })).length > 0,
    async drop(resourceUri, now) {
      await link.insertAll(statements.drop, [{ resource_uri: resourceUri, since: now }])
    },
    drops: async () =>
      (await link.all(statements.drops, {})).map((row) => branded<ResourceUri>(row.resource_uri)),
    async dropped(resourceUri) {
      await link.run(statements.dropped, { resourceUri })
    },
  })
}

export const prepareIndex = (dialect: Dialect) => {
  const parts = [
    prepareProgress(dialect),
    prepareRooms(dialect),
    prepareGrants(dialect),
    prepareRanges(dialect),
    prepareOutbox(dialect),
    prepareCounters(dialect),
  ] as const
  const [progress, rooms, grants, ranges, outbox, counters] = parts
  return (link: Link): IndexStore => ({
    ...progress(link),
    ...rooms(link),
    ...grants(link),
    ...ranges(link),
    ...outbox(link),
    ...counters(link),
  })
}
