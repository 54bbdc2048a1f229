// kill -9 of the core at every step of an operation, four kinds of operation at a time, also while the realm is dead.
// After its restart core and realm agree on every room: both have done it, or neither has.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { type ActingRealm, createActingRealm } from './acting-realm.ts'
import type { FakeRealm } from './fake-realm.ts'
import { type KilledCore, openKilledCore } from './killed-core.ts'
import { add, K1, K2, leave, newRoom, PATH, type Room, updateKey } from './room-life.ts'
import { ACME, BOB } from './world.ts'

const PATIENCE_MS = 400

let core: KilledCore
let realm: ActingRealm
let line: FakeRealm

const dial = async (): Promise<void> => {
  line = await realm.dial({ port: core.world.core.linkPort, authority: core.world.authority })
}
const ask = async (path: string, body: object) => {
  const { text } = await core.world.ask('POST', `${PATH}${path}`, { token: 'alice', body })
  return JSON.parse(text)
}
const makeRoom = (...names: readonly string[]): Promise<Room> =>
  ask('/conversations', newRoom(names))

before(async () => {
  core = await openKilledCore({ realmPatienceMs: PATIENCE_MS })
  realm = createActingRealm(ACME.domain, ACME.organizationId)
  await core.start()
  await dial()
})
after(() => core.close())

let rooms: readonly Room[]
beforeEach(async () => {
  rooms = [await makeRoom('alice'), await makeRoom('alice', 'bob'), await makeRoom('alice', 'bob')]
})

/** One of each kind, at once; what becomes of the requests is of no interest. */
const doAll = (): Promise<unknown> => {
  const [toJoin, toLeave, toRotate] = rooms
  const act = (room: Room | undefined, activity: object) =>
    ask(`/conversations/${room?.id}/activities`, { objectType: 'activity', ...activity })
  return Promise.allSettled([
    makeRoom('alice', 'carol'),
    act(toJoin, add('bob')),
    act(toLeave, leave('bob')),
    act(toRotate, updateKey(K2)),
  ])
}
const KINDS = 4

const openCount = (): number => {
  const database = new Sqlite(join(core.world.directory, 'core.sqlite'), { readonly: true })
  const [row] = database
    .prepare<[], { count: number }>(
      `select count(*) as count from operations where state in ('asked', 'withdrawing')`,
    )
    .all()
  database.close()
  return row?.count ?? 0
}
const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await delay(2)
}

/** Both sides say the same of every room: who is in it, and which key is new. */
const assertAgreement = async (): Promise<void> => {
  await until(() => openCount() === 0)
  const path = `${PATH}/conversations?conversationsLimit=1000`
  const { text } = await core.world.ask('GET', path, { token: 'alice' })
  const { items }: { items: Room[] } = JSON.parse(text)
  assert.equal(items.length, realm.authorized.size)
  for (const room of items) {
    const members = room.participants.items.map(({ id }) => id)
    const authorized = realm.authorized.get(room.kmsResourceObjectUrl) ?? []
    assert.deepEqual(new Set(members), new Set(authorized))
    const key = room.defaultActivityEncryptionKeyUrl
    if (key !== undefined) assert.equal(key, realm.bound.get(room.kmsResourceObjectUrl)?.at(-1))
  }
}
/** What became of the four: joined, left, rotated; the fourth is in the number of rooms. */
const outcome = async () => {
  const show = async (room: Room | undefined): Promise<Room> => {
    const path = `${PATH}/conversations/${room?.id}`
    return JSON.parse((await core.world.ask('GET', path, { token: 'alice' })).text)
  }
  const [joined, left, rotated] = await Promise.all(rooms.map(show))
  const hasBob = (room?: Room): boolean =>
    room?.participants.items.some(({ id }) => id === BOB) ?? false
  return [hasBob(joined), !hasBob(left), rotated?.defaultActivityEncryptionKeyUrl === K2]
}

const killAndRestart = async (doing: Promise<unknown>): Promise<void> => {
  await core.kill()
  await doing
  line.cut()
  realm.mode = 'in-order'
  realm.withdraws = true
  await core.start()
  await dial()
  await assertAgreement()
}

test('killed when it has written down what it will ask, before the realm has read any of it', async () => {
  const before = realm.asked.length
  line.pause()
  const doing = doAll()
  await until(() => openCount() === KINDS)
  await killAndRestart(doing)
  assert.equal(new Set(realm.asked.slice(before).map(({ id }) => id)).size, KINDS)
  assert.deepEqual(await outcome(), [true, true, true])
})

test('killed when the realm has applied it, and its answer never came', async () => {
  realm.mode = 'applies-and-is-silent'
  const before = realm.asked.length
  const doing = doAll()
  await until(() => realm.asked.length === before + KINDS)
  await killAndRestart(doing)
  const ids = realm.asked.slice(before).map(({ id }) => id)
  assert.equal(new Set(ids).size, KINDS)
  assert.equal(ids.length, 2 * KINDS)
  assert.deepEqual(await outcome(), [true, true, true])
})

for (const laterMs of [0, 1, 2, 3, 5, 8]) {
  test(`killed about ${laterMs} ms after the realm has begun to answer`, async () => {
    const before = realm.asked.length
    const doing = doAll()
    await until(() => realm.asked.length > before)
    await delay(laterMs)
    await killAndRestart(doing)
  })
}

test('killed with a withdrawal on its way of what the realm never applied', async () => {
  realm.mode = 'silent'
  realm.withdraws = false
  const doing = doAll()
  await doing
  await until(() => openCount() === KINDS)
  await killAndRestart(doing)
  assert.deepEqual(await outcome(), [false, false, false])
})

test('killed with a withdrawal on its way of what the realm had applied', async () => {
  realm.mode = 'applies-and-is-silent'
  realm.withdraws = false
  const doing = doAll()
  await doing
  await until(() => openCount() === KINDS)
  await killAndRestart(doing)
  assert.deepEqual(await outcome(), [true, true, true])
})

/** The realm dies first: its line drops with the questions on it. */
const killBoth = async (doing: Promise<unknown>): Promise<void> => {
  line.cut()
  await killAndRestart(doing)
}

test('the realm dies before it has read any of it, and the core before the realm is back', async () => {
  const before = realm.asked.length
  line.pause()
  const doing = doAll()
  await until(() => openCount() === KINDS)
  await killBoth(doing)
  assert.equal(new Set(realm.asked.slice(before).map(({ id }) => id)).size, KINDS)
  assert.deepEqual(await outcome(), [true, true, true])
})

test('the realm dies when it has applied it, and the core before the realm is back', async () => {
  realm.mode = 'applies-and-is-silent'
  const before = realm.asked.length
  const doing = doAll()
  await until(() => realm.asked.length === before + KINDS)
  await killBoth(doing)
  const ids = realm.asked.slice(before).map(({ id }) => id)
  assert.equal(new Set(ids).size, KINDS)
  assert.deepEqual(await outcome(), [true, true, true])
})

for (const [mode, what, isApplied] of [
  ['silent', 'never applied', false],
  ['applies-and-is-silent', 'had applied', true],
] as const) {
  test(`the realm dies, the core gives up what the realm ${what}, and dies before it can say so`, async () => {
    realm.mode = mode
    const before = realm.asked.length
    const doing = doAll()
    await until(() => realm.asked.length === before + KINDS)
    line.cut()
    await doing
    const withdrawn = realm.withdrawn.length
    await killAndRestart(doing)
    assert.equal(realm.withdrawn.length, withdrawn + KINDS)
    assert.deepEqual(await outcome(), [isApplied, isApplied, isApplied])
  })
}

test('after all that, rooms go on as if nothing had happened', async () => {
  const [room] = rooms
  const body = { objectType: 'activity', ...add('carol') }
  assert.equal((await ask(`/conversations/${room?.id}/activities`, body)).verb, 'add')
  assert.equal(room?.defaultActivityEncryptionKeyUrl, K1)
  await assertAgreement()
})
