// Content keys, resources, authorizations, and the people they name.

import type { Migration } from '../migrate.ts'

export const keys: Migration = {
  name: '0002-keys',
  statements: ({ text, integer, bytes, identity, end }) => [
    `create table keys (
      uri ${text} primary key,
      organization_id ${text} not null,
      created_by ${text} not null,
      client_id ${text} not null,
      created_at ${integer} not null,
      bind_by ${integer},
      bound_at ${integer},
      resource_uri ${text},
      key_encryption_key_id ${text} not null references key_encryption_keys (id),
      wrapped ${bytes} not null,
      wrap_version ${integer} not null,
      check ((bind_by is null) = (bound_at is not null)),
      check ((bound_at is null) = (resource_uri is null))
    )${end}`,
    `create index keys_by_resource on keys (resource_uri, bound_at, uri) where resource_uri is not null`,
    `create index keys_unbound_by_bind_by on keys (bind_by) where bind_by is not null`,
    `create index keys_unbound_by_creator on keys (created_by, bind_by) where bind_by is not null`,
    `create table resources (
      uri ${text} primary key,
      organization_id ${text} not null,
      created_by ${text} not null,
      created_at ${integer} not null,
      expires_at ${integer}
    )${end}`,
    `create index resources_by_expiry on resources (expires_at) where expires_at is not null`,
    `create table authorizations (
      id ${identity},
      uri ${text} not null unique,
      resource_uri ${text} not null references resources (uri) on delete cascade,
      auth_id ${text} not null,
      kind ${text} not null,
      role ${text} not null,
      created_by ${text} not null,
      created_at ${integer} not null,
      expires_at ${integer},
      unique (resource_uri, auth_id)
    )${end}`,
    `create index authorizations_by_auth_id on authorizations (auth_id)`,
    `create index authorizations_nested on authorizations (resource_uri, auth_id) where kind = 'resource'`,
    `create index authorizations_by_expiry on authorizations (expires_at) where expires_at is not null`,
    `create table people (
      user_id ${text} primary key,
      organization_id ${text},
      pseudonym ${text} not null unique,
      first_seen_at ${integer} not null
    )${end}`,
    `create index people_by_organization on people (organization_id) where organization_id is not null`,
  ],
}
