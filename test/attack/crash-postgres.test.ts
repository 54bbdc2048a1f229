// The same deaths on PostgreSQL; skipped where there can be no server, unless KEYREALM_REQUIRE_POSTGRES=1.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { postgresPlace } from './crash/places.ts'
import { crashTests } from './crash/suite.ts'

const place = await postgresPlace()
if ('unavailable' in place) {
  test('a realm on PostgreSQL that dies keeps its promises', (t) => {
    assert.notEqual(process.env['KEYREALM_REQUIRE_POSTGRES'], '1', place.unavailable)
    t.skip(place.unavailable)
  })
} else {
  crashTests(place, { budgetMs: 4_000, least: 2 })
}
