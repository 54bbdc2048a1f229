// The core's tables as types, and the statements that make them. Ciphertext, names and times only:
// there is no column that could hold a key, a token or a readable message.

import type { Generated } from 'kysely'

export interface UserTable {
  id: string
  organization_id: string
  email: string | null
  seen_at: number
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
}

export interface ParticipantTable {
  conversation_id: string
  user_id: string
}

export interface ActivityTable {
  sequence: Generated<number>
  id: string
  conversation_id: string
  actor_id: string
  verb: string
  content: string
  display_name: string | null
  encryption_key_url: string
  published_at: number
}

export interface Tables {
  users: UserTable
  devices: DeviceTable
  realms: RealmTable
  conversations: ConversationTable
  participants: ParticipantTable
  activities: ActivityTable
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
]
