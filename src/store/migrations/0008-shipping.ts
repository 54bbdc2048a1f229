// How far each destination of the audit log has got, and which process ships to it.

import type { Migration } from '../migrate.ts'

export const shipping: Migration = {
  name: '0008-shipping',
  statements: ({ text, integer, end }) => [
    `create table ship_cursors (
      destination ${text} primary key,
      sequence ${integer} not null,
      holder ${text} not null,
      claimed_at ${integer} not null,
      lease_until ${integer} not null
    )${end}`,
  ],
}
