// The power fails, or the disk is full, while a SQLite database is brought forward. What was not flushed is lost in any
// part and in any order: the write-ahead log is torn wherever it can be, and so is the database once the log is flushed.

import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openStore } from '../../src/store/index.ts'
import { aDisk, fill } from '../support/disk.ts'
import { good, keyrealm } from '../support/made-realm.ts'
import {
  copyRealm,
  type Filled,
  makeOldRealm,
  type OldRealm,
  readAll,
} from '../support/old-realm.ts'
import { spread } from './crash/deaths.ts'
import { keepsAll, schemaOf, storeOf, verifies } from './upgrade/whole.ts'

const LOG_HEADER = 32
const FRAME_HEADER = 24
const TEARS = 8

let old: OldRealm
let rows: ReadonlyMap<string, Filled>
before(async () => {
  old = await makeOldRealm({ migrations: 6, rooms: 12 })
  rows = await readAll(storeOf(old))
})
after(() => old?.remove())

const fileOf = (realm: OldRealm): string => realm.path('state/realm.sqlite')

/** Before; with the commit in the log alone; and with all of it written back. */
const upgraded = async () => {
  const realm = copyRealm(old)
  const file = fileOf(realm)
  const was = readFileSync(file)
  const store = await openStore({ kind: 'sqlite', file }, 'allowed')
  const [database, log] = [readFileSync(file), readFileSync(`${file}-wal`)]
  await store.close()
  const written = readFileSync(file)
  realm.remove()
  // Nothing was written back, so nothing of the log needs to have reached the disk.
  assert.ok(database.equals(was))
  return { database, log, written }
}

/** What the disk holds when the power is back. */
const leave = (realm: OldRealm, database: Uint8Array, log: Uint8Array): void => {
  rmSync(`${fileOf(realm)}-shm`, { force: true })
  writeFileSync(fileOf(realm), database)
  writeFileSync(`${fileOf(realm)}-wal`, log, { mode: 0o600 })
}

const without = (log: Uint8Array, from: number, to: number): Uint8Array => {
  const torn = Uint8Array.from(log)
  torn.fill(0, from, to)
  return torn
}

test('a power cut before the log is flushed leaves the old schema, wherever the log is torn', async (t) => {
  const { database, log } = await upgraded()
  const frame = FRAME_HEADER + new DataView(database.buffer, database.byteOffset).getUint16(16)
  const frames = (log.length - LOG_HEADER) / frame
  assert.ok(frames > TEARS && Number.isInteger(frames), `${frames} pages`)
  const realm = copyRealm(old)
  t.after(() => realm.remove())
  const wanted = await schemaOf(storeOf(realm))
  leave(realm, database, log)
  const newer = await schemaOf(storeOf(realm))
  assert.notEqual(newer, wanted)
  await keepsAll(realm, rows)
  for (const at of spread(frames, TEARS)) {
    const start = LOG_HEADER + at * frame
    const tears = [
      log.subarray(0, start),
      log.subarray(0, start + frame / 2),
      without(log, start, start + frame),
      without(log, start + FRAME_HEADER, start + FRAME_HEADER + 512),
    ]
    for (const torn of tears) {
      leave(realm, database, torn)
      assert.equal(await schemaOf(storeOf(realm)), wanted, `torn at page ${at} of ${frames}`)
    }
  }
  leave(realm, database, without(log, log.length - frame, log.length))
  await keepsAll(realm, rows)
  await good('upgrade', '--config', realm.config, '--no-backup')
  assert.equal(await schemaOf(storeOf(realm)), newer)
  await keepsAll(realm, rows)
  await verifies(realm)
  t.diagnostic(`${frames} pages, torn at ${TEARS} of them`)
})

test('a power cut while the log is written back leaves the new schema, whichever pages had got there', async (t) => {
  const { database, log, written } = await upgraded()
  const realm = copyRealm(old)
  t.after(() => realm.remove())
  leave(realm, database, log)
  const newer = await schemaOf(storeOf(realm))
  const page = new DataView(database.buffer, database.byteOffset).getUint16(16)
  for (let every = 2; every <= 6; every += 1) {
    const mixed = Buffer.from(written)
    for (let at = 0; at * page < database.length; at += 1) {
      if (at % every === 0) database.copy(mixed, at * page, at * page, (at + 1) * page)
    }
    leave(realm, mixed, log)
    assert.equal(await schemaOf(storeOf(realm)), newer)
    await keepsAll(realm, rows)
  }
})

test('a full disk stops an upgrade as if it had not begun, and freeing space is all that it takes', async (t) => {
  const disk = aDisk(t, 8)
  if (disk === undefined) return t.skip('no tmpfs can be mounted here: nobody has filled a disk')
  mkdirSync(join(disk, 'state'), { mode: 0o700 })
  const file = join(disk, 'state/realm.sqlite')
  copyFileSync(fileOf(old), file)
  const realm = copyRealm(old, { kind: 'sqlite', file })
  t.after(() => realm.remove())
  const wanted = await schemaOf(storeOf(realm))
  let stopped = 0
  for (const leave of [0, 40_000, 120_000, 200_000]) {
    const free = fill(disk, leave)
    const { code, error } = await keyrealm('upgrade', '--config', realm.config, '--no-backup')
    free()
    if (code === 0) break
    stopped += 1
    assert.match(error, /no space left .* as it was \(main\.disk-full\)\n.*Free some space/, error)
    assert.equal(await schemaOf(storeOf(realm)), wanted)
    await keepsAll(realm, rows)
  }
  assert.ok(stopped >= 2, `${stopped} full disks`)
  await good('upgrade', '--config', realm.config, '--no-backup')
  await keepsAll(realm, rows)
  await verifies(realm)
})
