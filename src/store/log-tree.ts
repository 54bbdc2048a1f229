// The tree over the audit log: its tiles, and how far it has come. A step is taken by one node at a time,
// from exactly the size it was made for, so that the tree can neither fork nor leave out an entry.

import { sql } from 'kysely'
import type { KeyRotation, TreeHead, TreeStore } from '../audit/index.ts'
import { Fault } from '../fault.ts'
import { instant } from '../time.ts'
import { bytes } from './mapping.ts'
import { logRotationColumns, logTileColumns, logTreeColumns, type RowOf } from './schema.ts'
import { type Dialect, type Link, prepare, prepareInsert } from './statement.ts'

type TreeRow = RowOf<typeof logTreeColumns>

const toHead = (row: TreeRow): TreeHead => ({
  size: row.size,
  generation: row.generation,
  keyEpoch: row.key_epoch,
  checkpoint: row.checkpoint,
  publishedAt: instant(row.published_at),
  holder: row.holder,
  heldUntil: instant(row.held_until),
})

const { id: _one, ...stepColumns } = logTreeColumns
const advanceKinds = { ...stepColumns, before: 'integer', now: 'integer' } as const

const prepareStatements = (dialect: Dialect) => ({
  head: prepare(dialect, 'log-tree.head', {}, (db) => db.selectFrom('log_tree').selectAll()),
  tile: prepare(dialect, 'log-tree.tile', { level: 'integer', tile: 'integer' }, (db, p) =>
    db
      .selectFrom('log_tiles')
      .select('hashes')
      .where('level', '=', p.level)
      .where('tile', '=', p.tile),
  ),
  advance: prepare(dialect, 'log-tree.advance', advanceKinds, (db, p) =>
    db
      .updateTable('log_tree')
      .set({
        size: p.size,
        checkpoint: p.checkpoint,
        published_at: p.published_at,
        holder: p.holder,
        held_until: p.held_until,
      })
      .where('size', '=', p.before)
      .where('generation', '=', p.generation)
      .where('key_epoch', '=', p.key_epoch)
      .where((where) =>
        // A lease longer than this one is none: a clock was turned, or a hand was at it.
        where.or([
          where('holder', '=', p.holder),
          where('held_until', '<=', p.now),
          where('held_until', '>', p.held_until),
        ]),
      ),
  ),
  beginAgain: prepare(dialect, 'log-tree.begin-again', { generation: 'integer' }, (db, p) =>
    db.updateTable('log_tree').set({
      generation: p.generation,
      checkpoint: '',
      published_at: 0,
      holder: '',
      held_until: 0,
    }),
  ),
  changeKeys: prepare(dialect, 'log-tree.change-keys', {}, (db) =>
    db.updateTable('log_tree').set((set) => ({ key_epoch: set('key_epoch', '+', 1) })),
  ),
  rotations: prepare(dialect, 'log-tree.rotations', {}, (db) =>
    db.selectFrom('log_rotations').selectAll().orderBy('sequence'),
  ),
  putRotation: prepareInsert(
    dialect,
    'log_rotations',
    logRotationColumns,
    sql`on conflict (sequence) do update set generation = excluded.generation, note = excluded.note`,
  ),
  put: prepareInsert(
    dialect,
    'log_tiles',
    logTileColumns,
    sql`on conflict (level, tile) do update set hashes = excluded.hashes`,
  ),
})

export const prepareLogTree = (dialect: Dialect) => {
  const statements = prepareStatements(dialect)
  return (link: Link): TreeStore => {
    const head = async (): Promise<TreeHead> => {
      const [row] = await link.all(statements.head, {})
      if (row === undefined) throw new Fault('store.no-log-tree')
      return toHead(row)
    }
    return {
      head,
      async tile(level, index) {
        const [row] = await link.all(statements.tile, { level, tile: index })
        return row === undefined ? undefined : bytes(row.hashes)
      },
      async advance({ before, tiles, head: next }, now) {
        const moved = await link.run(statements.advance, {
          before,
          now,
          size: next.size,
          generation: next.generation,
          key_epoch: next.keyEpoch,
          checkpoint: next.checkpoint,
          published_at: next.publishedAt,
          holder: next.holder,
          held_until: next.heldUntil,
        })
        if (moved !== 1) return false
        const rows = tiles.map(({ level, index, hashes }) => ({ level, tile: index, hashes }))
        await link.insertAll(statements.put, rows)
        return true
      },
      async beginAgain(after = 0) {
        const { generation } = await head()
        await link.run(statements.beginAgain, { generation: Math.max(generation, after) + 1 })
        return head()
      },
      async changeKeys() {
        await link.run(statements.changeKeys, {})
      },
      rotations: (): Promise<readonly KeyRotation[]> => link.all(statements.rotations, {}),
      async putRotation({ sequence, generation, note }) {
        await link.insertAll(statements.putRotation, [{ sequence, generation, note }])
      },
    }
  }
}
