// Witnesses: what others co-signed of our log, what we saw of theirs, and keys for that which are not the log's.

import type { Migration } from '../migrate.ts'

export const witness: Migration = {
  name: '0010-witness',
  statements: ({ text, integer, bytes, end }) => [
    `alter table log_keys add column purpose ${text} not null default 'log'`,
    `create table log_witnesses (
      witness ${text} primary key,
      generation ${integer} not null,
      size ${integer} not null,
      line ${text} not null,
      cosigned_at ${integer} not null,
      failures ${integer} not null,
      code ${text} not null,
      claimed_size ${integer} not null,
      tried_at ${integer} not null
    )${end}`,
    `create table log_witnessed (
      id ${integer} primary key check (id = 1),
      generation ${integer} not null,
      size ${integer} not null,
      note ${text} not null,
      witnessed_at ${integer} not null
    )${end}`,
    `create table seen_logs (
      origin ${text} primary key,
      size ${integer} not null,
      root ${bytes} not null,
      note ${text} not null,
      seen_at ${integer} not null
    )${end}`,
  ],
}
