// A database is read out as of one moment and filled again, into an empty one only, whole or not at all; and one of an
// older program is not touched unless that is allowed.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { Row, Table } from '../../../src/backup/index.ts'
import {
  concludeRefill,
  openRefill,
  openSnapshot,
  openStore,
  type Snapshot,
  type StoreSettings,
} from '../../../src/store/index.ts'
import { execute, migrateSome } from './execute.ts'
import { type Implementation, openFor } from './implementations.ts'
import {
  ALICE,
  anAuthorization,
  anUnboundKey,
  aPerson,
  aResource,
  entriesAfter,
  keyEncryptionKey,
  mainKey,
  NOW,
} from './make.ts'

const rowsOf = async (snapshot: Snapshot, table: Table): Promise<readonly Row[]> => {
  const all: Row[] = []
  for await (const rows of snapshot.rows(table)) all.push(...rows)
  return all
}

const everything = async (snapshot: Snapshot) => {
  const tables = new Map<string, readonly string[]>()
  for (const table of snapshot.tables) {
    const rows = await rowsOf(snapshot, table)
    tables.set(table.name, rows.map((row) => JSON.stringify(row)).toSorted())
  }
  return tables
}

/** A database with something in it, in use. */
const used = async (on: Implementation) => {
  const settings = await on.fresh()
  const store = await openFor(settings)
  const key = anUnboundKey()
  const resource = aResource()
  await store.transact(async (tx) => {
    await tx.keyring.insertMainKey(mainKey)
    await tx.keyring.insertKeyEncryptionKey(keyEncryptionKey)
    await tx.people.remember([aPerson({ userId: ALICE })])
    await tx.keys.insert([key])
    await tx.resources.insert(resource)
    await tx.authorizations.insert([anAuthorization({ resourceUri: resource.uri })])
    await tx.audit.append(entriesAfter(await tx.audit.head(), 1200), NOW)
  })
  return { settings, store, key }
}

/** Filled, and not concluded; answers the name of the filling. */
const fillInto = async (from: Snapshot, settings: StoreSettings): Promise<string> => {
  const restore = randomUUID()
  const refill = await openRefill(settings, { ...from, restore })
  for (const table of from.tables) {
    for await (const rows of from.rows(table)) await refill.insert(table, rows)
  }
  await refill.finish()
  return restore
}

const copyInto = async (from: Snapshot, settings: StoreSettings): Promise<void> =>
  concludeRefill(settings, await fillInto(from, settings))

const folder = mkdtempSync(join(tmpdir(), 'keyrealm copies-'))
after(() => rmSync(folder, { recursive: true, force: true }))

export const copyingContract = (on: Implementation): void => {
  describe('copying', () => {
    test('a snapshot shows one moment, whatever is written while it is read', async () => {
      const { settings, store } = await used(on)
      const snapshot = await openSnapshot(settings)
      const table = snapshot.tables.find(({ name }) => name === 'audit_entries')
      assert.ok(table)
      let read = 0
      for await (const rows of snapshot.rows(table)) {
        read += rows.length
        await store.transact(async (tx) =>
          tx.audit.append(entriesAfter(await tx.audit.head(), 10), NOW),
        )
      }
      const head = snapshot.tables.find(({ name }) => name === 'audit_head')
      assert.ok(head)
      const [row] = await rowsOf(snapshot, head)
      await snapshot.close()
      assert.equal(read, 1200)
      assert.equal(row?.[head.columns.findIndex(({ name }) => name === 'sequence')], 1200)
      assert.ok((await store.read((tx) => tx.audit.head())).sequence > 1200)
    })

    test('what was read out fills an empty database with the same rows, and it goes on from there', async () => {
      const { settings, key } = await used(on)
      const other = await on.fresh()
      const from = await openSnapshot(settings)
      await copyInto(from, other)
      const to = await openSnapshot(other)
      assert.deepEqual(await everything(to), await everything(from))
      await Promise.all([from.close(), to.close()])
      const store = await openFor(other)
      assert.equal((await store.read((tx) => tx.keys.find([key.uri]))).size, 1)
      await store.transact(async (tx) => {
        await tx.audit.append(entriesAfter(await tx.audit.head(), 1), NOW)
        const resource = aResource()
        await tx.resources.insert(resource)
        // Its row gets a number that was not given out before.
        await tx.authorizations.insert([anAuthorization({ resourceUri: resource.uri })])
      })
    })

    test('what one database gave, SQLite takes in', async () => {
      const { settings, key } = await used(on)
      const file = join(folder, `${on.name}.sqlite`)
      const from = await openSnapshot(settings)
      await copyInto(from, { kind: 'sqlite', file })
      await from.close()
      const store = await openFor({ kind: 'sqlite', file })
      const found = await store.read((tx) => tx.keys.find([key.uri]))
      assert.deepEqual(found.get(key.uri), key)
    })

    test('a filling that is given up leaves nothing, and can be done again', async () => {
      const { settings } = await used(on)
      const other = await on.fresh()
      const from = await openSnapshot(settings)
      if (other.kind === 'postgres') {
        const refill = await openRefill(other, { ...from, restore: randomUUID() })
        for (const table of from.tables.slice(0, 4)) {
          for await (const rows of from.rows(table)) await refill.insert(table, rows)
        }
        await refill.abandon()
        const store = await openFor(other)
        assert.equal((await store.read((tx) => tx.audit.head())).sequence, 0)
        assert.equal((await store.read((tx) => tx.keyring.mainKeys())).length, 0)
      }
      await copyInto(from, other)
      await from.close()
    })

    test('a filling that is not concluded is opened by nobody else, and begun anew by the next', async () => {
      const { settings, key } = await used(on)
      const other = await on.fresh()
      const from = await openSnapshot(settings)
      const first = await fillInto(from, other)
      for (const upgrading of ['refused', 'allowed'] as const) {
        const opening = openStore(other, upgrading)
        await assert.rejects(opening, { name: 'Fault', code: 'store.restore-unfinished' })
      }
      await (await openStore(other, 'allowed', first)).close()
      const second = await fillInto(from, other)
      await assert.rejects(openStore(other, 'allowed', first), { code: 'store.restore-unfinished' })
      await assert.rejects(concludeRefill(other, first), { code: 'store.restore-unfinished' })
      await concludeRefill(other, second)
      await concludeRefill(other, second)
      const to = await openSnapshot(other)
      assert.deepEqual(await everything(to), await everything(from))
      await Promise.all([from.close(), to.close()])
      const store = await openFor(other)
      assert.equal((await store.read((tx) => tx.keys.find([key.uri]))).size, 1)
    })

    test('a database in use is not filled', async () => {
      const { settings } = await used(on)
      const from = await openSnapshot(settings)
      const plan = { ...from, restore: randomUUID() }
      await assert.rejects(openRefill(settings, plan), { code: 'store.not-empty' })
      await from.close()
    })

    test('rows of a newer program, or of other tables, are refused', async () => {
      const { settings } = await used(on)
      const from = await openSnapshot(settings)
      const { migrations, tables } = from
      await from.close()
      const restore = randomUUID()
      const newer = { tables, migrations: [...migrations, '9999-later'], restore }
      await assert.rejects(openRefill(await on.fresh(), newer), {
        code: 'store.migration-unknown',
      })
      const other = { migrations, tables: tables.slice(1), restore }
      await assert.rejects(openRefill(await on.fresh(), other), { code: 'store.tables-differ' })
      const older = { migrations: migrations.slice(0, -1), tables, restore }
      await assert.rejects(openRefill(await on.fresh(), older), { code: 'store.tables-differ' })
    })

    test('there is no snapshot of nothing', async () => {
      await assert.rejects(openSnapshot(await on.fresh()), { name: 'Fault' })
    })

    test('a database that an older program made is opened only where upgrading is allowed', async () => {
      const other = await on.fresh()
      await migrateSome(other, 4)
      await execute(
        other,
        `insert into main_keys (id, organization_id, created_at) values ('main-1', 'o', 1)`,
      )
      await assert.rejects(openStore(other), { code: 'store.migration-pending' })
      await assert.rejects(openStore(other), { code: 'store.migration-pending' }, 'and is left so')
      await (await openStore(other, 'allowed')).close()
      const upgraded = await openFor(other)
      assert.equal((await upgraded.read((tx) => tx.keyring.mainKeys())).length, 1)
    })

    test('a history that is not ours is refused before anything is run, allowed or not', async () => {
      const { settings, store } = await used(on)
      await store.close()
      await execute(settings, `insert into migration_texts (name, text) values ('9999-later', '')`)
      for (const upgrading of ['refused', 'allowed'] as const) {
        await assert.rejects(openStore(settings, upgrading), { code: 'store.migration-unknown' })
      }
    })
  })
}
