// A database read out as rows and filled again, for backups: rows instead of files, so that nothing deleted comes
// along, no copy lies about in the clear, and either database can take in what the other gave.

import type { Table } from '../backup/index.ts'
import { Fault } from '../fault.ts'
import { openPostgresRefill, openPostgresSnapshot } from './dialect/postgres-copy.ts'
import { whileMigrating } from './dialect/postgres-migrating.ts'
import { finishSqliteRefill, openSqliteRefill, openSqliteSnapshot } from './dialect/sqlite-copy.ts'
import { MIGRATIONS } from './migrate.ts'
import { unmark } from './restore-mark.ts'
import type { Refill, Snapshot } from './row-copy.ts'
import type { StoreSettings } from './settings.ts'

/** What a refill must bring about. */
export interface RefillPlan {
  readonly migrations: readonly string[]
  readonly tables: readonly Table[]
  /** Names this filling, a UUID: until `concludeRefill` nobody else opens the database. */
  readonly restore: string
}

/**
 * Opens a snapshot of the database as it is; it is not migrated. Throws a Fault `store.unavailable` or
 * `store.no-realm` if there is none.
 */
export const openSnapshot = (settings: StoreSettings): Promise<Snapshot> =>
  settings.kind === 'sqlite' ? openSqliteSnapshot(settings) : openPostgresSnapshot(settings)

/**
 * Opens an empty database for filling, or one whose filling was not concluded: that is emptied. Throws a Fault
 * `store.not-empty`, `store.migration-unknown` if the rows are of a newer program, `store.tables-differ` if they are not
 * what these migrations make.
 */
export const openRefill = async (settings: StoreSettings, plan: RefillPlan): Promise<Refill> => {
  const known = MIGRATIONS.slice(0, plan.migrations.length)
  if (known.map(({ name }) => name).join() !== plan.migrations.join()) {
    throw new Fault('store.migration-unknown')
  }
  const wanted = { migrations: known, tables: plan.tables, restore: plan.restore }
  return settings.kind === 'sqlite'
    ? openSqliteRefill(settings, wanted)
    : openPostgresRefill(settings, wanted)
}

/**
 * From here on the database is one like any other; done again, it does nothing. Throws a Fault
 * `store.restore-unfinished` if another filling has begun since.
 */
export const concludeRefill = async (settings: StoreSettings, restore: string): Promise<void> => {
  if (settings.kind === 'sqlite') await finishSqliteRefill(settings, restore)
  else await whileMigrating(settings, (db) => unmark(db, restore))
}
