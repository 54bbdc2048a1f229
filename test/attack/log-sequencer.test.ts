// The operator works on what is recorded and not yet published: edits it in the database, takes the sequencer's lease
// away, turns the clock, loses a commit's answer, removes the kept checkpoint. Nothing of it is signed unseen.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { checkKept, createPublisher, waitedFor } from '../../src/audit/index.ts'
import { Fault } from '../../src/fault.ts'
import type { IndexedStore } from '../../src/indexer/index.ts'
import { instant, milliseconds, seconds, toRfc3339 } from '../../src/time.ts'
import {
  bodiesOf,
  forge,
  mirrorOf,
  noteOf,
  sizeOf,
  verdictOf,
  verifyMirror,
} from '../support/mirror.ts'
import { ORIGIN, World } from '../support/world.ts'

const WHOLE = { isIntact: true, isComplete: true, where: [] }
const DAY_MS = 86_400_000

let folder: string
let world: World
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyrealm-sequencer-'))
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
const acts = (count: number) =>
  Array.from({ length: count }, () => ({
    action: 'test.happened',
    outcome: 'done' as const,
    actor: { kind: 'system' as const },
  }))
const fill = (count: number): Promise<void> =>
  world.ledger.commit(async () => ({ result: undefined, acts: acts(count) }))
const sizes = () =>
  world.store.read(async (tx) => ({
    recorded: (await tx.audit.head()).sequence,
    published: (await tx.tree.head()).size,
  }))
const isFault = (code: string) => (error: unknown) => error instanceof Fault && error.code === code
const verdict = async () => {
  const { mirror, keys } = await mirrorOf(world)
  return verdictOf(verifyMirror(mirror, keys))
}

describe('an entry that is recorded and not yet published', () => {
  const edit = (sequence: number) =>
    onDisk(
      `update audit_entries set body = replace(body, 'happened', 'hap') where sequence = ${sequence}`,
    )

  test('is not signed after somebody edited it in the database', async () => {
    await open()
    await world.publish()
    await fill(5)
    const { published } = await sizes()
    edit(published + 3)
    for (let again = 0; again < 2; again++) {
      await assert.rejects(world.realm.publisher.step(), isFault('audit.entry-altered'))
    }
    assert.equal((await sizes()).published, published)
  })

  test('is known again in what another node has published', async () => {
    await open()
    await world.publish()
    await fill(300)
    const { published } = await sizes()
    edit(published + 280)
    const { keep, ...parts } = world.realm.publisherParts
    const other = createPublisher({ ...parts, keep, recorded: undefined, holder: 'other' })
    world.advance(seconds(6))
    while ((await other.step()).did === 'published');
    assert.equal((await sizes()).published, published + 300)
    await assert.rejects(world.realm.publisher.step(), isFault('audit.entry-altered'))
  })

  test('is passed by where this process did not record it itself', async () => {
    await open()
    await fill(5)
    await world.restart()
    assert.deepEqual(await verdict(), WHOLE)
  })
})

describe('the sequencer’s lease', () => {
  test('of a time to come holds up nothing: no lease is so long', async () => {
    await open()
    await world.publish()
    for (const until of [world.now() + 5001, world.now() + DAY_MS, Number.MAX_SAFE_INTEGER]) {
      onDisk(`update log_tree set holder = 'another', held_until = ${until}`)
      await fill(1)
      assert.equal((await world.realm.publisher.step()).did, 'published', String(until))
    }
    assert.deepEqual(await verdict(), WHOLE)
  })

  test('turned with the clock does not hide how long entries wait', () => {
    const now = instant(Date.UTC(2026, 2, 1))
    const entry = (time: number) => ({
      sequence: 1,
      body: JSON.stringify({ time: toRfc3339(instant(time)) }),
    })
    assert.equal(waitedFor(undefined, now), 0)
    assert.equal(waitedFor(entry(now - 300), now), milliseconds(300))
    assert.equal(waitedFor(entry(now + DAY_MS), now), milliseconds(DAY_MS))
    assert.equal(waitedFor({ sequence: 1, body: '{}' }, now), Number.POSITIVE_INFINITY)
  })
})

describe('the tree', () => {
  test('that somebody with the keys put in place of the published one is not gone on with', async () => {
    await open()
    await fill(300)
    await world.publish()
    const { mirror } = await mirrorOf(world)
    const forged = forge(
      [...bodiesOf(mirror).with(5, '{}'), '{}'],
      world.realm.logKeys.signing ?? [],
      Math.floor(world.now() / 1000),
    )
    const database = new Sqlite(file())
    for (const level of [0, 1]) {
      for (const [path, hashes] of forged) {
        const [, at, index = ''] = path.split(/[/.]/)
        const put = 'insert or replace into log_tiles (level, tile, hashes) values (?, ?, ?)'
        if (at === `${level}`) database.prepare(put).run(level, Number(index), hashes)
      }
    }
    database
      .prepare('update log_tree set size = ?, checkpoint = ?')
      .run(sizeOf(forged), noteOf(forged))
    database.close()
    const { kept } = world.realm
    const before = kept.length
    await assert.rejects(world.realm.publisher.step(), isFault('audit.log-forked'))
    assert.equal(kept.length, before, 'what was kept stays as the evidence')
  })
})

describe('a commit whose answer was lost', () => {
  test('leaves a counting without holes and without repeats', async () => {
    let isLost = false
    await open((store) => ({
      ...store,
      transact: async (work) => {
        const done = await store.transact(work)
        if (isLost) throw new Fault('store.unreachable')
        return done
      },
    }))
    await fill(2)
    for (const lost of [true, true, false, true, false]) {
      isLost = lost
      await fill(3).catch(isFault('store.unreachable'))
    }
    assert.deepEqual(await verdict(), WHOLE)
  })

  test('is told from one that never came about', async () => {
    let isDying = false
    await open((store) => ({
      ...store,
      transact: (work) =>
        store.transact(async (tx) => {
          const done = await work(tx)
          if (isDying) throw new Fault('store.unreachable')
          return done
        }),
    }))
    for (const dying of [false, true, true, false, true, false]) {
      isDying = dying
      await fill(3).catch(isFault('store.unreachable'))
    }
    assert.deepEqual(await verdict(), WHOLE)
  })
})

describe('the checkpoint kept outside the database', () => {
  test('is missed once there was one, so that removing it does not help yesterday’s copy', async () => {
    await open()
    const check = () => world.store.read((tx) => checkKept(tx, undefined, () => ORIGIN))
    assert.equal((await check()).verdict, 'whole', 'nothing was ever published')
    await world.publish()
    assert.equal((await check()).verdict, 'unkept')
  })

  test('is there before the first one of a log can be published', async () => {
    await open()
    await world.publish()
    const [beginning, first] = world.realm.kept
    assert.equal(beginning, `${ORIGIN}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n`)
    assert.ok(first?.startsWith(`${ORIGIN}\n`) && first.includes('—'))
    const verdicts = [beginning, first].map((note) =>
      world.store.read((tx) => checkKept(tx, note, () => ORIGIN)),
    )
    for (const one of await Promise.all(verdicts)) assert.equal(one.verdict, 'whole')
  })

  test('is that of other nodes, too', async () => {
    await open()
    await world.publish()
    const kept: string[] = []
    const other = createPublisher({
      ...world.realm.publisherParts,
      keep: (note) => void kept.push(note),
      holder: 'other',
    })
    await other.step()
    await fill(1)
    await world.publish()
    await other.step()
    await other.step()
    assert.deepEqual(kept, world.realm.kept.slice(-2))
  })
})
