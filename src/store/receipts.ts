// Signed statements of peers and the keys that they are under; which entries of our log are still to be told to their keys' homes.

import { sql } from 'kysely'
import type { OwedReceipt, PeerReceipt, ReceiptStore } from '../kms/index.ts'
import { instant } from '../time.ts'
import { oneOf } from './mapping.ts'
import {
  owedReceiptColumns,
  peerLogKeyColumns,
  peerReceiptColumns,
  receiptProgressColumns,
} from './peer-tables.ts'
import type { RowOf } from './schema.ts'
import { type Dialect, type Link, prepare, prepareInsert } from './statement.ts'

const KINDS: Readonly<Record<PeerReceipt['kind'], PeerReceipt['kind']>> = {
  release: 'release',
  use: 'use',
  withdrawal: 'withdrawal',
}

const toReceipt = (row: RowOf<typeof peerReceiptColumns>): Omit<PeerReceipt, 'vkey'> => ({
  domain: row.domain,
  kind: oneOf(KINDS, row.kind),
  position: row.entry,
  note: row.note,
  receivedAt: instant(row.received_at),
})

const fromReceipt = (one: PeerReceipt): RowOf<typeof peerReceiptColumns> => ({
  domain: one.domain,
  kind: one.kind,
  entry: one.position,
  note: one.note,
  received_at: one.receivedAt,
})

/** Where our own log is read from for them; there is one reader. */
const READER = 'uses'

const prepareKept = (dialect: Dialect) => ({
  keep: prepareInsert(
    dialect,
    'peer_receipts',
    peerReceiptColumns,
    sql`on conflict (domain, kind, entry) do nothing`,
  ),
  of: prepare(
    dialect,
    'receipts.of',
    { domain: 'text', kind: 'text', position: 'integer', limit: 'integer' },
    (db, p) =>
      db
        .selectFrom('peer_receipts')
        .selectAll()
        .where('domain', '=', p.domain)
        .where(sql<boolean>`(kind > ${p.kind} or (kind = ${p.kind} and entry > ${p.position}))`)
        .orderBy('kind')
        .orderBy('entry')
        .limit(p.limit),
  ),
  keys: prepare(dialect, 'receipts.keys', { domain: 'text' }, (db, p) =>
    db
      .selectFrom('peer_log_keys')
      .select('vkey')
      .where('domain', '=', p.domain)
      .orderBy('first_at')
      .orderBy('vkey'),
  ),
  learn: prepareInsert(
    dialect,
    'peer_log_keys',
    peerLogKeyColumns,
    sql`on conflict (domain, vkey) do nothing`,
  ),
})

const prepareOwed = (dialect: Dialect) => ({
  progress: prepare(dialect, 'receipts.progress', { name: 'text' }, (db, p) =>
    db.selectFrom('receipt_progress').select('sequence').where('name', '=', p.name),
  ),
  setProgress: prepareInsert(
    dialect,
    'receipt_progress',
    receiptProgressColumns,
    sql`on conflict (name) do update set sequence = excluded.sequence`,
  ),
  owe: prepareInsert(
    dialect,
    'owed_receipts',
    owedReceiptColumns,
    sql`on conflict (domain, sequence) do update set due_at = excluded.due_at,
      attempts = owed_receipts.attempts + 1`,
  ),
  domains: prepare(dialect, 'receipts.due-domains', { now: 'integer' }, (db, p) =>
    db.selectFrom('owed_receipts').select('domain').distinct().where('due_at', '<=', p.now),
  ),
  due: prepare(
    dialect,
    'receipts.due',
    { domain: 'text', now: 'integer', limit: 'integer' },
    (db, p) =>
      db
        .selectFrom('owed_receipts')
        .selectAll()
        .where('domain', '=', p.domain)
        .where('due_at', '<=', p.now)
        .orderBy('sequence')
        .limit(p.limit),
  ),
  settle: prepare(dialect, 'receipts.settle', { domain: 'text', sequence: 'integer' }, (db, p) =>
    db
      .deleteFrom('owed_receipts')
      .where('domain', '=', p.domain)
      .where('sequence', '=', p.sequence),
  ),
  count: prepare(dialect, 'receipts.count-owed', {}, (db) =>
    db.selectFrom('owed_receipts').select((eb) => eb.fn.countAll<number>().as('count')),
  ),
})

type Kept = Pick<ReceiptStore, 'keep' | 'of' | 'keysOf'>

const keeping = (statements: ReturnType<typeof prepareKept>, link: Link): Kept => {
  const keysOf = async (domain: string) =>
    (await link.all(statements.keys, { domain })).map(({ vkey }) => vkey)
  return {
    keysOf,
    async keep(receipts) {
      await link.insertAll(statements.keep, receipts.map(fromReceipt))
      const signers = new Map(receipts.map((one) => [`${one.domain} ${one.vkey}`, one]))
      const fresh: PeerReceipt[] = []
      for (const one of signers.values()) {
        if (!(await keysOf(one.domain)).includes(one.vkey)) fresh.push(one)
      }
      const rows = fresh.map(({ domain, vkey, receivedAt }) => ({
        ...{ domain, vkey, first_at: receivedAt },
      }))
      await link.insertAll(statements.learn, rows)
      return fresh.map(({ domain, vkey }) => ({ domain, vkey }))
    },
    of: async (domain, { after, limit }) => {
      const from = { kind: after?.kind ?? '', position: after?.position ?? 0 }
      return (await link.all(statements.of, { domain, ...from, limit })).map(toReceipt)
    },
  }
}

export const prepareReceipts = (dialect: Dialect) => {
  const kept = prepareKept(dialect)
  const owed = prepareOwed(dialect)
  const rowsOf = (receipts: readonly OwedReceipt[], dueAt: number) =>
    receipts.map(({ domain, sequence }) => ({ domain, sequence, due_at: dueAt, attempts: 0 }))
  return (link: Link): ReceiptStore => ({
    ...keeping(kept, link),
    async progress() {
      const [row] = await link.all(owed.progress, { name: READER })
      return row?.sequence ?? 0
    },
    async setProgress(sequence) {
      await link.insertAll(owed.setProgress, [{ name: READER, sequence }])
    },
    async owe(receipts, dueAt) {
      await link.insertAll(owed.owe, rowsOf(receipts, dueAt))
    },
    dueDomains: async (now) => (await link.all(owed.domains, { now })).map(({ domain }) => domain),
    due: async (domain, now, limit) =>
      (await link.all(owed.due, { domain, now, limit })).map(({ sequence, attempts }) => ({
        ...{ domain, sequence, attempts },
      })),
    async settle(receipts) {
      for (const { domain, sequence } of receipts) {
        await link.run(owed.settle, { domain, sequence })
      }
    },
    async putOff(receipts, dueAt) {
      await link.insertAll(owed.owe, rowsOf(receipts, dueAt))
    },
    async countOwed() {
      const [row] = await link.all(owed.count, {})
      return row?.count ?? 0
    },
  })
}
