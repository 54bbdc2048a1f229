// Search: the rooms' search keys, the counters under them, what the indexer still has to tell the core, and how far
// it has read. Counters are wrapped like keys; the lists of hashes are what the core sees anyway.

import type { Migration } from '../migrate.ts'

export const search: Migration = {
  name: '0006-search',
  statements: ({ text, integer, bytes, identity, end }) => [
    // Rows stay when a key is destroyed (its bytes go), so that no number is ever given twice.
    `create table search_keys (
      id ${integer} primary key,
      uri ${text} not null unique,
      resource_uri ${text} not null,
      organization_id ${text} not null,
      words_version ${text} not null,
      language ${text} not null,
      created_at ${integer} not null,
      retired_at ${integer},
      destroyed_at ${integer},
      key_encryption_key_id ${text} not null,
      wrapped ${bytes} not null,
      wrap_version ${integer} not null
    )${end}`,
    `create index search_keys_alive on search_keys (resource_uri, id) where destroyed_at is null`,
    `create table search_counters (
      id ${identity},
      search_key_id ${integer} not null references search_keys (id),
      uri ${text} not null unique,
      key_encryption_key_id ${text} not null,
      wrapped ${bytes} not null,
      wrap_version ${integer} not null
    )${end}`,
    `create index search_counters_by_key on search_counters (search_key_id, id)`,
    `create table machine_exclusions (
      user_id ${text} not null references machine_accounts (user_id),
      feature ${text} not null,
      resource_uri ${text} not null,
      created_at ${integer} not null,
      primary key (user_id, feature, resource_uri)
    )${end}`,
    `create table indexed_rooms (
      resource_uri ${text} primary key,
      since ${integer} not null,
      messages ${integer} not null
    )${end}`,
    `create table index_progress (
      id ${integer} primary key check (id = 1),
      read_to ${integer} not null,
      head ${integer} not null,
      indexed ${integer} not null,
      skipped ${integer} not null
    )${end}`,
    `create table index_grants (uri ${text} primary key)${end}`,
    `create table index_ranges (
      id ${identity},
      reason ${text} not null,
      resource_uri ${text},
      search_key_id ${integer},
      start_after ${integer} not null,
      read_to ${integer} not null,
      up_to ${integer} not null,
      due_at ${integer} not null,
      attempts ${integer} not null,
      created_at ${integer} not null
    )${end}`,
    `create index index_ranges_by_due on index_ranges (due_at, id)`,
    `create table index_outbox (
      id ${identity},
      resource_uri ${text} not null,
      message_id ${text} not null,
      revision ${integer} not null,
      hashes ${bytes} not null,
      unique (resource_uri, message_id)
    )${end}`,
    `create table index_drops (
      resource_uri ${text} primary key,
      since ${integer} not null
    )${end}`,
  ],
}
