// What two realms do together: parts that a peer has done here in an operation of the core, binds as part of one, and what
// each says of what it gave to the other: signed notes that came, the keys that sign them, and which of our entries are still to be told.

import type { Migration } from '../migrate.ts'

export const betweenRealms: Migration = {
  name: '0012-between-realms',
  statements: ({ text, integer, end }) => [
    `alter table core_operations add column peer ${text}`,
    `alter table core_operations add column meant ${text}`,
    `alter table core_operations add column answer ${text}`,
    `alter table pending_binds add column operation_id ${text}`,
    // Signed notes of peers. "entry" is the first one that it names, in the log of whoever signed it.
    `create table peer_receipts (
      domain ${text} not null,
      kind ${text} not null,
      entry ${integer} not null,
      note ${text} not null,
      received_at ${integer} not null,
      primary key (domain, kind, entry)
    )${end}`,
    `create table peer_log_keys (
      domain ${text} not null,
      vkey ${text} not null,
      first_at ${integer} not null,
      primary key (domain, vkey)
    )${end}`,
    // Entries of our own log that say what became of a peer's keys here, until the peer has acknowledged them.
    `create table owed_receipts (
      domain ${text} not null,
      sequence ${integer} not null,
      due_at ${integer} not null,
      attempts ${integer} not null,
      primary key (domain, sequence)
    )${end}`,
    `create index owed_receipts_by_due on owed_receipts (due_at)`,
    // How far our own log has been read for them.
    `create table receipt_progress (
      name ${text} primary key,
      sequence ${integer} not null
    )${end}`,
  ],
}
