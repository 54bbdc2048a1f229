// The same deaths on PostgreSQL; skipped where there can be no server, unless KEYREALM_REQUIRE_POSTGRES=1.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { operationCrashTests } from './crash/operations-suite.ts'
import { postgresPlace } from './crash/places.ts'

const place = await postgresPlace()
if ('unavailable' in place) {
  test('a realm on PostgreSQL that dies in a room operation shares the fate of the core', (t) => {
    assert.notEqual(process.env['KEYREALM_REQUIRE_POSTGRES'], '1', place.unavailable)
    t.skip(place.unavailable)
  })
} else {
  operationCrashTests(place, { budgetMs: 3_000, least: 2 })
}
