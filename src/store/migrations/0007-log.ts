// The verifiable log: the tree over the entries as tiles, how far it has been published and by whom, and the
// keys that sign it. The tree takes the place of the hash chain; the entries themselves stay as they were.

import type { Migration } from '../migrate.ts'

export const log: Migration = {
  name: '0007-log',
  statements: ({ text, integer, bytes, end }) => [
    `alter table audit_entries drop column hash`,
    `alter table audit_head drop column hash`,
    `alter table audit_head add column recorded_at ${integer} not null default 0`,
    `create table log_tiles (
      level ${integer} not null,
      tile ${integer} not null,
      hashes ${bytes} not null,
      primary key (level, tile)
    )${end}`,
    `create table log_tree (
      id ${integer} primary key check (id = 1),
      size ${integer} not null,
      generation ${integer} not null,
      checkpoint ${text} not null,
      published_at ${integer} not null,
      holder ${text} not null,
      held_until ${integer} not null
    )${end}`,
    `insert into log_tree (id, size, generation, checkpoint, published_at, holder, held_until)
      values (1, 0, 1, '', 0, '', 0)`,
    `create table log_keys (
      name ${text} primary key,
      algorithm ${text} not null,
      public_key ${bytes} not null,
      key_encryption_key_id ${text} not null,
      wrapped ${bytes} not null,
      wrap_version ${integer} not null,
      created_at ${integer} not null
    )${end}`,
  ],
}
