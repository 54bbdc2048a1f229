// Opens the store on the database that the settings name, at this program's schema, or does not open it.

import type { IndexTransaction } from '../indexer/index.ts'
import type { Store } from '../kms/index.ts'
import { openPostgres } from './dialect/postgres-database.ts'
import { openSqlite } from './dialect/sqlite-database.ts'
import type { StoreSettings, Upgrading } from './settings.ts'
import { prepareRun, type Scrubbed } from './transaction.ts'

export interface OpenStore extends Store<IndexTransaction> {
  readonly kind: StoreSettings['kind']
  /** Throws a Fault unless the database answers and still keeps what it commits. */
  check(): Promise<void>
  /**
   * Takes what was deleted out of the files: `gone`; `busy` if another process reads them just now, then again
   * later; `vacuum` if only the database's owner can (PostgreSQL).
   */
  scrub(): Promise<Scrubbed>
  /** Waits for transactions under way; those asked for later are refused (`store.closed`). */
  close(): Promise<void>
}

/**
 * Opens the database at this program's schema, or creates it; brings it there if that is allowed. Throws a Fault and leaves
 * nothing open if it cannot: `store.unavailable`, `store.not-durable`, `store.migration-changed`,
 * `store.migration-unknown`,
 * `store.migration-pending`, `store.migration-failed`, `store.invalid-settings`, `store.corrupt`, `store.full`;
 * `store.restore-unfinished` unless `restore` names the filling from a backup that is not finished.
 */
export const openStore = async (
  settings: StoreSettings,
  upgrading: Upgrading = 'refused',
  restore?: string,
): Promise<OpenStore> => {
  const forward = { upgrading, restore }
  const database =
    settings.kind === 'sqlite'
      ? await openSqlite(settings, forward)
      : await openPostgres(settings, forward)
  const run = prepareRun(database.dialect)
  return {
    kind: settings.kind,
    transact: (work) => run(database.beginWriting, work),
    read: (work) => run(database.beginReading, work),
    check: database.check,
    scrub: database.scrub,
    close: database.close,
  }
}
