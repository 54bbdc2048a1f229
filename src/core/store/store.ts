// The core's own database: SQLite through kysely, one file. Only this and `store/` speak SQL, and nothing on
// the way of a posted KMS message comes here.

import SQLite from 'better-sqlite3'
import { type Insertable, Kysely, type Selectable, SqliteDialect, sql } from 'kysely'
import { Fault } from '../../fault.ts'
import { activities } from './activities.ts'
import { boards } from './boards.ts'
import { conversations } from './conversations.ts'
import { feed } from './feed.ts'
import { found } from './found.ts'
import { operations } from './operations.ts'
import {
  type DeviceTable,
  MIGRATIONS,
  type RealmTable,
  type Tables,
  type UserTable,
} from './schema.ts'

export type DeviceRow = Selectable<DeviceTable>
export type { ActivityPage, ActivityRow } from './activities.ts'
export type { BoardRow } from './boards.ts'
export type { Applied } from './changes.ts'
export type { ConversationRow, ParticipantRow, RosterRow } from './conversations.ts'
export type { FeedRow, FeedRows, Stretch } from './feed.ts'
export type { Before, FoundRow, Wanted } from './found.ts'
export type { OperationRow } from './operations.ts'

export type CoreStore = Awaited<ReturnType<typeof openCoreStore>>

/** Opens the file (`:memory:` for tests) and brings its tables up to date. */
export const openCoreStore = async (file: string) => {
  const sqlite = new SQLite(file)
  sqlite.pragma('journal_mode = WAL')
  sqlite.pragma('synchronous = FULL')
  const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: sqlite }) })
  await migrate(db)
  return {
    ...people(db),
    ...devices(db),
    ...realms(db),
    ...conversations(db),
    ...activities(db),
    ...boards(db),
    ...operations(db),
    ...feed(db),
    ...found(db),
    close: () => db.destroy(),
  }
}

type Db = Kysely<Tables>

const migrate = (db: Db): Promise<void> =>
  db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ user_version: number }>`pragma user_version`.execute(tx)
    const done = rows[0]?.user_version ?? 0
    if (done > MIGRATIONS.length) throw new Fault('core.newer-database')
    for (const statements of MIGRATIONS.slice(done)) {
      for (const statement of statements) await sql.raw(statement).execute(tx)
    }
    await sql.raw(`pragma user_version = ${MIGRATIONS.length}`).execute(tx)
  })

const people = (db: Db) => ({
  async rememberUser(user: Insertable<UserTable>): Promise<void> {
    const { organization_id, email, seen_at } = user
    await db
      .insertInto('users')
      .values(user)
      .onConflict((same) => same.column('id').doUpdateSet({ organization_id, email, seen_at }))
      .execute()
  },
  /** A machine account is listed as what it is. */
  async setUserKind(id: string, kind: 'person' | 'machine'): Promise<void> {
    await db.updateTable('users').set({ kind }).where('id', '=', id).execute()
  },
  async organizationOf(userId: string): Promise<string | undefined> {
    const found = await db
      .selectFrom('users')
      .select('organization_id')
      .where('id', '=', userId)
      .executeTakeFirst()
    return found?.organization_id
  },
})

const devices = (db: Db) => ({
  /** Adds a device; the user's stalest ones beyond `most` go. Answers the ids that went. */
  addDevice: (device: Insertable<DeviceTable>, most: number): Promise<readonly string[]> =>
    db.transaction().execute(async (tx) => {
      await tx.insertInto('devices').values(device).execute()
      const kept = tx
        .selectFrom('devices')
        .select('id')
        .where('user_id', '=', device.user_id)
        .orderBy('refreshed_at', 'desc')
        .orderBy('created_at', 'desc')
        .limit(most)
      const gone = await tx
        .deleteFrom('devices')
        .where('user_id', '=', device.user_id)
        .where('id', '!=', device.id)
        .where('id', 'not in', kept)
        .returning('id')
        .execute()
      return gone.map(({ id }) => id)
    }),
  devicesOf: (userId: string): Promise<readonly DeviceRow[]> =>
    db
      .selectFrom('devices')
      .selectAll()
      .where('user_id', '=', userId)
      .orderBy('created_at')
      .execute(),
  findDevice: (id: string): Promise<DeviceRow | undefined> =>
    db.selectFrom('devices').selectAll().where('id', '=', id).executeTakeFirst(),
  async refreshDevice(id: string, refreshedAt: number): Promise<void> {
    await db
      .updateTable('devices')
      .set({ refreshed_at: refreshedAt })
      .where('id', '=', id)
      .execute()
  },
  async removeDevice(id: string): Promise<void> {
    await db.deleteFrom('devices').where('id', '=', id).execute()
  },
})

const realms = (db: Db) => ({
  allRealms: (): Promise<readonly Selectable<RealmTable>[]> =>
    db.selectFrom('realms').selectAll().execute(),
  async rememberRealm(realm: Insertable<RealmTable>): Promise<void> {
    const { kms_cluster, rsa_public_key, updated_at } = realm
    await db
      .insertInto('realms')
      .values(realm)
      .onConflict((same) =>
        same.column('domain').doUpdateSet({ kms_cluster, rsa_public_key, updated_at }),
      )
      .execute()
  },
})
