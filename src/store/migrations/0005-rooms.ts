// Rooms, as core and realm keep them together: how each operation that the core named ended, whose keys are
// stale, where rosters and authorizations differ, who was off-boarded, and which accounts are machines.

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
    `alter table resources add column stale_since ${integer}`,
    `alter table resources add column roster_changed_at ${integer}`,
    `create index resources_stale on resources (stale_since, uri) where stale_since is not null`,
    `create index authorizations_anonymous_by_creator on authorizations (created_by) where kind = 'anonymous'`,
    `create table roster_drifts (
      resource_uri ${text} not null,
      side ${text} not null,
      subject ${text} not null,
      since ${integer} not null,
      primary key (resource_uri, side, subject)
    )${end}`,
    `create table roster_checks (
      id ${integer} primary key check (id = 1),
      checked_at ${integer} not null,
      rooms ${integer} not null
    )${end}`,
    `alter table people add column off_boarded_at ${integer}`,
    `create table off_boardings (
      user_id ${text} primary key references people (user_id),
      sequence ${integer} not null,
      off_boarded_at ${integer} not null,
      finished_at ${integer},
      acknowledged_at ${integer}
    )${end}`,
    `create table off_boarded_rooms (
      user_id ${text} not null references off_boardings (user_id),
      resource_uri ${text} not null,
      primary key (user_id, resource_uri)
    )${end}`,
    `create table machine_accounts (
      user_id ${text} primary key,
      name ${text} not null unique,
      organization_id ${text} not null,
      created_at ${integer} not null,
      disabled_at ${integer}
    )${end}`,
    // A scope is the URI of a resource, or `all`.
    `create table machine_grants (
      uri ${text} primary key,
      user_id ${text} not null references machine_accounts (user_id),
      feature ${text} not null,
      scope ${text} not null,
      created_at ${integer} not null,
      unique (user_id, feature, scope)
    )${end}`,
    `create index machine_grants_by_scope on machine_grants (scope)`,
  ],
}
