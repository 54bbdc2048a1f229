// What is owed to peers until they have answered: withdrawals of what they hold, and keys of ours that they were asked to
// take into a resource.

import { sql } from 'kysely'
import type { KeyUri, ResourceUri, UserId } from '../id.ts'
import type { DebtStore, OwedWithdrawal, PendingBind } from '../kms/index.ts'
import { instant } from '../time.ts'
import { fromHolder } from './copies.ts'
import { branded, optional } from './mapping.ts'
import { owedWithdrawalColumns, pendingBindColumns } from './peer-tables.ts'
import type { RowOf } from './schema.ts'
import { type Dialect, type Link, prepare, prepareInsert } from './statement.ts'

const toOwed = (row: RowOf<typeof owedWithdrawalColumns>): OwedWithdrawal => ({
  resourceUri: branded<ResourceUri>(row.resource_uri),
  userId: branded<UserId>(row.user_id),
  domain: row.domain,
  since: instant(row.since),
  dueAt: instant(row.due_at),
  attempts: row.attempts,
})

const fromOwed = (owed: OwedWithdrawal): RowOf<typeof owedWithdrawalColumns> => ({
  ...fromHolder(owed),
  due_at: owed.dueAt,
  attempts: owed.attempts,
})

const toBind = (row: RowOf<typeof pendingBindColumns>): PendingBind => ({
  keyUri: branded<KeyUri>(row.key_uri),
  resourceUri: branded<ResourceUri>(row.resource_uri),
  userId: branded<UserId>(row.user_id),
  since: instant(row.since),
  dueAt: instant(row.due_at),
  attempts: row.attempts,
  ...optional('operationId', row.operation_id),
})

const fromBind = (bind: PendingBind): RowOf<typeof pendingBindColumns> => ({
  key_uri: bind.keyUri,
  resource_uri: bind.resourceUri,
  user_id: bind.userId,
  since: bind.since,
  due_at: bind.dueAt,
  attempts: bind.attempts,
  operation_id: bind.operationId ?? null,
})

const EVER = instant(Number.MAX_SAFE_INTEGER)
const due = { now: 'integer', limit: 'integer' } as const

const prepareWithdrawals = (dialect: Dialect) => ({
  owe: prepareInsert(
    dialect,
    'owed_withdrawals',
    owedWithdrawalColumns,
    sql`on conflict (resource_uri, user_id, domain) do update set since = excluded.since,
      due_at = excluded.due_at, attempts = excluded.attempts`,
  ),
  due: prepare(
    dialect,
    'debts.due-withdrawals',
    due,
    (_, p) => sql<RowOf<typeof owedWithdrawalColumns>>`
      select resource_uri, user_id, domain, since, due_at, attempts from (
        select owed.*, row_number() over (
          partition by domain order by due_at, resource_uri, user_id) as place
        from owed_withdrawals as owed where due_at <= ${p.now}
      ) as ranked
      where place <= ${p.limit} order by due_at`,
  ),
  owedTo: prepare(dialect, 'debts.owed-to', { domain: 'text', limit: 'integer' }, (db, p) =>
    db
      .selectFrom('owed_withdrawals')
      .selectAll()
      .where('domain', '=', p.domain)
      .orderBy('since')
      .limit(p.limit),
  ),
  count: prepare(dialect, 'debts.count-owed', {}, (db) =>
    db.selectFrom('owed_withdrawals').select((eb) => eb.fn.countAll<number>().as('count')),
  ),
  tally: prepare(dialect, 'debts.tally', { domain: 'text', until: 'integer' }, (db, p) =>
    db
      .selectFrom('owed_withdrawals')
      .select((eb) => [
        eb.fn.countAll<number>().as('count'),
        eb.fn.min<number | null>('since').as('oldest'),
      ])
      .where('domain', '=', p.domain)
      .where('since', '<=', p.until),
  ),
  writeOff: prepare(dialect, 'debts.write-off', { domain: 'text', until: 'integer' }, (db, p) =>
    db.deleteFrom('owed_withdrawals').where('domain', '=', p.domain).where('since', '<=', p.until),
  ),
  putOff: prepare(
    dialect,
    'debts.put-off',
    { resourceUri: 'text', userId: 'text', domain: 'text', since: 'integer', dueAt: 'integer' },
    (db, p) =>
      db
        .updateTable('owed_withdrawals')
        .set((eb) => ({ due_at: p.dueAt, attempts: eb('attempts', '+', 1) }))
        .where('resource_uri', '=', p.resourceUri)
        .where('user_id', '=', p.userId)
        .where('domain', '=', p.domain)
        .where('since', '=', p.since),
  ),
  settle: prepare(
    dialect,
    'debts.settle',
    { resourceUri: 'text', userId: 'text', domain: 'text', since: 'integer' },
    (db, p) =>
      db
        .deleteFrom('owed_withdrawals')
        .where('resource_uri', '=', p.resourceUri)
        .where('user_id', '=', p.userId)
        .where('domain', '=', p.domain)
        .where('since', '=', p.since),
  ),
})

const prepareBinds = (dialect: Dialect) => ({
  add: prepareInsert(
    dialect,
    'pending_binds',
    pendingBindColumns,
    sql`on conflict (key_uri) do update set operation_id = excluded.operation_id`,
  ),
  find: prepare(dialect, 'debts.find-bind', { keyUri: 'text' }, (db, p) =>
    db.selectFrom('pending_binds').selectAll().where('key_uri', '=', p.keyUri),
  ),
  due: prepare(dialect, 'debts.due-binds', due, (db, p) =>
    db
      .selectFrom('pending_binds')
      .selectAll()
      .where('due_at', '<=', p.now)
      .orderBy('due_at')
      .limit(p.limit),
  ),
  putOff: prepare(dialect, 'debts.put-off-bind', { keyUri: 'text', dueAt: 'integer' }, (db, p) =>
    db
      .updateTable('pending_binds')
      .set((eb) => ({ due_at: p.dueAt, attempts: eb('attempts', '+', 1) }))
      .where('key_uri', '=', p.keyUri),
  ),
  settle: prepare(dialect, 'debts.settle-bind', { keyUri: 'text' }, (db, p) =>
    db.deleteFrom('pending_binds').where('key_uri', '=', p.keyUri),
  ),
})

export const prepareDebts = (dialect: Dialect) => {
  const withdrawals = prepareWithdrawals(dialect)
  const binds = prepareBinds(dialect)
  return (link: Link): DebtStore => ({
    async owe(all) {
      await link.insertAll(withdrawals.owe, all.map(fromOwed))
    },
    dueWithdrawals: async (now, limit) =>
      (await link.all(withdrawals.due, { now, limit })).map(toOwed),
    owedTo: async (domain, limit) =>
      (await link.all(withdrawals.owedTo, { domain, limit })).map(toOwed),
    async countOwed() {
      const [row] = await link.all(withdrawals.count, {})
      return row?.count ?? 0
    },
    async tallyOwed(domain, until = EVER) {
      const [row] = await link.all(withdrawals.tally, { domain, until })
      const { count = 0, oldest = null } = row ?? {}
      return { count, ...(oldest === null ? {} : { oldest: instant(oldest) }) }
    },
    async writeOffOwed(domain, until) {
      await link.run(withdrawals.writeOff, { domain, until })
    },
    async settleWithdrawals(all) {
      for (const { resourceUri, userId, domain, since } of all) {
        await link.run(withdrawals.settle, { resourceUri, userId, domain, since })
      }
    },
    async putOffWithdrawals(all, dueAt) {
      for (const { resourceUri, userId, domain, since } of all) {
        await link.run(withdrawals.putOff, { resourceUri, userId, domain, since, dueAt })
      }
    },
    async addBind(bind) {
      await link.insertAll(binds.add, [fromBind(bind)])
    },
    async findBind(keyUri) {
      const [row] = await link.all(binds.find, { keyUri })
      return row === undefined ? undefined : toBind(row)
    },
    dueBinds: async (now, limit) => (await link.all(binds.due, { now, limit })).map(toBind),
    async putOffBind(keyUri, dueAt) {
      await link.run(binds.putOff, { keyUri, dueAt })
    },
    async settleBind(keyUri) {
      await link.run(binds.settle, { keyUri })
    },
  })
}
