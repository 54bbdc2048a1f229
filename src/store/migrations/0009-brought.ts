// Whether a resource was let in by a member alone, and so counts only while that member is there by name. What was
// let in before stays as it was.

import type { Migration } from '../migrate.ts'

export const brought: Migration = {
  name: '0009-brought',
  statements: ({ integer }) => [
    `alter table authorizations add column is_brought ${integer} not null default 0`,
  ],
}
