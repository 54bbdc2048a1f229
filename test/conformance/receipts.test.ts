// Usage receipts, and the reconciliation of a real log: what stock clients never send must disturb none of them, and
// what is sent is believed of its sender alone.

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { type Orphan, reconcile } from '../../src/audit/index.ts'
import type { Json } from '../support/device.ts'
import { aRoom, HOME, PEOPLE, World } from '../support/world.ts'

const world = await World.open()
after(() => world.close())
const alice = await world.signedIn('alice')
const bob = await world.signedIn('bob')
const AT = '2026-03-01T10:00:00.000Z'
const receipt = (keyUri: string, changes: Json = {}): Json => ({
  ...{ keyUri, usedAt: AT, purpose: 'decrypt' },
  ...changes,
})
const KEY = `${HOME}/keys/00000000-0000-4000-8000-000000000009`

describe('receipts', () => {
  test('are recorded as said, under whom the session proves', async () => {
    const answer = await alice.ask('create', '/receipts', { receipts: [receipt(KEY)] })
    assert.deepEqual([answer['status'], answer['accepted']], [201, 1])
    const entry = await world.lastEntry()
    assert.equal(entry.action, 'key.used')
    assert.deepEqual(entry['uses'], [{ at: AT, key: KEY, purpose: 'decrypt' }])
    assert.deepEqual(entry['actor'], { kind: 'person', id: await world.pseudonymOf('alice') })
    assert.equal(entry['clientId'], alice.who.clientId)
    assert.equal(entry['keys'], undefined, 'a use is no release')
  })

  test('sent again are answered again, and recorded as a repeat', async () => {
    const request = alice.request({ method: 'create', uri: '/receipts', receipts: [receipt(KEY)] })
    const first = await alice.askRaw(request)
    const before = (await world.entries()).length
    assert.deepEqual(await alice.askRaw(request), first)
    const [repeat, ...more] = (await world.entries()).slice(before)
    assert.deepEqual([repeat?.action, more], ['answer.repeated', []])
    const other = { ...request, receipts: [receipt(KEY, { purpose: 'encrypt' })] }
    await world.refused(await alice.askRaw(other), 409, 'request.id-reused')
    assert.equal(
      (await world.lastEntry())['uses'],
      undefined,
      'under a used id nothing is said anew',
    )
  })

  const wrong: readonly [string, unknown, number, string][] = [
    ['none', undefined, 400, 'request.invalid'],
    ['an object', {}, 400, 'request.invalid'],
    ['an empty list', [], 400, 'request.invalid-count'],
    ['101', Array.from({ length: 101 }, () => receipt(KEY)), 400, 'request.invalid-count'],
    ['a text', ['k'], 400, 'request.invalid'],
    ['another member', [receipt(KEY, { text: 'lunch' })], 400, 'request.invalid'],
    ['a missing member', [{ keyUri: KEY, usedAt: AT }], 400, 'request.invalid'],
    ['another purpose', [receipt(KEY, { purpose: 'sell' })], 400, 'request.invalid'],
    ['no time', [receipt(KEY, { usedAt: 'noon' })], 400, 'request.invalid'],
    ['a resource', [receipt(KEY.replace('keys', 'resources'))], 400, 'request.invalid-uri'],
    ['a foreign key', [receipt(KEY.replace('acme', 'globex'))], 404, 'request.foreign-host'],
  ]
  for (const [what, receipts, status, code] of wrong) {
    test(`that are ${what} are refused whole`, async () => {
      const answer = await alice.ask('create', '/receipts', { receipts })
      await world.refused(answer, status, code as never)
      assert.equal((await world.lastEntry())['uses'], undefined)
    })
  }

  test('can only be made', async () => {
    for (const method of ['retrieve', 'update', 'delete']) {
      await world.refused(await alice.ask(method, '/receipts'), 405, 'request.unknown-operation')
    }
    const answer = await alice.ask('create', '/receipts', { receipts: [receipt(KEY)], count: 1 })
    await world.refused(answer, 400, 'request.unknown-member')
  })

  test('a full message of them is one entry', async () => {
    const receipts = Array.from({ length: 100 }, () => receipt(KEY))
    assert.equal((await alice.ask('create', '/receipts', { receipts }))['accepted'], 100)
    const entry = await world.lastEntry()
    assert.equal(entry['part'], undefined)
    assert.equal((entry['uses'] as readonly unknown[]).length, 100)
  })
})

test('reconciling a log finds the key that went to a device which never said so', async () => {
  const { key } = await aRoom(alice, [PEOPLE.bob])
  const thief = await world.signedIn('bob', {}, 'unknown')
  for (const device of [bob, thief]) {
    assert.equal((await device.ask('retrieve', key.uri))['status'], 200)
  }
  const found = async () => {
    const orphans: Orphan[] = []
    const read = async function* () {
      yield* await world.store.read((tx) => tx.audit.read(0, 1_000_000))
    }
    const since = new Date(world.now()).toISOString()
    const totals = await reconcile(read, { since, onOrphan: (one) => orphans.push(one) })
    return { totals, of: orphans.filter((one) => one.key === key.uri && one.side === 'release') }
  }
  await bob.ask('create', '/receipts', { receipts: [receipt(key.uri)] })
  const silent = await found()
  assert.ok((silent.totals.silent['person'] ?? 0) >= 1, 'it has never sent any')
  assert.deepEqual(
    silent.of.map(({ device }) => device),
    [alice.who.clientId],
  )
  await thief.ask('create', '/receipts', { receipts: [receipt(KEY)] })
  assert.ok((await found()).of.some(({ device }) => device === thief.who.clientId))
  assert.ok(!(await found()).of.some(({ device }) => device === bob.who.clientId))
})
