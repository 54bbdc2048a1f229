import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../../src/fault.ts'
import { isRetryable, postgresFault, sqliteFault } from '../../../src/store/failures.ts'

const sqliteError = (code: string) => Object.assign(new Error('text is never looked at'), { code })

const postgresError = (code: string) =>
  Object.assign(sqliteError(code), { severity: 'ERROR', detail: 'Failing row contains (secret)' })

test("SQLite's errors become Faults by their code, the most telling one", () => {
  for (const [code, expected] of [
    ['SQLITE_CONSTRAINT_UNIQUE', 'store.not-unique'],
    ['SQLITE_CONSTRAINT_PRIMARYKEY', 'store.not-unique'],
    ['SQLITE_CONSTRAINT_FOREIGNKEY', 'store.constraint'],
    ['SQLITE_BUSY', 'store.busy'],
    ['SQLITE_BUSY_SNAPSHOT', 'store.busy'],
    ['SQLITE_FULL', 'store.full'],
    ['SQLITE_IOERR_SHMSIZE', 'store.full'],
    ['SQLITE_READONLY', 'store.read-only'],
    ['SQLITE_NOTADB', 'store.corrupt'],
    ['EACCES', 'store.unavailable'],
    ['SQLITE_SOMETHING_NEW', 'store.failed'],
  ] as const) {
    const error = sqliteError(code)
    const fault = sqliteFault(error)
    assert.equal(fault.code, expected)
    assert.equal(fault.cause, error)
  }
})

test("PostgreSQL's errors become Faults by their SQLSTATE, the most telling one", () => {
  for (const [code, expected] of [
    ['23505', 'store.not-unique'],
    ['21000', 'store.not-unique'],
    ['23503', 'store.constraint'],
    ['40001', 'store.conflict'],
    ['40P01', 'store.conflict'],
    ['55P03', 'store.busy'],
    ['25006', 'store.read-only'],
    ['53100', 'store.full'],
    ['57P01', 'store.unavailable'],
    ['28P01', 'store.unavailable'],
    ['42601', 'store.failed'],
  ] as const) {
    assert.equal(postgresFault(postgresError(code)).code, expected, code)
  }
})

test('an error that is not from the server is from the connection to it', () => {
  assert.equal(postgresFault(sqliteError('ECONNREFUSED')).code, 'store.unavailable')
  assert.equal(postgresFault(new Error('Connection terminated')).code, 'store.unavailable')
})

test('rows that PostgreSQL quotes in its errors do not travel on', () => {
  const { cause } = postgresFault(postgresError('23514'))
  assert.ok(cause instanceof Error && !('detail' in cause))
})

test('a Fault stays the Fault it is', () => {
  const fault = new Fault('store.key-not-unbound')
  assert.equal(sqliteFault(fault), fault)
  assert.equal(postgresFault(fault), fault)
})

test('only conflicts and busy databases are worth another try', () => {
  assert.ok(isRetryable(postgresFault(postgresError('40001'))))
  assert.ok(isRetryable(sqliteFault(sqliteError('SQLITE_BUSY'))))
  assert.ok(!isRetryable(sqliteFault(sqliteError('SQLITE_FULL'))))
  assert.ok(!isRetryable(sqliteError('SQLITE_BUSY')))
})
