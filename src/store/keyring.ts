// The upper two levels of the key hierarchy: main keys (public facts only) and key-encryption keys
// (wrapped). Nothing here can be unwrapped without what the realm was unlocked with.

import { Fault } from '../fault.ts'
import type { KeyEncryptionKey, KeyringStore, MainKey, Purpose } from '../kms/index.ts'
import { instant } from '../time.ts'
import { branded, bytes, oneOf } from './mapping.ts'
import { keyEncryptionKeyColumns, mainKeyColumns, type RowOf } from './schema.ts'
import { type Dialect, type Link, prepare, prepareInsert } from './statement.ts'

const PURPOSES: Readonly<Record<Purpose, Purpose>> = {
  content: 'content',
  session: 'session',
  identity: 'identity',
  bearer: 'bearer',
  search: 'search',
  log: 'log',
}

const toMainKey = (row: RowOf<typeof mainKeyColumns>): MainKey => ({
  id: row.id,
  organizationId: branded<MainKey['organizationId']>(row.organization_id),
  createdAt: instant(row.created_at),
})

const fromMainKey = (key: MainKey): RowOf<typeof mainKeyColumns> => ({
  id: key.id,
  organization_id: key.organizationId,
  created_at: key.createdAt,
})

type KeyEncryptionKeyRow = RowOf<typeof keyEncryptionKeyColumns>

const toKeyEncryptionKey = (row: KeyEncryptionKeyRow): KeyEncryptionKey => ({
  id: row.id,
  mainKeyId: row.main_key_id,
  organizationId: branded<KeyEncryptionKey['organizationId']>(row.organization_id),
  purpose: oneOf(PURPOSES, row.purpose),
  wrapped: bytes(row.wrapped),
  createdAt: instant(row.created_at),
  wraps: row.wraps,
})

const fromKeyEncryptionKey = (key: KeyEncryptionKey): KeyEncryptionKeyRow => ({
  id: key.id,
  main_key_id: key.mainKeyId,
  organization_id: key.organizationId,
  purpose: key.purpose,
  wrapped: key.wrapped,
  created_at: key.createdAt,
  wraps: key.wraps,
})

const prepareStatements = (dialect: Dialect) => ({
  mainKeys: prepare(dialect, 'main-keys.all', {}, (db) =>
    db.selectFrom('main_keys').selectAll().orderBy('created_at').orderBy('id'),
  ),
  insertMainKey: prepareInsert(dialect, 'main_keys', mainKeyColumns),
  keyEncryptionKeys: prepare(dialect, 'key-encryption-keys.all', {}, (db) =>
    db.selectFrom('key_encryption_keys').selectAll().orderBy('created_at').orderBy('id'),
  ),
  insertKeyEncryptionKey: prepareInsert(dialect, 'key_encryption_keys', keyEncryptionKeyColumns),
  countWraps: prepare(
    dialect,
    'key-encryption-keys.count-wraps',
    { id: 'text', wraps: 'integer' },
    (db, p) =>
      db
        .updateTable('key_encryption_keys')
        .set((eb) => ({ wraps: eb('wraps', '+', p.wraps) }))
        .where('id', '=', p.id),
  ),
})

export const prepareKeyring = (dialect: Dialect) => {
  const statements = prepareStatements(dialect)
  return (link: Link): KeyringStore => ({
    mainKeys: async () => (await link.all(statements.mainKeys, {})).map(toMainKey),
    async insertMainKey(mainKey) {
      await link.insertAll(statements.insertMainKey, [fromMainKey(mainKey)])
    },
    async keyEncryptionKeys() {
      return (await link.all(statements.keyEncryptionKeys, {})).map(toKeyEncryptionKey)
    },
    async insertKeyEncryptionKey(key) {
      await link.insertAll(statements.insertKeyEncryptionKey, [fromKeyEncryptionKey(key)])
    },
    async countWraps(id, wraps) {
      const changed = await link.run(statements.countWraps, { id, wraps })
      if (changed !== 1) throw new Fault('store.unknown-key-encryption-key')
    },
  })
}
