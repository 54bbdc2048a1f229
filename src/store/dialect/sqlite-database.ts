// SQLite: one connection that writes and one that only reads, each used by one transaction at a time.
// `begin immediate`, because a plain `begin` that reads and then writes loses to any other writer at
// once, busy timeout or not. A commit resolves after the write-ahead log has been flushed: as safe as
// `synchronous = full`, without stopping the process for the disk (see sqlite-flush.ts and README).

import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { Fault } from '../../fault.ts'
import { isRetryable, sqliteFault } from '../failures.ts'
import { bringForward, type Forward } from '../migrate.ts'
import type { SqliteSettings } from '../settings.ts'
import type { Link, Statement } from '../statement.ts'
import type { Begun, Database } from '../transaction.ts'
import { createTurns, type Turns } from '../turns.ts'
import { sqliteDialect } from './sqlite.ts'
import { openWalFlush, type WalFlush } from './sqlite-flush.ts'

/** This wait stops the whole process, so it is short; longer waits are asynchronous. */
const BUSY_TIMEOUT_MS = 50
const LONGEST_PAUSE_MS = 50
/** About ten seconds in all. */
const BUSY_TRIES = 150

const PRAGMAS = [
  // Flushes before and after each checkpoint; each commit is flushed by `sqlite-flush.ts`.
  'synchronous = normal',
  'foreign_keys = on',
  'trusted_schema = off',
  'cell_size_check = on',
  // What is deleted is overwritten, because an erasure must mean it.
  'secure_delete = on',
  'temp_store = memory',
  'cache_size = -65536',
  'mmap_size = 268435456',
  // A page written often goes back to the database once a checkpoint, so fewer checkpoints write less.
  'wal_autocheckpoint = 4000',
  'journal_size_limit = 67108864',
]

/** The first column that a checkpoint answers. */
const BUSY_FLAG = { simple: true } as const

const OTHERS = 0o077

/** The directory 0700 and the file 0600; SQLite gives -wal and -shm the mode of the file. */
export const makeFile = (file: string): void => {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  closeSync(openSync(file, 'a', 0o600))
  if ((statSync(file).mode & OTHERS) !== 0) chmodSync(file, 0o600)
}

interface Connection {
  readonly link: Link
  execute(sql: string): void
  isInTransaction(): boolean
  /** Writes the write-ahead log back and cuts it to nothing; false if another process is in the way. */
  emptyLog(): boolean
  close(): void
}

interface Prepared {
  readonly statement: Sqlite.Statement<unknown[], unknown[]>
  readonly names: readonly string[]
}

/** Rows come as arrays and are named here: a third quicker than letting the driver name them. */
const toRow = (names: readonly string[], values: readonly unknown[]): Record<string, unknown> => {
  const row: Record<string, unknown> = {}
  for (let index = 0; index < names.length; index++) row[names[index] ?? ''] = values[index]
  return row
}

const connect = (database: Sqlite.Database): Connection => {
  const cache = new Map<string, Prepared>()
  const prepared = (sql: string): Prepared => {
    const known = cache.get(sql)
    if (known !== undefined) return known
    const statement = database.prepare<unknown[], unknown[]>(sql)
    const names = statement.reader
      ? statement
          .raw()
          .columns()
          .map((column) => column.name)
      : []
    const fresh = { statement, names }
    cache.set(sql, fresh)
    return fresh
  }
  const attempt = <Result>(run: () => Result): Result => {
    try {
      return run()
    } catch (error) {
      throw sqliteFault(error)
    }
  }
  return {
    link: {
      all: async <Values, Row>({ sql, bind }: Statement<Values, Row>, values: Values) =>
        attempt(() => {
          const { statement, names } = prepared(sql)
          // The statement says which columns it selects, and kysely which types they have.
          return statement.all(...bind(values)).map((row) => toRow(names, row) as Row)
        }),
      run: async ({ sql, bind }, values) =>
        attempt(() => prepared(sql).statement.run(...bind(values)).changes),
      insertAll: async ({ sql, bindOne }, rows) =>
        attempt(() => {
          const { statement } = prepared(sql)
          let changes = 0
          for (const row of rows) changes += statement.run(...bindOne(row)).changes
          return changes
        }),
    },
    execute: (sql) => attempt(() => void prepared(sql).statement.run()),
    isInTransaction: () => database.inTransaction,
    emptyLog: () => attempt(() => database.pragma('wal_checkpoint(truncate)', BUSY_FLAG) === 0),
    close: () => database.close(),
  }
}

/** Another process writes: an administrator's command, or a second realm started by mistake. */
const whileBusy = async <Result>(attempt: () => Result): Promise<Result> => {
  for (let tried = 1; ; tried++) {
    try {
      return attempt()
    } catch (error) {
      if (tried === BUSY_TRIES || !isRetryable(error)) throw error
      await setTimeout(Math.min(tried, LONGEST_PAUSE_MS))
    }
  }
}

const openConnection = (file: string, options: Sqlite.Options): Sqlite.Database => {
  const database = new Sqlite(file, { timeout: BUSY_TIMEOUT_MS, ...options })
  for (const pragma of PRAGMAS) database.pragma(pragma)
  return database
}

/** Also switches a new database to WAL, for which it must be alone for a moment. */
const openWriter = (file: string): Promise<Sqlite.Database> =>
  whileBusy(() => {
    const database = openConnection(file, {})
    try {
      if (database.pragma('journal_mode = wal', { simple: true }) === 'wal') return database
      throw new Fault('store.not-durable', new Error('This file system cannot hold a WAL.'))
    } catch (error) {
      database.close()
      throw sqliteFault(error)
    }
  })

/** All of it in one transaction, because kysely's own on SQLite would leave half a migration behind. */
const migrateWriter = async (
  database: Sqlite.Database,
  writer: Connection,
  forward: Forward,
): Promise<void> => {
  await whileBusy(() => writer.execute('begin immediate'))
  await bringForward(new Kysely({ dialect: new SqliteDialect({ database }) }), 'sqlite', forward)
  writer.execute('commit')
}

interface Begin {
  readonly turns: Turns
  readonly begin: () => Promise<void> | void
  /** Makes a commit durable; a reader has nothing to flush. */
  readonly flush?: () => Promise<void>
}

const createBegin =
  (connection: Connection, { turns, begin, flush }: Begin) =>
  async (): Promise<Begun> => {
    const endTurn = await turns.take()
    let isOver = false
    try {
      await begin()
    } catch (error) {
      endTurn()
      throw error
    }
    return {
      link: connection.link,
      async commit() {
        connection.execute('commit')
        // The next one may begin while the disk works: it reads what is not on disk yet, and its own
        // flush, before anybody hears of it, covers that too.
        isOver = true
        endTurn()
        await flush?.()
      },
      async rollback() {
        if (isOver) return
        // Some failures, a full disk for one, have rolled back already.
        if (connection.isInTransaction()) connection.execute('rollback')
        endTurn()
      },
    }
  }

const createDatabase = (writer: Connection, reader: Connection, wal: WalFlush): Database => {
  const writers = createTurns()
  const readers = createTurns()
  let isClosed = false
  const open = () => {
    if (isClosed) throw new Fault('store.closed')
  }
  const beginReading = createBegin(reader, {
    turns: readers,
    begin: () => {
      open()
      reader.execute('begin')
    },
  })
  return {
    dialect: sqliteDialect,
    beginWriting: createBegin(writer, {
      turns: writers,
      begin: () => {
        open()
        return whileBusy(() => writer.execute('begin immediate'))
      },
      flush: wal.flush,
    }),
    beginReading,
    async check() {
      const begun = await beginReading()
      await begun.rollback()
      await wal.flush()
    },
    async scrub() {
      const turns = await Promise.all([writers.take(), readers.take()])
      try {
        open()
        return writer.emptyLog() ? 'gone' : 'busy'
      } finally {
        for (const endTurn of turns) endTurn()
      }
    },
    async close() {
      const turns = await Promise.all([writers.take(), readers.take()])
      if (!isClosed) {
        isClosed = true
        await wal.flush().catch(() => undefined)
        reader.close()
        writer.close()
        wal.close()
      }
      for (const endTurn of turns) endTurn()
    },
  }
}

export const openSqlite = async (settings: SqliteSettings, forward: Forward): Promise<Database> => {
  // An absolute path, so that no name means a database in memory, which two connections cannot share.
  const file = resolve(settings.file)
  const opened: Sqlite.Database[] = []
  try {
    makeFile(file)
    const database = await openWriter(file)
    opened.push(database)
    const writer = connect(database)
    await migrateWriter(database, writer, forward)
    const reading = openConnection(file, { readonly: true })
    opened.push(reading)
    return createDatabase(writer, connect(reading), openWalFlush(file))
  } catch (error) {
    for (const database of opened) database.close()
    throw sqliteFault(error)
  }
}
