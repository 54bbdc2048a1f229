// How SQLite goes about each prepared statement. A list that a statement is given must be gone through once: a search through
// it for each row of a table stops the whole process, the longer the fuller the table is.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import Sqlite from 'better-sqlite3'
import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { sqliteDialect } from '../../../src/store/dialect/sqlite.ts'
import { openStore } from '../../../src/store/index.ts'
import type { Schema } from '../../../src/store/schema.ts'
import { prepareRun } from '../../../src/store/transaction.ts'

const statements = new Set<string>()

class Watching extends SqliteQueryCompiler {
  override compileQuery(...query: Parameters<SqliteQueryCompiler['compileQuery']>): CompiledQuery {
    const compiled = super.compileQuery(...query)
    statements.add(compiled.sql)
    return compiled
  }
}

const builder = new Kysely<Schema>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new Watching(),
  },
})

const folder = mkdtempSync(join(tmpdir(), 'keyrealm-plans-'))
let database: Sqlite.Database

before(async () => {
  const file = join(folder, 'realm.sqlite')
  const store = await openStore({ kind: 'sqlite', file }, 'allowed')
  await store.close()
  database = new Sqlite(file, { readonly: true })
  prepareRun({ ...sqliteDialect, builder })
})
after(() => {
  database.close()
  rmSync(folder, { recursive: true })
})

interface Step {
  readonly id: number
  readonly parent: number
  readonly detail: string
}

const planOf = (sql: string): readonly Step[] => {
  const values = Array.from(sql.matchAll(/\?/g), () => null)
  return database.prepare<unknown[], Step>(`explain query plan ${sql}`).all(...values)
}

/** A subquery that is run for each row, and goes through a list. */
const goesThroughAgain = (plan: readonly Step[]): boolean =>
  plan.some(
    ({ parent, detail }) =>
      detail.startsWith('SCAN json_each') &&
      plan.some(({ id, detail: above }) => id === parent && above.startsWith('CORRELATED')),
  )

describe('statements on SQLite', () => {
  test('are all looked at', () => assert.ok(statements.size > 100, `${statements.size}`))

  test('go through what they are given once, not once for each row', () => {
    const wrong = [...statements].filter((sql) => goesThroughAgain(planOf(sql)))
    assert.deepEqual(wrong, [])
  })

  test('find the anonymous authorizations of somebody by their index', () => {
    const [sql = ''] = [...statements].filter((text) => /'anonymous' order by/.test(text))
    const [first] = planOf(sql)
    assert.match(first?.detail ?? '', /authorizations_anonymous_by_creator/)
  })
})
