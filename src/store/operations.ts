// How the operations ended that the core runs together with the realm. An id has one end: a second one
// is a Fault, not an update.

import type { ResourceUri, SessionUri } from '../id.ts'
import type { CoreOperation, Forwarded, OperationStore } from '../kms/index.ts'
import { instant } from '../time.ts'
import { branded, optional } from './mapping.ts'
import { coreOperationColumns, type RowOf } from './schema.ts'
import { type Dialect, type Link, prepare, prepareInsert } from './statement.ts'

type OperationRow = RowOf<typeof coreOperationColumns>

const toOperation = (row: OperationRow): CoreOperation => {
  const { id, status } = row
  const answeredAt = instant(row.answered_at)
  if (status === null) return { state: 'withdrawn', id, answeredAt }
  return {
    state: 'settled',
    id,
    status,
    ...optional('resourceUri', brandedUnlessNull<ResourceUri>(row.resource_uri)),
    ...optional('sessionUri', brandedUnlessNull<SessionUri>(row.session_uri)),
    ...optional('requestId', row.request_id),
    ...optional('forwarded', toForwarded(row)),
    answeredAt,
  }
}

const toForwarded = ({ peer, meant, answer }: OperationRow): Forwarded | null =>
  peer === null || meant === null || answer === null ? null : { peer, meant, answer }

const brandedUnlessNull = <Id extends string>(text: string | null): Id | null =>
  text === null ? null : branded<Id>(text)

const fromOperation = (operation: CoreOperation): OperationRow => {
  const settled = operation.state === 'settled' ? operation : undefined
  return {
    id: operation.id,
    status: settled?.status ?? null,
    resource_uri: settled?.resourceUri ?? null,
    session_uri: settled?.sessionUri ?? null,
    request_id: settled?.requestId ?? null,
    answered_at: operation.answeredAt,
    peer: settled?.forwarded?.peer ?? null,
    meant: settled?.forwarded?.meant ?? null,
    answer: settled?.forwarded?.answer ?? null,
  }
}

const prepareStatements = (dialect: Dialect) => ({
  find: prepare(dialect, 'core-operations.find', { ids: 'texts' }, (db, p) =>
    db.selectFrom('core_operations').selectAll().where(p.ids.has('id')),
  ),
  insert: prepareInsert(dialect, 'core_operations', coreOperationColumns),
  sweep: prepare(
    dialect,
    'core-operations.sweep',
    { before: 'integer', limit: 'integer' },
    (db, p) =>
      db
        .deleteFrom('core_operations')
        .where('id', 'in', (eb) =>
          eb
            .selectFrom('core_operations')
            .select('id')
            .where('answered_at', '<', p.before)
            .orderBy('answered_at')
            .limit(p.limit),
        ),
  ),
})

export const prepareOperations = (dialect: Dialect) => {
  const statements = prepareStatements(dialect)
  return (link: Link): OperationStore => ({
    async find(ids) {
      if (ids.length === 0) return new Map()
      const found = (await link.all(statements.find, { ids })).map(toOperation)
      return new Map(found.map((operation) => [operation.id, operation]))
    },
    async insert(operations) {
      await link.insertAll(statements.insert, operations.map(fromOperation))
    },
    sweepBefore: (before, limit) => link.run(statements.sweep, { before, limit }),
  })
}
