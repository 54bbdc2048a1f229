// The audit log: entries numbered without gaps, and the head of their chain in a single row, which is
// also what writers take turns by on PostgreSQL.

import type { Migration } from '../migrate.ts'

export const audit: Migration = {
  name: '0004-audit',
  statements: ({ text, integer, bytes, zeros, end }) => [
    `create table audit_entries (
      sequence ${integer} primary key check (sequence > 0),
      hash ${bytes} not null,
      body ${text} not null
    )${end}`,
    `create table audit_head (
      id ${integer} primary key check (id = 1),
      sequence ${integer} not null,
      hash ${bytes} not null
    )${end}`,
    `insert into audit_head (id, sequence, hash) values (1, 0, ${zeros})`,
  ],
}
