// What witnesses said of our log, and what we, as a witness, have seen of others'. A log that was seen moves on
// only from the size it was judged against.

import { sql } from 'kysely'
import type { SeenLog, WitnessedNote, WitnessState, WitnessStore } from '../audit/index.ts'
import { instant } from '../time.ts'
import { bytes } from './mapping.ts'
import { logWitnessColumns, logWitnessedColumns, type RowOf, seenLogColumns } from './schema.ts'
import { type Dialect, type Link, prepare, prepareInsert } from './statement.ts'

const toState = (row: RowOf<typeof logWitnessColumns>): WitnessState => ({
  witness: row.witness,
  generation: row.generation,
  size: row.size,
  line: row.line,
  cosignedAt: instant(row.cosigned_at),
  failures: row.failures,
  code: row.code,
  claimedSize: row.claimed_size,
  triedAt: instant(row.tried_at),
})

const toWitnessed = (row: RowOf<typeof logWitnessedColumns>): WitnessedNote => ({
  generation: row.generation,
  size: row.size,
  note: row.note,
  witnessedAt: instant(row.witnessed_at),
})

const toSeen = (row: RowOf<typeof seenLogColumns>): SeenLog => ({
  origin: row.origin,
  size: row.size,
  root: bytes(row.root),
  note: row.note,
  seenAt: instant(row.seen_at),
})

const prepareStatements = (dialect: Dialect) => ({
  states: prepare(dialect, 'witnesses.states', {}, (db) =>
    db.selectFrom('log_witnesses').selectAll().orderBy('witness'),
  ),
  put: prepareInsert(
    dialect,
    'log_witnesses',
    logWitnessColumns,
    sql`on conflict (witness) do update set
      generation = excluded.generation, size = excluded.size, line = excluded.line,
      cosigned_at = excluded.cosigned_at, failures = excluded.failures, code = excluded.code,
      claimed_size = excluded.claimed_size, tried_at = excluded.tried_at`,
  ),
  witnessed: prepare(dialect, 'witnesses.witnessed', {}, (db) =>
    db.selectFrom('log_witnessed').selectAll(),
  ),
  putWitnessed: prepareInsert(
    dialect,
    'log_witnessed',
    logWitnessedColumns,
    sql`on conflict (id) do update set
      generation = excluded.generation, size = excluded.size, note = excluded.note,
      witnessed_at = excluded.witnessed_at`,
  ),
  allSeen: prepare(dialect, 'witnesses.all-seen', {}, (db) =>
    db.selectFrom('seen_logs').selectAll().orderBy('origin'),
  ),
  seen: prepare(dialect, 'witnesses.seen', { origin: 'text' }, (db, p) =>
    db.selectFrom('seen_logs').selectAll().where('origin', '=', p.origin),
  ),
  move: prepare(dialect, 'witnesses.move', { ...seenLogColumns, before: 'integer' }, (db, p) =>
    db
      .updateTable('seen_logs')
      .set({ size: p.size, root: p.root, note: p.note, seen_at: p.seen_at })
      .where('origin', '=', p.origin)
      .where('size', '=', p.before),
  ),
  insertSeen: prepareInsert(dialect, 'seen_logs', seenLogColumns),
})

export const prepareWitnesses = (dialect: Dialect) => {
  const statements = prepareStatements(dialect)
  return (link: Link): WitnessStore => ({
    states: async () => (await link.all(statements.states, {})).map(toState),
    async put({ cosignedAt, claimedSize, triedAt, ...state }) {
      const times = { cosigned_at: cosignedAt, tried_at: triedAt }
      await link.insertAll(statements.put, [{ ...state, ...times, claimed_size: claimedSize }])
    },
    witnessed: async () => (await link.all(statements.witnessed, {})).map(toWitnessed)[0],
    async putWitnessed({ witnessedAt, ...note }) {
      await link.insertAll(statements.putWitnessed, [{ id: 1, ...note, witnessed_at: witnessedAt }])
    },
    allSeen: async () => (await link.all(statements.allSeen, {})).map(toSeen),
    seen: async (origin) => (await link.all(statements.seen, { origin })).map(toSeen)[0],
    async see({ seenAt, ...log }, before) {
      const row = { ...log, seen_at: seenAt }
      if (before !== undefined) return (await link.run(statements.move, { ...row, before })) === 1
      await link.insertAll(statements.insertSeen, [row])
      return true
    },
  })
}
