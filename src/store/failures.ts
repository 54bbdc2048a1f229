// Drivers' errors become Faults with stable codes, the error kept as cause. Judged by the driver's code
// and never by its text. Row values are removed: PostgreSQL puts whole rows into `detail`.

import { Fault } from '../fault.ts'

/** SQLite's extended result codes, by prefix, most telling first. */
const SQLITE: readonly (readonly [prefix: string, code: string])[] = [
  ['SQLITE_CONSTRAINT_UNIQUE', 'store.not-unique'],
  ['SQLITE_CONSTRAINT_PRIMARYKEY', 'store.not-unique'],
  ['SQLITE_CONSTRAINT_ROWID', 'store.not-unique'],
  ['SQLITE_CONSTRAINT', 'store.constraint'],
  ['SQLITE_BUSY', 'store.busy'],
  ['SQLITE_LOCKED', 'store.busy'],
  ['SQLITE_FULL', 'store.full'],
  // No room for the index beside the write-ahead log.
  ['SQLITE_IOERR_SHMSIZE', 'store.full'],
  ['SQLITE_READONLY', 'store.read-only'],
  ['SQLITE_CORRUPT', 'store.corrupt'],
  ['SQLITE_NOTADB', 'store.corrupt'],
  ['SQLITE_CANTOPEN', 'store.unavailable'],
  // Not SQLite's but the system's, from making the file: EACCES, ENOTDIR, EROFS.
  ['E', 'store.unavailable'],
]

/** PostgreSQL's SQLSTATE (its manual, appendix A), by prefix, most telling first. */
const POSTGRES: readonly (readonly [prefix: string, code: string])[] = [
  ['23505', 'store.not-unique'],
  // One statement met the same row twice, which only repeats in a list can do.
  ['21000', 'store.not-unique'],
  ['23', 'store.constraint'],
  ['40001', 'store.conflict'],
  ['40P01', 'store.conflict'],
  ['55P03', 'store.busy'],
  ['53100', 'store.full'],
  ['25006', 'store.read-only'],
  ['XX00', 'store.corrupt'],
  ['08', 'store.unavailable'],
  ['28', 'store.unavailable'],
  ['3D', 'store.unavailable'],
  ['53', 'store.unavailable'],
  ['57P', 'store.unavailable'],
  ['25P03', 'store.unavailable'],
]

const stringMember = (error: unknown, name: string): string | undefined => {
  if (typeof error !== 'object' || error === null) return undefined
  const value: unknown = Reflect.get(error, name)
  return typeof value === 'string' ? value : undefined
}

const match = (
  table: readonly (readonly [prefix: string, code: string])[],
  driverCode: string,
): string => table.find(([prefix]) => driverCode.startsWith(prefix))?.[1] ?? 'store.failed'

export const sqliteFault = (error: unknown): Fault =>
  error instanceof Fault
    ? error
    : new Fault(match(SQLITE, stringMember(error, 'code') ?? ''), error)

export const postgresFault = (error: unknown): Fault => {
  if (error instanceof Fault) return error
  if (error instanceof Error) {
    for (const member of ['detail', 'where', 'internalQuery']) Reflect.deleteProperty(error, member)
  }
  // The server's own errors carry a severity; everything else is the connection's.
  const fromServer = stringMember(error, 'severity') !== undefined
  const code = stringMember(error, 'code') ?? ''
  return new Fault(fromServer ? match(POSTGRES, code) : 'store.unavailable', error)
}

export const driverFault = (kind: 'sqlite' | 'postgres', error: unknown): Fault =>
  kind === 'sqlite' ? sqliteFault(error) : postgresFault(error)

/** Nothing has happened and the same work may well succeed now. */
export const isRetryable = (error: unknown): boolean =>
  error instanceof Fault && (error.code === 'store.conflict' || error.code === 'store.busy')
