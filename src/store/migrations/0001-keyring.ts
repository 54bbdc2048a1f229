// The key hierarchy above the content keys: main keys, key-encryption keys, and the realm's RSA identity.

import type { Migration } from '../migrate.ts'

export const keyring: Migration = {
  name: '0001-keyring',
  statements: ({ text, integer, bytes, end }) => [
    `create table main_keys (
      id ${text} primary key,
      organization_id ${text} not null,
      created_at ${integer} not null
    )${end}`,
    `create table key_encryption_keys (
      id ${text} primary key,
      main_key_id ${text} not null references main_keys (id),
      organization_id ${text} not null,
      purpose ${text} not null,
      wrapped ${bytes} not null,
      created_at ${integer} not null,
      wraps ${integer} not null
    )${end}`,
    `create table static_keys (
      uri ${text} primary key,
      public_jwk ${text} not null,
      key_encryption_key_id ${text} not null references key_encryption_keys (id),
      wrapped ${bytes} not null,
      wrap_version ${integer} not null,
      created_at ${integer} not null
    )${end}`,
  ],
}
