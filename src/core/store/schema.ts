// The core's tables as types, and the statements that make them. Ciphertext, names and times only:
// there is no column that could hold a key, a token or a readable message.

import type { Generated } from 'kysely'

export interface UserTable {
  id: string
  organization_id: string
  email: string | null
  seen_at: number
  /** 'person', or 'machine' once the realm has said so. */
  kind: Generated<string>
}

export interface DeviceTable {
  id: string
  user_id: string
  device_type: string
  name: string | null
  created_at: number
  refreshed_at: number
}

export interface RealmTable {
  domain: string
  kms_cluster: string
  rsa_public_key: string
  updated_at: number
}

export interface ConversationTable {
  id: string
  created_by: string
  display_name: string | null
  encryption_key_url: string | null
  default_activity_encryption_key_url: string | null
  kms_resource_object_url: string | null
  created_at: number
  /** Both user ids of a one-to-one room, sorted: there is one room for a pair. */
  pair: string | null
  /** The general room of the team that this room is in; a general room names itself. */
  team_id: string | null
  is_locked: number
  summary: string | null
}

export interface ParticipantTable {
  conversation_id: string
  user_id: string
  is_moderator: number
  joined_at: number
}

/** Keys that a room had before, so that a stale client can be told so. */
export interface FormerKeyTable {
  conversation_id: string
  key_url: string
}

export interface ActivityTable {
  sequence: Generated<number>
  id: string
  conversation_id: string
  actor_id: string
  verb: string
  /** JSON. What people wrote in it is ciphertext. */
  object: string
  encryption_key_url: string | null
  parent_id: string | null
  parent_type: string | null
  client_temp_id: string | null
  published_at: number
}

/** A board of a room; who may read it hangs on the room's resource. */
export interface BoardTable {
  id: string
  conversation_id: string
  created_by: string
  kms_resource_url: string
  default_encryption_key_url: string
  created_at: number
}

/** What core and realm do together: written before the realm is asked, kept after it has ended. */
export interface OperationTable {
  id: string
  kind: string
  domain: string
  turn: string
  room_id: string
  actor_id: string
  tracking_id: string
  /** JSON: the core's half, as the realm is told. */
  part: string
  /** JSON: what changes here once the realm has agreed. */
  change: string
  /** Empty once the operation has ended. */
  kms_message: string
  state: 'asked' | 'withdrawing' | 'done' | 'refused' | 'withdrawn'
  created_at: number
  ended_at: number | null
}

export interface Tables {
  users: UserTable
  devices: DeviceTable
  realms: RealmTable
  conversations: ConversationTable
  participants: ParticipantTable
  former_keys: FormerKeyTable
  activities: ActivityTable
  operations: OperationTable
  boards: BoardTable
}

/** One entry per version, forward only; `pragma user_version` says how many have run. */
export const MIGRATIONS: readonly (readonly string[])[] = [
  [
    `create table users (id text primary key, organization_id text not null, email text,
       seen_at integer not null) strict`,
    `create table devices (id text primary key, user_id text not null, device_type text not null,
       name text, created_at integer not null, refreshed_at integer not null) strict`,
    'create index devices_by_user on devices (user_id, refreshed_at)',
    `create table realms (domain text primary key, kms_cluster text not null,
       rsa_public_key text not null, updated_at integer not null) strict`,
    `create table conversations (id text primary key, created_by text not null, display_name text,
       encryption_key_url text, default_activity_encryption_key_url text,
       kms_resource_object_url text, created_at integer not null) strict`,
    `create table participants (conversation_id text not null, user_id text not null,
       primary key (conversation_id, user_id)) strict, without rowid`,
    `create table activities (sequence integer primary key autoincrement, id text not null unique,
       conversation_id text not null, actor_id text not null, verb text not null,
       content text not null, display_name text, encryption_key_url text not null,
       published_at integer not null) strict`,
    'create index activities_by_conversation on activities (conversation_id, sequence)',
  ],
  [
    `alter table users add column kind text not null default 'person'`,
    'alter table conversations add column pair text',
    'alter table conversations add column team_id text',
    'alter table conversations add column is_locked integer not null default 0',
    'alter table conversations add column summary text',
    'create unique index conversations_by_pair on conversations (pair) where pair is not null',
    'create index conversations_by_team on conversations (team_id) where team_id is not null',
    'create index conversations_by_resource on conversations (kms_resource_object_url)',
    'alter table participants add column is_moderator integer not null default 0',
    'alter table participants add column joined_at integer not null default 0',
    'create index participants_by_user on participants (user_id)',
    `create table former_keys (conversation_id text not null, key_url text not null,
       primary key (conversation_id, key_url)) strict, without rowid`,
    `create table acts (sequence integer primary key autoincrement, id text not null unique,
       conversation_id text not null, actor_id text not null, verb text not null,
       object text not null, encryption_key_url text, parent_id text, parent_type text,
       client_temp_id text, published_at integer not null) strict`,
    `insert into acts select sequence, id, conversation_id, actor_id, verb,
       json_object('objectType', 'comment', 'content', content, 'displayName', display_name),
       encryption_key_url, null, null, null, published_at from activities`,
    'drop table activities',
    'alter table acts rename to activities',
    'create index activities_by_conversation on activities (conversation_id, published_at)',
    `create table operations (id text primary key, kind text not null, domain text not null,
       turn text not null, room_id text not null, actor_id text not null, tracking_id text not null,
       part text not null, change text not null, kms_message text not null, state text not null,
       created_at integer not null, ended_at integer) strict`,
    `create index operations_open on operations (created_at)
       where state in ('asked', 'withdrawing')`,
    'create index operations_ended on operations (ended_at) where ended_at is not null',
  ],
  [
    `create table boards (id text primary key, conversation_id text not null,
       created_by text not null, kms_resource_url text not null unique,
       default_encryption_key_url text not null, created_at integer not null) strict`,
    'create index boards_by_conversation on boards (conversation_id, created_at)',
  ],
  [
    'create index activities_by_place on activities (conversation_id, sequence)',
    `create index activities_by_parent on activities (parent_id, published_at)
       where parent_id is not null`,
    `create index activities_titles on activities (conversation_id, published_at)
       where verb in ('create', 'update')`,
  ],
]
