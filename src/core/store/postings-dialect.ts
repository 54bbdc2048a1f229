// What SQLite and PostgreSQL say differently of postings: how their tables are made, and how a list of values is
// one parameter. Everything else is the same SQL for both.

import SQLite from 'better-sqlite3'
import { type Dialect, PostgresDialect, type RawBuilder, SqliteDialect, sql } from 'kysely'
import pg from 'pg'
import { HASH_BYTES } from '../../boundary/index.ts'
import type { NewList, PostingsSettings } from './postings.ts'

/** Lists of values, each as a table made of one parameter or of one for each column. */
export interface PostingsDialect {
  readonly dialect: Dialect
  readonly tables: readonly string[]
  /** Rows of `postings as p` under these hashes: what comes after `from`. */
  matches(packed: Uint8Array): RawBuilder<unknown>
  /** (hash, doc). */
  pairs(packed: Uint8Array, docs: readonly number[]): RawBuilder<unknown>
  /** (doc). */
  docs(docs: readonly number[]): RawBuilder<unknown>
  /** (resource_uri, message_id, revision, hashes). */
  lists(lists: readonly NewList[]): RawBuilder<unknown>
}

const HEX_PER_HASH = HASH_BYTES * 2

const hexOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')

const hexHashes = (packed: Uint8Array): string[] => {
  const hex = hexOf(packed)
  const hashes: string[] = []
  for (let at = 0; at < hex.length; at += HEX_PER_HASH) {
    hashes.push(hex.slice(at, at + HEX_PER_HASH))
  }
  return hashes
}

const sqliteDialect = (file: string): PostingsDialect => {
  const database = new SQLite(file)
  database.pragma('journal_mode = WAL')
  // What was acknowledged is on the disk.
  database.pragma('synchronous = FULL')
  return {
    dialect: new SqliteDialect({ database }),
    tables: [
      `create table lists (doc integer primary key autoincrement, resource_uri text not null,
         message_id text not null, revision integer not null, hashes blob not null,
         state integer not null) strict`,
      'create table postings (hash blob not null, doc integer not null, primary key (hash, doc)) strict, without rowid',
    ],
    // `cross join` keeps the order: a probe for each hash, whatever statistics say.
    matches: (packed) => sql`json_each(${JSON.stringify(hexHashes(packed))}) as wanted
      cross join postings as p on p.hash = unhex(wanted.value)`,
    pairs(packed, docs) {
      const pairs = hexHashes(packed).map((hex, n) => [hex, docs[n]])
      return sql`(select unhex(value ->> 0) as hash, value ->> 1 as doc
        from json_each(${JSON.stringify(pairs)}))`
    },
    docs: (docs) => sql`(select value as doc from json_each(${JSON.stringify(docs)}))`,
    lists(lists) {
      const rows = lists.map(({ resourceUri, messageId, revision, hashes }) => [
        resourceUri,
        messageId,
        revision,
        hexOf(hashes),
      ])
      return sql`(select value ->> 0 as resource_uri, value ->> 1 as message_id,
        value ->> 2 as revision, unhex(value ->> 3) as hashes
        from json_each(${JSON.stringify(rows)}))`
    },
  }
}

const toHashes = (packed: Uint8Array): Buffer[] => {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  const hashes: Buffer[] = []
  for (let at = 0; at < bytes.length; at += HASH_BYTES) {
    hashes.push(bytes.subarray(at, at + HASH_BYTES))
  }
  return hashes
}

const BIGINT_OID = 20
/** Numbers of lists and revisions stay below 2^53: they were numbers when they came. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === BIGINT_OID && format !== 'binary' ? Number : pg.types.getTypeParser(oid, format),
}

const postgresDialect = (url: string, poolSize: number): PostingsDialect => {
  const pool = new pg.Pool({ connectionString: url, max: poolSize, types })
  // A connection that breaks fails what is asked of it next; unheard this would end the process.
  pool.on('error', () => undefined)
  return {
    dialect: new PostgresDialect({ pool }),
    tables: [
      `create table lists (doc bigint generated always as identity primary key,
         resource_uri text not null, message_id text not null, revision bigint not null,
         hashes bytea not null, state smallint not null)`,
      'create table postings (hash bytea not null, doc bigint not null, primary key (hash, doc))',
    ],
    matches: (packed) => sql`postings as p where p.hash = any(${toHashes(packed)}::bytea[])`,
    pairs: (packed, docs) =>
      sql`unnest(${toHashes(packed)}::bytea[], ${docs}::bigint[]) as h(hash, doc)`,
    docs: (docs) => sql`unnest(${docs}::bigint[]) as d(doc)`,
    lists: (lists) => sql`unnest(
        ${lists.map(({ resourceUri }) => resourceUri)}::text[],
        ${lists.map(({ messageId }) => messageId)}::text[],
        ${lists.map(({ revision }) => revision)}::bigint[],
        ${lists.map(({ hashes }) => Buffer.from(hashes))}::bytea[]
      ) as l(resource_uri, message_id, revision, hashes)`,
  }
}

export const dialectOf = (settings: PostingsSettings): PostingsDialect =>
  settings.kind === 'sqlite'
    ? sqliteDialect(settings.file)
    : postgresDialect(settings.url, settings.poolSize)
