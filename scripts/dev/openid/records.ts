// Keeps what the provider must remember (sessions, codes, grants, opaque tokens) in one SQLite file, so that tokens
// stay good when the provider is killed and started again. It is the "adapter" of oidc-provider and nothing more.
import Database from 'better-sqlite3'

const SCHEMA = `
  create table if not exists records (
    model text not null,
    id text not null,
    payload text not null,
    grant_id text,
    uid text,
    expires_at integer,
    primary key (model, id)
  ) strict;
  create index if not exists records_by_grant on records (grant_id);
  create index if not exists records_by_uid on records (uid);
`

interface Payload {
  readonly grantId?: string
  readonly uid?: string
  readonly [member: string]: unknown
}

interface Row {
  readonly payload: string
}

export type OpenedRecords = ReturnType<typeof openRecords>

/** Opens the file and gives oidc-provider one adapter per model. */
export function openRecords(file: string) {
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  database.exec(SCHEMA)
  database.prepare('delete from records where expires_at <= ?').run(nowSeconds())
  return {
    adapterFor: (model: string) => adapterFor(database, model),
    close: () => database.close(),
  }
}

function adapterFor(database: Database.Database, model: string) {
  const live = 'and (expires_at is null or expires_at > ?)'
  const byId = database.prepare<[string, string, number], Row>(
    `select payload from records where model = ? and id = ? ${live}`,
  )
  const byUid = database.prepare<[string, string, number], Row>(
    `select payload from records where model = ? and uid = ? ${live}`,
  )
  const put = database.prepare(`insert into records values (?, ?, ?, ?, ?, ?)
    on conflict (model, id) do update set payload = excluded.payload, grant_id = excluded.grant_id,
      uid = excluded.uid, expires_at = excluded.expires_at`)
  const consume = database.prepare(`update records
    set payload = json_set(payload, '$.consumed', ?) where model = ? and id = ?`)
  const destroy = database.prepare('delete from records where model = ? and id = ?')
  const revoke = database.prepare('delete from records where grant_id = ?')
  return {
    async upsert(id: string, payload: Payload, expiresInSeconds?: number): Promise<void> {
      const expiresAt = expiresInSeconds === undefined ? null : nowSeconds() + expiresInSeconds
      const { grantId = null, uid = null } = payload
      put.run(model, id, JSON.stringify(payload), grantId, uid, expiresAt)
    },
    find: async (id: string) => parsed(byId.get(model, id, nowSeconds())),
    findByUid: async (uid: string) => parsed(byUid.get(model, uid, nowSeconds())),
    // Only the device flow, which is off, looks by user code.
    findByUserCode: async () => undefined,
    async consume(id: string): Promise<void> {
      consume.run(nowSeconds(), model, id)
    },
    async destroy(id: string): Promise<void> {
      destroy.run(model, id)
    },
    async revokeByGrantId(grantId: string): Promise<void> {
      revoke.run(grantId)
    },
  }
}

function parsed(row: Row | undefined): unknown {
  return row === undefined ? undefined : JSON.parse(row.payload)
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000)
}
