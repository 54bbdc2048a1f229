// A database read out as rows and filled again, for backups: rows instead of files, so that nothing deleted comes
// along, no copy lies about in the clear, and either database can take in what the other gave.

import type { Table } from '../backup/index.ts'
import { Fault } from '../fault.ts'
import { openPostgresRefill, openPostgresSnapshot } from './dialect/postgres-copy.ts'
import { openSqliteRefill, openSqliteSnapshot } from './dialect/sqlite-copy.ts'
import { MIGRATIONS } from './migrate.ts'
import type { Refill, Snapshot } from './row-copy.ts'
import type { StoreSettings } from './settings.ts'

/** What a refill must bring about. */
export interface RefillPlan {
  readonly migrations: readonly string[]
  readonly tables: readonly Table[]
}

/**
 * Opens a snapshot of the database as it is; it is not migrated. Throws a Fault `store.unavailable` or
 * `store.no-realm` if there is none.
 */
export const openSnapshot = (settings: StoreSettings): Promise<Snapshot> =>
  settings.kind === 'sqlite' ? openSqliteSnapshot(settings) : openPostgresSnapshot(settings)

/**
 * Opens an empty database for filling. Throws a Fault `store.not-empty`, `store.migration-unknown` if the rows are
 * of a newer program, `store.tables-differ` if they are not what these migrations make.
 */
export const openRefill = async (settings: StoreSettings, plan: RefillPlan): Promise<Refill> => {
  const known = MIGRATIONS.slice(0, plan.migrations.length)
  if (known.map(({ name }) => name).join() !== plan.migrations.join()) {
    throw new Fault('store.migration-unknown')
  }
  return settings.kind === 'sqlite'
    ? openSqliteRefill(settings, known, plan.tables)
    : openPostgresRefill(settings, known, plan.tables)
}
