// PostgreSQL: a pool; writers take turns by locking the single row of `audit_head` as they begin, readers
// see a snapshot. Every writer extends the same log, so under serializable isolation each two of them
// would conflict and one would run again; the lock lets them wait instead, and gives the same order.

import { setTimeout } from 'node:timers/promises'
import pg from 'pg'
import { Fault } from '../../fault.ts'
import { postgresFault } from '../failures.ts'
import { bringForward, type Forward } from '../migrate.ts'
import type { PostgresSettings } from '../settings.ts'
import type { Link } from '../statement.ts'
import type { Begun, Database } from '../transaction.ts'
import { createTurns } from '../turns.ts'
import { postgresDialect } from './postgres.ts'
import { whileMigrating } from './postgres-migrating.ts'
import { toPoolConfig } from './postgres-settings.ts'

const BIGINT_OID = 20
const BEGIN_WRITING = `begin isolation level read committed read write;
  select sequence, recorded_at from audit_head for update`
const BEGIN_READING = 'begin isolation level repeatable read read only'
const DURABILITY = `select current_setting('fsync') as fsync,
  current_setting('synchronous_commit') as commit`
/** A pooled connection may have died unseen; a fresh one is tried before anything has happened. */
const BEGIN_TRIES = 3
const PAUSE_MS = 50

const toNumber = (text: string): number => {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new Fault('store.unreadable')
  return value
}

const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === BIGINT_OID && format !== 'binary' ? toNumber : pg.types.getTypeParser(oid, format),
}

interface HeadRow {
  readonly sequence: number
  readonly recorded_at: number
}

/** One statement at a time: what is asked meanwhile waits, as the driver requires. */
const createLink = (client: pg.PoolClient, lockedHead: HeadRow | undefined): Link => {
  let last: Promise<unknown> = Promise.resolve()
  const query = (name: string, text: string, values: unknown[]): Promise<pg.QueryResult> => {
    const result = last.then(() => client.query({ name, text, values }))
    last = result.catch(() => undefined)
    return result.catch((error: unknown) => {
      throw postgresFault(error)
    })
  }
  return {
    ...(lockedHead === undefined ? {} : { lockedHead }),
    async all({ name, sql, bind }, values) {
      return (await query(name, sql, bind(values))).rows
    },
    async run({ name, sql, bind }, values) {
      return (await query(name, sql, bind(values))).rowCount ?? 0
    },
    async insertAll({ name, sql, bindAll }, rows) {
      return rows.length === 0 ? 0 : ((await query(name, sql, bindAll(rows))).rowCount ?? 0)
    },
  }
}

const begun = (client: pg.PoolClient, lockedHead?: HeadRow): Begun => ({
  link: createLink(client, lockedHead),
  async commit() {
    try {
      // A transaction in which a statement failed answers ROLLBACK to `commit`, without an error.
      const { command } = await client.query('commit')
      if (command !== 'COMMIT') throw new Fault('store.not-committed')
    } catch (error) {
      throw postgresFault(error)
    }
    client.release()
  },
  async rollback() {
    // Whatever cannot even roll back is not used again.
    const failed = await client.query('rollback').then(
      () => false,
      () => true,
    )
    client.release(failed)
  },
})

/** A connection on which `start` succeeded. */
const take = async <Started>(
  pool: pg.Pool,
  start: (client: pg.PoolClient) => Promise<Started>,
): Promise<Started> => {
  for (let tried = 1; ; tried++) {
    try {
      const client = await pool.connect()
      return await start(client).catch((error: unknown) => {
        client.release(true)
        throw error
      })
    } catch (error) {
      const fault = postgresFault(error)
      if (tried === BEGIN_TRIES || fault.code !== 'store.unavailable') throw fault
      await setTimeout(PAUSE_MS * tried)
    }
  }
}

const startWriting = async (client: pg.PoolClient): Promise<Begun> => {
  // Two statements in one round trip answer two results, which the driver's types do not know.
  const results = (await client.query(BEGIN_WRITING)) as unknown as pg.QueryResult<HeadRow>[]
  return begun(client, results[1]?.rows[0])
}

const startReading = async (client: pg.PoolClient): Promise<Begun> => {
  await client.query(BEGIN_READING)
  return begun(client)
}

const checkDurable = async (pool: pg.Pool): Promise<void> => {
  const durability = await take(pool, async (client) => {
    const { rows } = await client.query<{ fsync: string; commit: string }>(DURABILITY)
    client.release()
    return rows[0]
  })
  // `remote_apply` waits for more than `on` does; every other value waits for less.
  const commits = durability?.commit === 'on' || durability?.commit === 'remote_apply'
  if (durability?.fsync !== 'on' || !commits) throw new Fault('store.not-durable')
}

const createDatabase = (pool: pg.Pool): Database => {
  // Within this process writers wait here, so that they do not hold the connections readers need.
  const writers = createTurns()
  let isClosed = false
  const open = () => {
    if (isClosed) throw new Fault('store.closed')
  }
  return {
    dialect: postgresDialect,
    async beginWriting() {
      const endTurn = await writers.take()
      try {
        open()
        const started = await take(pool, startWriting)
        return {
          link: started.link,
          commit: () => started.commit().then(endTurn),
          rollback: () => started.rollback().then(endTurn),
        }
      } catch (error) {
        endTurn()
        throw error
      }
    },
    async beginReading() {
      open()
      return await take(pool, startReading)
    },
    async check() {
      open()
      await checkDurable(pool)
    },
    scrub: async () => 'vacuum',
    async close() {
      const endTurn = await writers.take()
      if (!isClosed) {
        isClosed = true
        await pool.end()
      }
      endTurn()
    },
  }
}

export const openPostgres = async (
  settings: PostgresSettings,
  forward: Forward,
): Promise<Database> => {
  const pool = new pg.Pool({ ...toPoolConfig(settings), types })
  // A connection that breaks, idle or in use, fails what is next asked of it, and is replaced then.
  // These two say so a second time, and unheard they would end the process.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  try {
    await checkDurable(pool)
    await whileMigrating(settings, (db) => bringForward(db, 'postgres', forward))
    return createDatabase(pool)
  } catch (error) {
    await pool.end()
    throw postgresFault(error)
  }
}
