// A realm is locked while requests are half-way: each is refused as by a locked realm, recorded, and no fault of ours;
// handshakes are met with silence. Unlocked again, the same sessions go on, and a repeat finds what was done.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { IndexedStore } from '../../src/indexer/index.ts'
import { type Device, type Json, newRequestId, ownKeyPair } from '../support/device.ts'
import { keysOf, World } from '../support/world.ts'

let world: World
let alice: Device
/** Called once, before the next transaction, inside it, or after its commit. */
let trap: { at: 'before' | 'inside' | 'after' | 'reading'; spring: () => void } | undefined

const pass = (at: string): void => {
  if (trap?.at !== at) return
  const { spring } = trap
  trap = undefined
  spring()
}

const trapped = (store: IndexedStore): IndexedStore => ({
  transact: async (work) => {
    pass('before')
    const result = await store.transact((tx) => {
      pass('inside')
      return work(tx)
    })
    pass('after')
    return result
  },
  read: (work) => {
    pass('reading')
    return store.read(work)
  },
})

before(async () => {
  world = await World.open({ wrapStore: trapped })
  alice = await world.signedIn('alice')
})
after(() => world.close())
beforeEach(async () => {
  trap = undefined
  if (!world.realm.keyring.isUnlocked) await world.realm.unlock()
})

const lock = (): void => {
  world.realm.keyring.lock()
  world.realm.channels.forgetAll()
  world.realm.staticKeys.lock()
}
const create = (requestId: string): Promise<Json> =>
  alice.ask('create', '/keys', { count: 1, requestId })
const entriesFor = async (requestId: string) =>
  (await world.entries())
    .filter((entry) => entry['requestId'] === requestId)
    .map(({ action, outcome, code }) => [action, outcome, code])

for (const at of ['before', 'inside'] as const) {
  test(`locked ${at} its transaction, a request is refused and was not done`, async () => {
    const requestId = newRequestId()
    trap = { at, spring: lock }
    const answer = await create(requestId)
    assert.deepEqual([answer['status'], answer['requestId']], [503, requestId])
    assert.deepEqual(await entriesFor(requestId), [['message.refused', 'refused', 'kms.locked']])
    await world.realm.unlock()
    assert.equal((await create(requestId))['status'], 201, 'it was not done, so it may be')
  })
}

test('locked after its commit, a request is refused; its repeat gets what was made', async () => {
  const requestId = newRequestId()
  trap = { at: 'after', spring: lock }
  assert.equal((await create(requestId))['status'], 503)
  await world.realm.unlock()
  const made = keysOf(await create(requestId))
  assert.equal(made.length, 1)
  const actions = (await entriesFor(requestId)).map(([action]) => action)
  assert.deepEqual(actions, ['key.created', 'answer.repeated'])
})

test('locked while its session is looked up, a request is met with silence, and recorded', async () => {
  world.realm.channels.forgetAll()
  trap = { at: 'reading', spring: lock }
  const sealed = await alice.seal(alice.request({ method: 'update', uri: '/ping' }))
  assert.deepEqual(await alice.post([sealed]), [])
  assert.equal((await world.lastEntry())['code'], 'kms.locked')
  await world.realm.unlock()
  assert.equal((await alice.ask('update', '/ping'))['status'], 200)
})

test('locked half-way, a handshake is met with silence, and succeeds later', async () => {
  for (const at of ['before', 'inside'] as const) {
    const phone = world.device('alice', {}, 'phone')
    const handshake = await phone.sealHandshake(phone.handshakeRequest(ownKeyPair()))
    trap = { at, spring: lock }
    assert.deepEqual(await phone.post([handshake]), [])
    assert.equal((await world.lastEntry())['code'], 'kms.locked')
    await world.realm.unlock()
    assert.equal((await phone.shake())['status'], 201)
  }
})

test('after all that nothing was a fault', () => {
  assert.deepEqual(world.realm.faults, [])
})
