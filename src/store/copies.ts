// What is known of resources and keys of other realms, and who holds copies of ours. Copies are rows of `keys`; what makes
// one readable is a row of `foreign_knowledge` that is young enough.

import { sql } from 'kysely'
import type { KeyUri, ResourceUri, UserId } from '../id.ts'
import type { BoundKey, CopyStore, ForeignKey, Holder, ResourceAndUser } from '../kms/index.ts'
import { instant } from '../time.ts'
import { branded, fromWrapped } from './mapping.ts'
import { copyHolderColumns, foreignKeyColumns, foreignKnowledgeColumns } from './peer-tables.ts'
import { keyColumns, type RowOf } from './schema.ts'
import { type Dialect, type Link, prepare, prepareInsert, prepareInsertion } from './statement.ts'

const pairColumns = { resource_uri: 'text', user_id: 'text' } as const
const holderKey = { ...pairColumns, domain: 'text' } as const

const toRow = ({ resourceUri, userId }: ResourceAndUser) => ({
  resource_uri: resourceUri,
  user_id: userId,
})

const toForeignKey = (row: RowOf<typeof foreignKeyColumns>): ForeignKey => ({
  uri: branded<KeyUri>(row.uri),
  resourceUri: branded<ResourceUri>(row.resource_uri),
  boundAt: instant(row.bound_at),
})

const toHolder = (row: RowOf<typeof copyHolderColumns>): Holder => ({
  resourceUri: branded<ResourceUri>(row.resource_uri),
  userId: branded<UserId>(row.user_id),
  domain: row.domain,
  since: instant(row.since),
})

export const fromHolder = (holder: Holder): RowOf<typeof copyHolderColumns> => ({
  ...toRow(holder),
  domain: holder.domain,
  since: holder.since,
})

const fromCopy = (key: BoundKey): RowOf<typeof keyColumns> => ({
  uri: key.uri,
  organization_id: key.organizationId,
  created_by: key.createdBy,
  client_id: key.clientId,
  created_at: key.createdAt,
  bind_by: null,
  bound_at: key.boundAt,
  resource_uri: key.resourceUri,
  ...fromWrapped(key.wrapped),
})

const prepareKnowledge = (dialect: Dialect) => ({
  known: prepare(
    dialect,
    'copies.known',
    { pairs: pairColumns },
    (_, p) => sql<{ readonly position: number; readonly checked_at: number }>`
      select pair.position, known.checked_at
      from ${p.pairs} as pair
      cross join foreign_knowledge as known
      where known.resource_uri = pair.resource_uri and known.user_id = pair.user_id
        and (known.withdrawn_at is null or known.withdrawn_at < known.checked_at)`,
  ),
  learn: prepareInsert(
    dialect,
    'foreign_knowledge',
    foreignKnowledgeColumns,
    // An answer is seconds old at most: what is further ahead of it was written before a clock was set back.
    sql`on conflict (resource_uri, user_id) do update set checked_at = excluded.checked_at,
      withdrawn_at = case when foreign_knowledge.withdrawn_at > excluded.checked_at + 60000
        then null else foreign_knowledge.withdrawn_at end
      where foreign_knowledge.checked_at < excluded.checked_at
        or foreign_knowledge.checked_at > excluded.checked_at + 60000`,
  ),
  withdrawUser: prepare(
    dialect,
    'copies.withdraw-user',
    { userId: 'text', now: 'integer' },
    (_, p) => sql<{ readonly resource_uri: string }>`
      update foreign_knowledge set withdrawn_at =
        case when checked_at > ${p.now} then checked_at else ${p.now} end
      where user_id = ${p.userId} returning resource_uri`,
  ),
  sweepWithdrawn: prepare(
    dialect,
    'copies.sweep-withdrawn',
    { from: 'text', before: 'text', time: 'integer' },
    (_, p) => sql`
      delete from foreign_knowledge
      where resource_uri >= ${p.from} and resource_uri < ${p.before}
        and withdrawn_at >= checked_at and withdrawn_at < ${p.time}`,
  ),
  countWithdrawn: prepare(
    dialect,
    'copies.count-withdrawn',
    { from: 'text', before: 'text' },
    (_, p) => sql<{ readonly count: number }>`
      select count(*) as count from foreign_knowledge
      where resource_uri >= ${p.from} and resource_uri < ${p.before}
        and withdrawn_at >= checked_at`,
  ),
  withdraw: prepareInsertion(
    dialect,
    'copies.withdraw',
    foreignKnowledgeColumns,
    sql`insert into foreign_knowledge (resource_uri, user_id, checked_at, withdrawn_at)
      ${dialect.values(foreignKnowledgeColumns)}
      on conflict (resource_uri, user_id) do update set withdrawn_at =
        case when foreign_knowledge.checked_at > excluded.withdrawn_at
          then foreign_knowledge.checked_at else excluded.withdrawn_at end`,
  ),
})

const prepareCopies = (dialect: Dialect) => ({
  keep: prepareInsertion(
    dialect,
    'copies.keep',
    keyColumns,
    sql`insert into keys (${sql.join(Object.keys(keyColumns).map((column) => sql.ref(column)))})
      ${dialect.values(keyColumns)} on conflict (uri) do nothing`,
  ),
  dropUnread: prepare(
    dialect,
    'copies.drop-unread',
    { from: 'text', before: 'text', uris: 'texts' },
    (_, p) => sql<{ readonly uri: string }>`
      delete from keys
      where ${p.uris.has('resource_uri')} and (uri < ${p.from} or uri >= ${p.before})
        and not exists (
          select 1 from foreign_knowledge as known
          where known.resource_uri = keys.resource_uri
            and (known.withdrawn_at is null or known.withdrawn_at < known.checked_at)
        )
      returning uri`,
  ),
  foreignKeys: prepare(dialect, 'copies.foreign-keys', { uris: 'texts' }, (db, p) =>
    db.selectFrom('foreign_keys').selectAll().where(p.uris.has('uri')),
  ),
  foreignKeysOf: prepare(dialect, 'copies.foreign-keys-of', { resourceUri: 'text' }, (db, p) =>
    db
      .selectFrom('foreign_keys')
      .selectAll()
      .where('resource_uri', '=', p.resourceUri)
      .orderBy('bound_at')
      .orderBy('uri'),
  ),
  addForeignKey: prepareInsert(
    dialect,
    'foreign_keys',
    foreignKeyColumns,
    sql`on conflict (uri) do nothing`,
  ),
})

const prepareHolders = (dialect: Dialect) => ({
  add: prepareInsert(
    dialect,
    'copy_holders',
    copyHolderColumns,
    sql`on conflict (resource_uri, user_id, domain) do nothing`,
  ),
  of: prepare(dialect, 'copies.holders-of', { uris: 'texts' }, (db, p) =>
    db.selectFrom('copy_holders').selectAll().where(p.uris.has('resource_uri')),
  ),
  for: prepare(dialect, 'copies.holders-for', { userId: 'text', domain: 'text' }, (db, p) =>
    db
      .selectFrom('copy_holders')
      .selectAll()
      .where('user_id', '=', p.userId)
      .where('domain', '=', p.domain),
  ),
  count: prepare(dialect, 'copies.count-holders', { domain: 'text' }, (db, p) =>
    db
      .selectFrom('copy_holders')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('domain', '=', p.domain),
  ),
  remove: prepare(dialect, 'copies.remove-holders', { holders: holderKey }, (db, p) =>
    db
      .deleteFrom('copy_holders')
      .where((eb) =>
        eb(
          eb.refTuple('resource_uri', 'user_id', 'domain'),
          'in',
          eb
            .selectFrom(p.holders.as('given'))
            .select(['given.resource_uri', 'given.user_id', 'given.domain'])
            .$asTuple('resource_uri', 'user_id', 'domain'),
        ),
      ),
  ),
})

/** Each pair once: PostgreSQL refuses to meet the same row twice in one statement. */
const eachOnce = (pairs: readonly ResourceAndUser[]): readonly ResourceAndUser[] => [
  ...new Map(pairs.map((pair) => [`${pair.resourceUri} ${pair.userId}`, pair])).values(),
]

type Knowing = Pick<CopyStore, 'known' | 'learn' | 'withdraw' | 'withdrawUser' | 'sweepWithdrawn'>

/** `0` follows `/`: between the two is everything that begins with that home. */
const within = (home: string) => ({ from: `${home}/`, before: `${home}0` })

const knowing = (statements: ReturnType<typeof prepareKnowledge>, link: Link): Knowing => ({
  async known(pairs) {
    if (pairs.length === 0) return []
    const rows = await link.all(statements.known, { pairs: pairs.map(toRow) })
    const found = new Map(rows.map((row) => [row.position, instant(row.checked_at)]))
    return pairs.map((_, index) => found.get(index))
  },
  async learn(pairs, asOf) {
    const rows = eachOnce(pairs).map((pair) => ({
      ...toRow(pair),
      checked_at: asOf,
      withdrawn_at: null,
    }))
    await link.insertAll(statements.learn, rows)
  },
  async withdraw(pairs, now) {
    const rows = eachOnce(pairs).map((pair) => ({
      ...toRow(pair),
      checked_at: 0,
      withdrawn_at: now,
    }))
    await link.insertAll(statements.withdraw, rows)
  },
  async withdrawUser(userId, now) {
    const rows = await link.all(statements.withdrawUser, { userId, now })
    return rows.map((row) => branded<ResourceUri>(row.resource_uri))
  },
  async sweepWithdrawn(home, time) {
    await link.run(statements.sweepWithdrawn, { ...within(home), time })
    const [left] = await link.all(statements.countWithdrawn, within(home))
    return left?.count ?? 0
  },
})

export const prepareCopyStore = (dialect: Dialect) => {
  const knowledge = prepareKnowledge(dialect)
  const copies = prepareCopies(dialect)
  const holders = prepareHolders(dialect)
  return (link: Link): CopyStore => ({
    ...knowing(knowledge, link),
    async keep(keys) {
      const each = new Map(keys.map((key) => [key.uri, key]))
      await link.insertAll(copies.keep, [...each.values()].map(fromCopy))
    },
    async dropUnread(home, uris) {
      const rows = await link.all(copies.dropUnread, { ...within(home), uris })
      return rows.map((row) => branded<KeyUri>(row.uri))
    },
    async foreignKeys(uris) {
      const keys = (await link.all(copies.foreignKeys, { uris })).map(toForeignKey)
      return new Map(keys.map((key) => [key.uri, key]))
    },
    foreignKeysOf: async (resourceUri) =>
      (await link.all(copies.foreignKeysOf, { resourceUri })).map(toForeignKey),
    async addForeignKey({ uri, resourceUri, boundAt }) {
      const row = { uri, resource_uri: resourceUri, bound_at: boundAt }
      await link.insertAll(copies.addForeignKey, [row])
    },
    async addHolders(all) {
      await link.insertAll(holders.add, all.map(fromHolder))
    },
    holdersOf: async (uris) => (await link.all(holders.of, { uris })).map(toHolder),
    holdersFor: async (userId, domain) =>
      (await link.all(holders.for, { userId, domain })).map(toHolder),
    async countHolders(domain) {
      const [row] = await link.all(holders.count, { domain })
      return row?.count ?? 0
    },
    async removeHolders(all) {
      if (all.length === 0) return
      const keys = all.map((one) => ({ ...toRow(one), domain: one.domain }))
      await link.run(holders.remove, { holders: keys })
    },
  })
}
