// The keys that sign checkpoints, the log's own and others': public parts in clear, private parts wrapped.

import type { LogKey, LogKeyStore } from '../kms/index.ts'
import { instant } from '../time.ts'
import { bytes, fromWrapped, oneOf, toWrapped } from './mapping.ts'
import { logKeyColumns, type RowOf } from './schema.ts'
import { type Dialect, type Link, prepare, prepareInsert } from './statement.ts'

const ALGORITHMS = { ed25519: 'ed25519', 'ml-dsa-44': 'ml-dsa-44' } as const

const toLogKey = (row: RowOf<typeof logKeyColumns>): LogKey => ({
  name: row.name,
  purpose: row.purpose,
  algorithm: oneOf(ALGORITHMS, row.algorithm),
  publicKey: bytes(row.public_key),
  wrapped: toWrapped(row),
  createdAt: instant(row.created_at),
})

export const prepareLogKeys = (dialect: Dialect) => {
  const all = prepare(dialect, 'log-keys.all', { purpose: 'text' }, (db, p) =>
    db
      .selectFrom('log_keys')
      .selectAll()
      .where('purpose', '=', p.purpose)
      .orderBy('created_at')
      .orderBy('name'),
  )
  const insert = prepareInsert(dialect, 'log_keys', logKeyColumns)
  const remove = prepare(dialect, 'log-keys.remove', { names: 'texts' }, (db, p) =>
    db.deleteFrom('log_keys').where(p.names.has('name')),
  )
  return (link: Link): LogKeyStore => ({
    all: async (purpose) => (await link.all(all, { purpose })).map(toLogKey),
    async insert({ name, purpose, algorithm, publicKey, wrapped, createdAt }) {
      const stored = { name, purpose, algorithm, public_key: publicKey, created_at: createdAt }
      await link.insertAll(insert, [{ ...stored, ...fromWrapped(wrapped) }])
    },
    async remove(names) {
      await link.run(remove, { names })
    },
  })
}
