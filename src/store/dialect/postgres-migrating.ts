// The one connection on which a PostgreSQL schema is brought forward. What answers requests gives up after half a
// minute; rewriting a large table takes as long as it takes. Locks of others are not waited for any longer than usual.

import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Applied } from '../migrate.ts'
import type { PostgresSettings } from '../settings.ts'
import { toPoolConfig } from './postgres-settings.ts'

/** The connection ends with the work. */
export const whileMigrating = async <Result>(
  settings: PostgresSettings,
  work: (db: Kysely<Applied>) => Promise<Result>,
): Promise<Result> => {
  const pool = new pg.Pool({ ...toPoolConfig(settings), max: 1, statement_timeout: 0 })
  // What breaks fails what is next asked; these say so a second time, and unheard they would end the process.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  try {
    return await work(new Kysely({ dialect: new PostgresDialect({ pool }) }))
  } finally {
    await pool.end()
  }
}
