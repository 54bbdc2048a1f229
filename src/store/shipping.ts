// Cursors and leases of shipping. A lease is taken or renewed in one statement, a cursor moves only forward and only
// under a lease that is held: a node that lost its lease meanwhile cannot say what was delivered.

import { sql } from 'kysely'
import type { ShipCursor, ShippingStore } from '../audit/index.ts'
import { instant } from '../time.ts'
import { type RowOf, shipCursorColumns } from './schema.ts'
import { type Dialect, type Link, prepare, prepareInsert } from './statement.ts'

const toCursor = (row: RowOf<typeof shipCursorColumns>): ShipCursor => ({
  destination: row.destination,
  sequence: row.sequence,
  holder: row.holder,
  leaseUntil: instant(row.lease_until),
})

const held = { destination: 'text', holder: 'text' } as const

const prepareStatements = (dialect: Dialect) => ({
  all: prepare(dialect, 'ship-cursors.all', {}, (db) =>
    db.selectFrom('ship_cursors').selectAll().orderBy('destination'),
  ),
  find: prepare(dialect, 'ship-cursors.find', { destination: 'text' }, (db, p) =>
    db.selectFrom('ship_cursors').selectAll().where('destination', '=', p.destination),
  ),
  claim: prepareInsert(
    dialect,
    'ship_cursors',
    shipCursorColumns,
    sql`on conflict (destination) do update
      set holder = excluded.holder, claimed_at = excluded.claimed_at, lease_until = excluded.lease_until
      where ship_cursors.holder = excluded.holder or ship_cursors.lease_until <= excluded.claimed_at
        or ship_cursors.lease_until > excluded.lease_until`,
  ),
  advance: prepare(dialect, 'ship-cursors.advance', { ...held, sequence: 'integer' }, (db, p) =>
    db
      .updateTable('ship_cursors')
      .set((eb) => ({ sequence: p.sequence, lease_until: eb.ref('claimed_at') }))
      .where('destination', '=', p.destination)
      .where('holder', '=', p.holder)
      .where('sequence', '<=', p.sequence),
  ),
  release: prepare(dialect, 'ship-cursors.release', held, (db, p) =>
    db
      .updateTable('ship_cursors')
      .set((eb) => ({ lease_until: eb.ref('claimed_at') }))
      .where('destination', '=', p.destination)
      .where('holder', '=', p.holder),
  ),
})

export const prepareShipping = (dialect: Dialect) => {
  const statements = prepareStatements(dialect)
  return (link: Link): ShippingStore => ({
    cursors: async () => (await link.all(statements.all, {})).map(toCursor),
    async claim({ destination, holder, now, until }) {
      const row = { destination, sequence: 0, holder, claimed_at: now, lease_until: until }
      if ((await link.insertAll(statements.claim, [row])) === 0) return undefined
      const [found] = await link.all(statements.find, { destination })
      return found === undefined ? undefined : toCursor(found)
    },
    advance: async (destination, holder, sequence) =>
      (await link.run(statements.advance, { destination, holder, sequence })) === 1,
    async release(destination, holder) {
      await link.run(statements.release, { destination, holder })
    },
  })
}
