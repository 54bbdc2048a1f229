// An upgrade on SQLite, killed at its statements and at what it does with files.

import { upgradeTests } from './upgrade/suite.ts'

/** Before there was a tree over the log: the largest table is written anew. */
const BEFORE_THE_TREE = 6

upgradeTests(
  {
    migrations: BEFORE_THE_TREE,
    commands: ['upgrade', 'serve'],
    copyStore: async () => undefined,
    close: async () => undefined,
  },
  { budgetMs: 4_000, least: 1 },
)
