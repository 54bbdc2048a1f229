// Opens the store on the database that the settings name, at this program's schema, or does not open it.

import type { IndexTransaction } from '../indexer/index.ts'
import type { Store } from '../kms/index.ts'
import { openPostgres } from './dialect/postgres-database.ts'
import { openSqlite } from './dialect/sqlite-database.ts'
import type { StoreSettings } from './settings.ts'
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
 * Opens or creates the database and brings it to this program's schema. Throws a Fault and leaves
 * nothing open if it cannot: `store.unavailable`, `store.not-durable`, `store.migration-changed`,
 * `store.migration-unknown`, `store.migration-failed`, `store.invalid-settings`, `store.corrupt`.
 */
export const openStore = async (settings: StoreSettings): Promise<OpenStore> => {
  const database =
    settings.kind === 'sqlite' ? await openSqlite(settings) : await openPostgres(settings)
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
