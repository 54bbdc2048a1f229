// A realm on SQLite is killed at the calls of its store, between any two steps of its program, and at any moment:
// no key leaves without a durable audit entry, and nothing that was acknowledged is lost.

import { sqlitePlace } from './crash/places.ts'
import { crashTests } from './crash/suite.ts'

crashTests(sqlitePlace(), { budgetMs: 6_000, least: 3 })
