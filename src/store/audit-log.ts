// The audit entries and their head, inside the caller's transaction. It only refuses entries that do not
// follow the head, so that the log has neither gap nor fork.

import type { AuditStore } from '../audit/index.ts'
import { Fault } from '../fault.ts'
import { instant } from '../time.ts'
import { auditEntryColumns } from './schema.ts'
import { type Dialect, type Link, prepare, prepareInsert } from './statement.ts'

const advance = { sequence: 'integer', at: 'integer', before: 'integer' } as const

const prepareStatements = (dialect: Dialect) => ({
  head: prepare(dialect, 'audit.head', {}, (db) =>
    db.selectFrom('audit_head').select(['sequence', 'recorded_at']),
  ),
  advance: prepare(dialect, 'audit.advance', advance, (db, p) =>
    db
      .updateTable('audit_head')
      .set({ sequence: p.sequence, recorded_at: p.at })
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
    let known: Link['lockedHead'] = link.lockedHead
    return {
      async head() {
        known ??= (await link.all(statements.head, {}))[0]
        if (known === undefined) throw new Fault('store.no-audit-head')
        return { sequence: known.sequence, recordedAt: instant(known.recorded_at) }
      },
      async append(entries, recordedAt) {
        const [first] = entries
        const last = entries.at(-1)
        if (first === undefined || last === undefined) return
        const before = first.sequence - 1
        const inOrder = entries.every((entry, index) => entry.sequence === first.sequence + index)
        const { sequence } = last
        const advanced =
          inOrder &&
          (await link.run(statements.advance, { sequence, at: recordedAt, before })) === 1
        if (!advanced) throw new Fault('store.audit-out-of-order')
        await link.insertAll(statements.insert, entries)
        known = { sequence, recorded_at: recordedAt }
      },
      async read(afterSequence, limit) {
        return await link.all(statements.read, { after: afterSequence, limit })
      },
    }
  }
}
