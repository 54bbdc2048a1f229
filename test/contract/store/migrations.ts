// A database is brought to this program's schema once, and refused if its history is not this program's.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openStore, type StoreSettings } from '../../../src/store/index.ts'
import { execute } from './execute.ts'
import { type Implementation, openFor } from './implementations.ts'
import { entriesAfter, NOW } from './make.ts'

const migrated = async (on: Implementation): Promise<StoreSettings> => {
  const settings = await on.fresh()
  await (await openStore(settings)).close()
  return settings
}

export const migrationsContract = (on: Implementation): void => {
  describe('migrations', () => {
    test('run once, however often and by however many the database is opened', async () => {
      const settings = await on.fresh()
      const stores = await Promise.all([0, 1, 2].map(() => openFor(settings)))
      for (const store of stores) {
        await store.transact(async (tx) =>
          tx.audit.append(entriesAfter(await tx.audit.head(), 1), NOW),
        )
      }
      const again = await openFor(settings)
      assert.equal((await again.read((tx) => tx.audit.head())).sequence, 3)
    })

    test('that were changed after they were applied refuse the start', async () => {
      const settings = await migrated(on)
      await execute(
        settings,
        `update migration_texts set text = text || ' ' where name like '0002%'`,
      )
      await assert.rejects(openStore(settings), { name: 'Fault', code: 'store.migration-changed' })
    })

    test('that this program does not know refuse the start', async () => {
      const settings = await migrated(on)
      await execute(settings, `insert into migration_texts (name, text) values ('9999-later', '')`)
      await assert.rejects(openStore(settings), { name: 'Fault', code: 'store.migration-unknown' })
    })

    test('that fail refuse the start and leave nothing half done', async () => {
      const settings = await on.fresh()
      if (settings.kind === 'sqlite')
        await (await openStore({ ...settings, file: `${settings.file}.other` })).close()
      await execute(settings, 'create table sessions (in_the_way text)')
      await assert.rejects(openStore(settings), { name: 'Fault', code: 'store.migration-failed' })
      await execute(settings, 'drop table sessions')
      await openFor(settings)
    })
  })
}
