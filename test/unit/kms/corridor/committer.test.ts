import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { KeyUri } from '../../../../src/id.ts'
import type { IndexedStore } from '../../../../src/indexer/index.ts'
import type { Device, Json } from '../../../support/device.ts'
import { HOME, World } from '../../../support/world.ts'

const POISON = `${HOME}/keys/00000000-0000-4000-8000-0000000000ff`
const PING = { method: 'update', uri: '/ping' }

let commits = 0
let isFull = false

/** Counts transactions, breaks on one key, and can be full. */
const poisoned = (store: IndexedStore): IndexedStore => ({
  read: (work) => store.read(work),
  transact: (work) => {
    commits += 1
    if (isFull) return Promise.reject(new Error('the disk is full'))
    return store.transact((tx) => {
      const find = (uris: readonly KeyUri[]) =>
        uris.some((uri) => uri === POISON)
          ? Promise.reject(new Error('poison'))
          : tx.keys.find(uris)
      return work({ ...tx, keys: { ...tx.keys, find } })
    })
  },
})

describe('the group commit', () => {
  let world: World
  let alice: Device
  before(async () => {
    world = await World.open({ wrapStore: poisoned })
    alice = await world.signedIn('alice')
  })
  after(() => world.close())
  beforeEach(() => {
    commits = 0
  })

  const post = async (requests: readonly Json[]) => {
    const messages = await Promise.all(requests.map((fields) => alice.seal(alice.request(fields))))
    const answers = await alice.post(messages)
    const opened = await Promise.all(answers.map((one) => alice.open(one.kmsMessage)))
    return opened.map((answer) => answer['status'])
  }

  test('writes all messages of a post in one transaction', async () => {
    const statuses = await post(Array.from({ length: 50 }, () => PING))
    assert.ok(statuses.every((status) => status === 200))
    assert.equal(commits, 1)
  })

  test('takes posts that come together together, and no more than 256 messages', async () => {
    await Promise.all(Array.from({ length: 7 }, () => post(Array.from({ length: 50 }, () => PING))))
    assert.ok(commits >= 2 && commits <= 7, `${commits} transactions`)
  })

  test('lets a poisonous request fail alone, and its neighbours succeed', async () => {
    const before = (await world.entries()).length
    const statuses = await post([
      { method: 'create', uri: '/keys', count: 1 },
      { method: 'retrieve', uri: POISON },
      PING,
    ])
    assert.deepEqual(statuses, [201, 500, 200])
    const entries = (await world.entries()).slice(before)
    assert.deepEqual(
      entries.map((entry) => [entry.action, entry.outcome]),
      [
        ['key.created', 'done'],
        ['request.failed', 'failed'],
        ['ping.answered', 'done'],
      ],
    )
  })

  test('rolls back what neighbours did in vain: nothing is done twice', async () => {
    const made = async () => {
      const entries = await world.entries()
      return entries.filter((entry) => entry.action === 'key.created').length
    }
    const before = await made()
    const create = { method: 'create', uri: '/keys', count: 1 }
    await post([create, { method: 'retrieve', uri: POISON }, create])
    assert.equal(await made(), before + 2)
    const stored = await world.store.read((tx) => tx.audit.read(0, 100_000))
    const counters = stored.map(({ body }) => JSON.parse(body).counter)
    assert.deepEqual(
      counters,
      counters.map((_, index) => index + 1),
    )
  })

  test('never puts a requestId and its repeat into one group', async () => {
    const requestId = 'twice in one post'
    const statuses = await post([{ ...PING, requestId }, { ...PING, requestId }, PING])
    assert.deepEqual(statuses, [200, 200, 200])
    assert.equal(commits, 2)
  })

  test('goes on after the store has been gone', async () => {
    isFull = true
    const statuses = await post([PING, PING])
    isFull = false
    assert.deepEqual(statuses, [500, 500])
    assert.deepEqual(await post([PING]), [200])
    assert.equal(world.realm.faults.length > 0, true)
  })
})
