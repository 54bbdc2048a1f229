// The audit entries and the head of their chain, inside the caller's transaction. It hashes nothing: it
// only refuses entries that do not follow the head, so that the log has neither gap nor fork.

import type { AuditStore, ChainedEntry, ChainHead } from '../audit/index.ts'
import { Fault } from '../fault.ts'
import { bytes } from './mapping.ts'
import { auditEntryColumns, type RowOf } from './schema.ts'
import { type Dialect, type Link, prepare, prepareInsert } from './statement.ts'

const toEntry = (row: RowOf<typeof auditEntryColumns>): ChainedEntry => ({
  sequence: row.sequence,
  hash: bytes(row.hash),
  body: row.body,
})

const advance = { sequence: 'integer', hash: 'bytes', before: 'integer' } as const

const prepareStatements = (dialect: Dialect) => ({
  head: prepare(dialect, 'audit.head', {}, (db) =>
    db.selectFrom('audit_head').select(['sequence', 'hash']),
  ),
  advance: prepare(dialect, 'audit.advance', advance, (db, p) =>
    db
      .updateTable('audit_head')
      .set({ sequence: p.sequence, hash: p.hash })
      .where('sequence', '=', p.before),
  ),
  insert: prepareInsert(dialect, 'audit_entries', auditEntryColumns),
  read: prepare(dialect, 'audit.read', { after: 'integer', limit: 'integer' }, (db, p) =>
    db
      .selectFrom('audit_entries')
      .selectAll()
      .where('sequence', '>', p.after)
      .orderBy('sequence')
      .limit(p.limit),
  ),
})

export const prepareAuditLog = (dialect: Dialect) => {
  const statements = prepareStatements(dialect)
  return (link: Link): AuditStore => {
    // Where taking the writers' lock has read the head, asking again would cost a round trip.
    let known: ChainHead | undefined = link.lockedHead
    return {
      async head() {
        known ??= (await link.all(statements.head, {}))[0]
        if (known === undefined) throw new Fault('store.no-audit-head')
        return { sequence: known.sequence, hash: bytes(known.hash) }
      },
      async append(entries) {
        const [first] = entries
        const last = entries.at(-1)
        if (first === undefined || last === undefined) return
        const before = first.sequence - 1
        const inOrder = entries.every((entry, index) => entry.sequence === first.sequence + index)
        const { sequence, hash } = last
        const advanced =
          inOrder && (await link.run(statements.advance, { sequence, hash, before })) === 1
        if (!advanced) throw new Fault('store.audit-out-of-order')
        await link.insertAll(statements.insert, entries)
        known = { sequence, hash }
      },
      async read(afterSequence, limit) {
        return (await link.all(statements.read, { after: afterSequence, limit })).map(toEntry)
      },
    }
  }
}
