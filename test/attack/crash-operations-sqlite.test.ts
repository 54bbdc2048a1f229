// A realm on SQLite is killed half way in room operations, at the calls of its store, between any two steps of its
// program, and at any moment: core and realm end up with the same room, and nobody removed reads on.

import { operationCrashTests } from './crash/operations-suite.ts'
import { sqlitePlace } from './crash/places.ts'

operationCrashTests(sqlitePlace(), { budgetMs: 4_000, least: 3 })
