// The operator works on the database under the realm, puts back yesterday's copy, or the process dies between
// recording and publishing: the realm goes on exactly where it may, and refuses where it may not.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { checkKept } from '../../src/audit/index.ts'
import { Fault } from '../../src/fault.ts'
import type { IndexedStore } from '../../src/indexer/index.ts'
import { openStore } from '../../src/store/index.ts'
import { seconds } from '../../src/time.ts'
import { mirrorOf, verdictOf, verifyMirror } from '../support/mirror.ts'
import { aRoom, ORIGIN, World } from '../support/world.ts'

const WHOLE = { isIntact: true, isComplete: true, where: [] }

let folder: string
let world: World
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyrealm-log-'))
})
afterEach(async () => {
  await world.close()
  rmSync(folder, { recursive: true, force: true })
})

const file = () => join(folder, 'realm.sqlite')
const open = async (wrapStore?: (store: IndexedStore) => IndexedStore): Promise<World> => {
  const store = { kind: 'sqlite', file: file() } as const
  world = await World.open({ store, ...(wrapStore === undefined ? {} : { wrapStore }) })
  return world
}
const onDisk = (sql: string): void => {
  const database = new Sqlite(file())
  database.exec(sql)
  database.close()
}
const fill = (count: number): Promise<void> =>
  world.ledger.commit(async () => ({
    result: undefined,
    acts: Array.from({ length: count }, () => ({
      action: 'test.happened',
      outcome: 'done',
      actor: { kind: 'system' },
    })),
  }))
const sizes = () =>
  world.store.read(async (tx) => ({
    recorded: (await tx.audit.head()).sequence,
    published: (await tx.tree.head()).size,
  }))
const isFault = (code: string) => (error: unknown) => error instanceof Fault && error.code === code
const isWhole = async (): Promise<void> => {
  const { mirror, keys } = await mirrorOf(world)
  assert.deepEqual(verdictOf(verifyMirror(mirror, keys)), WHOLE)
}

describe('publishing', () => {
  test('covers what was recorded before the process died', async () => {
    await open()
    await world.publish()
    await fill(300)
    const before = await sizes()
    assert.ok(before.published < before.recorded)
    await world.restart()
    await isWhole()
    const now = await sizes()
    assert.equal(now.published, now.recorded)
  })

  test('that died before its commit is done again, and nobody had seen it', async () => {
    let isDying = true
    await open((store) => ({
      ...store,
      transact: (work) =>
        store.transact((tx) =>
          work({
            ...tx,
            tree: {
              ...tx.tree,
              advance: async (...step) => {
                await tx.tree.advance(...step)
                if (isDying) throw new Fault('test.killed')
                return true
              },
            },
          }),
        ),
    }))
    await assert.rejects(world.publish(), isFault('test.killed'))
    assert.deepEqual(
      world.realm.kept.map((note) => note.includes('—')),
      [false],
    )
    assert.equal((await sizes()).published, 0)
    isDying = false
    await isWhole()
  })

  test('leaves the tree to the node that holds it, until that falls silent', async () => {
    await open()
    await world.publish()
    onDisk(`update log_tree set holder = 'another', held_until = ${world.now() + 5000}`)
    await fill(1)
    assert.deepEqual(await world.realm.publisher.step(), { did: 'followed' })
    world.advance(seconds(5))
    assert.equal((await world.realm.publisher.step()).did, 'published')
    await isWhole()
  })

  test('waits for the unlock, and then covers what was recorded meanwhile', async () => {
    await open()
    await world.publish()
    const { published } = await sizes()
    world.realm.keyring.lock()
    world.realm.logKeys.lock()
    await fill(3)
    assert.deepEqual(await world.realm.publisher.step(), { did: 'locked' })
    assert.equal((await sizes()).published, published)
    await world.realm.unlock()
    await isWhole()
  })

  test('refuses to pass over an entry that was deleted', async () => {
    await open()
    await world.publish()
    const { published } = await sizes()
    await fill(5)
    onDisk(`delete from audit_entries where sequence = ${published + 2}`)
    await assert.rejects(world.realm.publisher.step(), isFault('audit.entry-missing'))
    assert.equal((await sizes()).published, published)
  })

  test('refuses a tree that is not the one it signed', async () => {
    await open()
    await fill(300)
    await world.publish()
    onDisk('update log_tiles set hashes = zeroblob(length(hashes)) where level = 0 and tile = 1')
    await fill(1)
    await world.restart()
    await assert.rejects(world.realm.publisher.step(), isFault('audit.tree-damaged'))
  })

  test('says again what it said when it grows old, and nothing else', async () => {
    await open()
    const { note } = await world.publish()
    assert.equal((await world.realm.publisher.step()).did, 'nothing')
    world.advance(seconds(60))
    const later = await world.publish()
    assert.notEqual(later.note, note)
    assert.deepEqual(later.note.split('\n').slice(0, 4), note.split('\n').slice(0, 4))
  })
})

describe('yesterday’s copy of the database', () => {
  const originOf = () => ORIGIN
  const judge = async (note: string) => {
    const store = await openStore({ kind: 'sqlite', file: file() })
    try {
      return (await store.read((tx) => checkKept(tx, note, originOf))).verdict
    } finally {
      await store.close()
    }
  }

  test('is known by the checkpoint kept outside it, also after it went on', async () => {
    await open()
    await fill(20)
    const { note: early } = await world.publish()
    const copy = join(folder, 'yesterday.sqlite')
    onDisk(`vacuum into '${copy}'`)
    await fill(5)
    const { note: late } = await world.publish()
    assert.deepEqual([await judge(early), await judge(late)], ['whole', 'whole'])
    await world.close()
    for (const end of ['', '-wal', '-shm']) rmSync(`${file()}${end}`, { force: true })
    new Sqlite(copy).exec(`vacuum into '${file()}'`).close()
    assert.deepEqual([await judge(early), await judge(late)], ['whole', 'behind'])
    await open()
    // A realm that went on all the same would fork its log.
    await fill(50)
    await world.publish()
    assert.deepEqual([await judge(early), await judge(late)], ['whole', 'forked'])
    assert.equal(await judge('no checkpoint'), 'unreadable')
  })
})

describe('a log that cannot record', () => {
  test('lets no key out', async () => {
    let isFull = false
    await open((store) => ({
      ...store,
      transact: (work) =>
        store.transact((tx) =>
          work({
            ...tx,
            audit: {
              ...tx.audit,
              append: async (...entries) => {
                if (isFull) throw new Fault('store.full')
                await tx.audit.append(...entries)
              },
            },
          }),
        ),
    }))
    const alice = await world.signedIn('alice')
    const { key } = await aRoom(alice)
    isFull = true
    const answer = await alice.ask('retrieve', key.uri)
    assert.equal(answer['status'], 500)
    assert.equal('key' in answer, false)
    isFull = false
    assert.ok('key' in (await alice.ask('retrieve', key.uri)))
  })
})
