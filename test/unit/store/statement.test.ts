import assert from 'node:assert/strict'
import { test } from 'node:test'
import { postgresDialect } from '../../../src/store/dialect/postgres.ts'
import { sqliteDialect } from '../../../src/store/dialect/sqlite.ts'
import { type Dialect, prepare, prepareInsert } from '../../../src/store/statement.ts'

const find = (dialect: Dialect) =>
  prepare(dialect, 'find', { uris: 'texts', before: 'integer' }, (db, p) =>
    db
      .selectFrom('keys')
      .select('uri')
      .where('bound_at', '<', p.before)
      .where(p.uris.has('uri'))
      .where('client_id', '=', 'constant'),
  )

test('SQLite gets a list as one JSON text', () => {
  const { sql, bind } = find(sqliteDialect)
  assert.equal(
    sql,
    'select "uri" from "keys" where "bound_at" < ? and "uri" in (select value from json_each(?)) and "client_id" = ?',
  )
  assert.deepEqual(bind({ before: 5, uris: ['a', '"b"'] }), [5, '["a","\\"b\\""]', 'constant'])
})

test('PostgreSQL gets a list as an array', () => {
  const { sql, bind } = find(postgresDialect)
  assert.equal(
    sql,
    'select "uri" from "keys" where "bound_at" < $1 and "uri" = any($2::text[]) and "client_id" = $3',
  )
  assert.deepEqual(bind({ before: 5, uris: ['a'] }), [5, ['a'], 'constant'])
})

const pairs = (dialect: Dialect) =>
  prepare(dialect, 'pairs', { pairs: { a: 'text', b: 'integer?' } }, (db, p) =>
    db.selectFrom(p.pairs.as('pair')).select(['pair.position', 'pair.b']),
  )

test('a table of rows is one JSON text on SQLite and an array a column on PostgreSQL', () => {
  const rows = {
    pairs: [
      { a: 'x', b: 1 },
      { a: 'y', b: null },
    ],
  }
  assert.deepEqual(pairs(sqliteDialect).bind(rows), ['[["x",1],["y",null]]'])
  assert.deepEqual(pairs(postgresDialect).bind(rows), [
    ['x', 'y'],
    [1, null],
  ])
})

test('rows are inserted one by one on SQLite and all at once on PostgreSQL', () => {
  const columns = { id: 'text', organization_id: 'text', created_at: 'integer' } as const
  const row = (id: string) => ({ id, organization_id: 'o', created_at: 1 })
  const one = prepareInsert(sqliteDialect, 'main_keys', columns)
  assert.match(one.sql, /^insert into "main_keys" \("id", "organization_id", "created_at"\) values/)
  assert.deepEqual(one.bindOne(row('a')), ['a', 'o', 1])
  const all = prepareInsert(postgresDialect, 'main_keys', columns)
  assert.match(all.sql, /unnest\(\$1::text\[\], \$2::text\[\], \$3::bigint\[\]\)/)
  assert.deepEqual(all.bindAll([row('a'), row('b')]), [
    ['a', 'b'],
    ['o', 'o'],
    [1, 1],
  ])
})
