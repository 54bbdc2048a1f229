// What only SQLite has to promise: about its files, and about other processes that use them.

import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { openStore } from '../../src/store/index.ts'
import { openFor } from './store/implementations.ts'
import { entriesAfter, NOW } from './store/make.ts'

const folder = mkdtempSync(join(tmpdir(), 'keyrealm sqlite-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8)

const extend = (
  tx: Parameters<Parameters<Awaited<ReturnType<typeof openStore>>['transact']>[0]>[0],
) => tx.audit.head().then((head) => tx.audit.append(entriesAfter(head, 1), NOW))

test('its files are for their owner alone', async () => {
  const file = join(folder, 'new', 'deep', 'realm.db')
  const store = await openFor({ kind: 'sqlite', file })
  await store.transact(extend)
  assert.equal(mode(join(folder, 'new', 'deep')), '700')
  for (const end of ['', '-wal', '-shm']) assert.equal(mode(`${file}${end}`), '600')
})

test('a file that others could read is closed to them', async () => {
  const file = join(folder, 'open.db')
  writeFileSync(file, '')
  chmodSync(file, 0o644)
  await openFor({ kind: 'sqlite', file })
  assert.equal(mode(file), '600')
})

test('a file that is no database, or that cannot be made, refuses the start', async () => {
  const file = join(folder, 'noise.db')
  writeFileSync(file, 'noise '.repeat(1000))
  await assert.rejects(openStore({ kind: 'sqlite', file }), { code: 'store.corrupt' })
  const below = join(file, 'realm.db')
  await assert.rejects(openStore({ kind: 'sqlite', file: below }), { code: 'store.unavailable' })
  mkdirSync(join(folder, 'directory.db'))
  const directory = join(folder, 'directory.db')
  await assert.rejects(openStore({ kind: 'sqlite', file: directory }), {
    code: 'store.unavailable',
  })
})

test('no name means a database in memory', async () => {
  const file = join(folder, ':memory:')
  const store = await openFor({ kind: 'sqlite', file })
  await store.transact(extend)
  assert.ok(statSync(file).size > 0)
})

test('it is in WAL mode, for every process that opens it', async () => {
  const file = join(folder, 'wal.db')
  await openFor({ kind: 'sqlite', file })
  const other = new Sqlite(file)
  assert.equal(other.pragma('journal_mode', { simple: true }), 'wal')
  other.close()
})

test('a writer waits for another process, and lets its own work go on meanwhile', async () => {
  const file = join(folder, 'busy.db')
  const store = await openFor({ kind: 'sqlite', file })
  const other = new Sqlite(file)
  other.exec('begin immediate')
  const waiting = store.transact(extend)
  let ticks = 0
  for (let round = 0; round < 10; round++) {
    await setTimeout(10)
    await store.read((tx) => tx.audit.head())
    ticks += 1
  }
  assert.equal(ticks, 10)
  other.exec('rollback')
  other.close()
  await waiting
  assert.equal((await store.read((tx) => tx.audit.head())).sequence, 1)
})
