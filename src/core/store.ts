// The core's own database: SQLite through kysely, one file. No other file of the core speaks SQL, and
// nothing on the way of a posted KMS message comes here.

import SQLite from 'better-sqlite3'
import { type Insertable, Kysely, type Selectable, SqliteDialect, sql } from 'kysely'
import { Fault } from '../fault.ts'
import {
  type ActivityTable,
  type ConversationTable,
  type DeviceTable,
  MIGRATIONS,
  type RealmTable,
  type Tables,
  type UserTable,
} from './schema.ts'

export type DeviceRow = Selectable<DeviceTable>
export type ConversationRow = Selectable<ConversationTable>
export type ActivityRow = Selectable<ActivityTable>

export interface ParticipantRow {
  readonly id: string
  readonly email: string | null
}

export interface ActivityPage {
  readonly conversationId: string
  /** Only activities after this one, by its id. */
  readonly after?: string
  readonly limit: number
}

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

const conversations = (db: Db) => ({
  addConversation: (row: ConversationRow, participantIds: readonly string[]): Promise<void> =>
    db.transaction().execute(async (tx) => {
      await tx.insertInto('conversations').values(row).execute()
      const members = participantIds.map((id) => ({ conversation_id: row.id, user_id: id }))
      await tx.insertInto('participants').values(members).execute()
    }),
  /** The conversation, if the user is in it: "not there" and "not a member" are the same answer. */
  findConversation: (id: string, userId: string): Promise<ConversationRow | undefined> =>
    db
      .selectFrom('conversations')
      .innerJoin('participants', 'participants.conversation_id', 'conversations.id')
      .selectAll('conversations')
      .where('conversations.id', '=', id)
      .where('participants.user_id', '=', userId)
      .executeTakeFirst(),
  participantsOf: (conversationId: string): Promise<readonly ParticipantRow[]> =>
    db
      .selectFrom('participants')
      .leftJoin('users', 'users.id', 'participants.user_id')
      .select(['participants.user_id as id', 'users.email'])
      .where('conversation_id', '=', conversationId)
      .execute(),
})

const activities = (db: Db) => ({
  async addActivity(row: Omit<Insertable<ActivityTable>, 'sequence'>): Promise<void> {
    await db.insertInto('activities').values(row).execute()
  },
  /** Oldest first. An unknown `after` starts from the beginning. */
  activitiesOf: ({
    conversationId,
    after,
    limit,
  }: ActivityPage): Promise<readonly ActivityRow[]> => {
    const page = db
      .selectFrom('activities')
      .selectAll()
      .where('conversation_id', '=', conversationId)
      .orderBy('sequence')
      .limit(limit)
    if (after === undefined) return page.execute()
    const mark = db
      .selectFrom('activities')
      .select('sequence')
      .where('id', '=', after)
      .where('conversation_id', '=', conversationId)
    return page
      .where((where) => where('sequence', '>', where.fn.coalesce(mark, where.val(0))))
      .execute()
  },
})
