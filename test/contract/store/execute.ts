// SQL run on a database as somebody else would, past the store; and a database as an older program made it.

import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Sqlite from 'better-sqlite3'
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import pg from 'pg'
import type { PostgresSettings, StoreSettings } from '../../../src/store/index.ts'
import { MIGRATIONS, migrate } from '../../../src/store/migrate.ts'

/** With the password in it. */
export const urlOf = ({ url, password }: PostgresSettings): string => {
  const whole = new URL(url)
  if (password !== undefined) whole.password = encodeURIComponent(password)
  return whole.href
}

export const execute = async (settings: StoreSettings, sql: string): Promise<void> => {
  if (settings.kind === 'sqlite') {
    const database = new Sqlite(settings.file)
    database.exec(sql)
    database.close()
    return
  }
  const client = new pg.Client({ connectionString: urlOf(settings) })
  await client.connect()
  await client.query(sql)
  await client.end()
}

/** A database on which the first so many migrations were run. */
export const migrateSome = async (settings: StoreSettings, count: number): Promise<void> => {
  const migrations = MIGRATIONS.slice(0, count)
  if (settings.kind === 'sqlite') {
    mkdirSync(dirname(settings.file), { recursive: true })
    const database = new Sqlite(settings.file)
    await migrate(new Kysely({ dialect: new SqliteDialect({ database }) }), 'sqlite', migrations)
    database.close()
    return
  }
  const pool = new pg.Pool({ connectionString: urlOf(settings), max: 1 })
  await migrate(new Kysely({ dialect: new PostgresDialect({ pool }) }), 'postgres', migrations)
  await pool.end()
}
