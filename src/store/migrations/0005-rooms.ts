// What core and realm do together: how each operation that the core named ended.

import type { Migration } from '../migrate.ts'

export const rooms: Migration = {
  name: '0005-rooms',
  statements: ({ text, integer, end }) => [
    `create table core_operations (
      id ${text} primary key,
      status ${integer},
      resource_uri ${text},
      session_uri ${text},
      request_id ${text},
      answered_at ${integer} not null
    )${end}`,
    `create index core_operations_by_time on core_operations (answered_at)`,
  ],
}
