// Counters under search keys, in wrapped pieces: a piece a batch of messages, put together again from time to time by
// whoever can open them.

import { sql } from 'kysely'
import type { CounterPart, IndexStore } from '../indexer/index.ts'
import { fromWrapped, toWrapped } from './mapping.ts'
import { type RowOf, searchCounterColumns } from './schema.ts'
import { type Dialect, type Link, prepare, prepareInsert } from './statement.ts'

const wantedKeys = { wanted: { id: 'integer' } } as const

const asRows = (ids: readonly number[]) => ids.map((id) => ({ id }))

const toPart = (row: RowOf<typeof searchCounterColumns>): CounterPart => ({
  searchKeyId: row.search_key_id,
  uri: row.uri,
  wrapped: toWrapped(row),
})

export const prepareCounters = (dialect: Dialect) => {
  const find = prepare(
    dialect,
    'search-counters.find',
    wantedKeys,
    (_, p) => sql<RowOf<typeof searchCounterColumns>>`
      select part.search_key_id, part.uri, part.key_encryption_key_id, part.wrapped,
        part.wrap_version
      from ${p.wanted} as wanted
      cross join search_counters as part
      where part.search_key_id = wanted.id
      order by part.id`,
  )
  const insert = prepareInsert(dialect, 'search_counters', searchCounterColumns)
  const remove = prepare(dialect, 'search-counters.remove', wantedKeys, (db, p) =>
    db
      .deleteFrom('search_counters')
      .where('search_key_id', 'in', ({ selectFrom }) =>
        selectFrom(p.wanted.as('given')).select('given.id'),
      ),
  )
  return (link: Link): Pick<IndexStore, 'counters' | 'addCounters' | 'removeCounters'> => ({
    counters: async (ids) => (await link.all(find, { wanted: asRows(ids) })).map(toPart),
    async addCounters(parts) {
      const rows = parts.map(({ searchKeyId, uri, wrapped }) => ({
        ...{ search_key_id: searchKeyId, uri },
        ...fromWrapped(wrapped),
      }))
      await link.insertAll(insert, rows)
    },
    async removeCounters(ids) {
      if (ids.length > 0) await link.run(remove, { wanted: asRows(ids) })
    },
  })
}
