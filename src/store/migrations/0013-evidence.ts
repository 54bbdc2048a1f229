// What an answer answered, to the last member; and new keys for the log, which the old ones have vouched for.

import type { Migration } from '../migrate.ts'

export const evidence: Migration = {
  name: '0013-evidence',
  statements: ({ text, integer, end }) => [
    // Nobody knows it of answers that were given before.
    `alter table answers add column digest ${text}`,
    // Which keys sign: one more with each change of them.
    `alter table log_tree add column key_epoch ${integer} not null default 1`,
    `create table log_rotations (
      sequence ${integer} primary key,
      generation ${integer} not null,
      note ${text} not null
    )${end}`,
  ],
}
