// Sessions and the answers given on them. Answers refer to their session by number, not by URI: with
// short index entries fewer pages are written each commit, which is most of what a commit costs. There is
// no foreign key: checking it doubled the cost of an insertion (measured), and the insertion looks up
// the session anyway.

import type { Migration } from '../migrate.ts'

export const sessions: Migration = {
  name: '0003-sessions',
  statements: ({ text, integer, bytes, identity, end }) => [
    `create table sessions (
      id ${identity},
      uri ${text} not null unique,
      principal_id ${text} not null,
      organization_id ${text} not null,
      client_id ${text} not null,
      created_at ${integer} not null,
      expires_at ${integer} not null,
      key_encryption_key_id ${text} not null references key_encryption_keys (id),
      wrapped ${bytes} not null,
      wrap_version ${integer} not null
    )${end}`,
    `create index sessions_by_expiry on sessions (expires_at)`,
    `create index sessions_by_owner on sessions (principal_id, client_id, expires_at)`,
    `create table answers (
      id ${identity},
      session_id ${integer} not null,
      request_id ${text} not null,
      operation ${text} not null,
      body ${text} not null,
      answered_at ${integer} not null,
      unique (session_id, request_id)
    )${end}`,
  ],
}
