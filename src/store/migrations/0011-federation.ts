// Federation: which domains were met, whose user somebody is, what we know of foreign resources, who holds copies of ours, and
// what is still owed to a peer. Copies themselves are rows of `keys`, wrapped like every other key.

import type { Migration } from '../migrate.ts'

export const federation: Migration = {
  name: '0011-federation',
  statements: ({ text, integer, end }) => [
    `create table peers (
      domain ${text} primary key,
      first_met_at ${integer} not null,
      blocked_at ${integer}
    )${end}`,
    // A user belongs to one domain: the first that claimed it, unless an administrator says otherwise.
    `create table peer_pins (
      user_id ${text} primary key,
      domain ${text} not null,
      pinned_at ${integer} not null,
      confirmed_at ${integer}
    )${end}`,
    `create index peer_pins_by_domain on peer_pins (domain, user_id)`,
    `create table peer_conflicts (
      user_id ${text} not null,
      domain ${text} not null,
      first_at ${integer} not null,
      primary key (user_id, domain)
    )${end}`,
    // That a user of ours is authorised on a resource of another realm, as its home said last.
    `create table foreign_knowledge (
      resource_uri ${text} not null,
      user_id ${text} not null,
      checked_at ${integer} not null,
      withdrawn_at ${integer},
      primary key (resource_uri, user_id)
    )${end}`,
    // Keys of other realms that are bound to resources of ours.
    `create table foreign_keys (
      uri ${text} primary key,
      resource_uri ${text} not null,
      bound_at ${integer} not null
    )${end}`,
    `create index foreign_keys_by_resource on foreign_keys (resource_uri, bound_at, uri)`,
    // Which peers hold copies of keys of ours, and for whom.
    `create table copy_holders (
      resource_uri ${text} not null,
      user_id ${text} not null,
      domain ${text} not null,
      since ${integer} not null,
      primary key (resource_uri, user_id, domain)
    )${end}`,
    `create table owed_withdrawals (
      resource_uri ${text} not null,
      user_id ${text} not null,
      domain ${text} not null,
      since ${integer} not null,
      due_at ${integer} not null,
      attempts ${integer} not null,
      primary key (resource_uri, user_id, domain)
    )${end}`,
    `create index owed_withdrawals_by_due on owed_withdrawals (due_at)`,
    // Keys of ours that another realm was asked to take into a resource, until it has answered.
    `create table pending_binds (
      key_uri ${text} primary key,
      resource_uri ${text} not null,
      user_id ${text} not null,
      since ${integer} not null,
      due_at ${integer} not null,
      attempts ${integer} not null
    )${end}`,
    `create index pending_binds_by_due on pending_binds (due_at)`,
  ],
}
