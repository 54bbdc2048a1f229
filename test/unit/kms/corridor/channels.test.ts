import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SessionUri } from '../../../../src/id.ts'
import {
  Channels,
  Keyring,
  type Session,
  type Store,
  type Transaction,
} from '../../../../src/kms/index.ts'
import { mintKeyEncryptionKey } from '../../../../src/kms/keyring/keyring.ts'
import { isRefusal } from '../../../../src/refusal.ts'
import { after, seconds } from '../../../../src/time.ts'
import { codeOf } from '../../identity/world.ts'
import { ALICE, aMainKey, countingRandom, DEVICE, HOME, NOW, ORGANIZATION } from '../world.ts'

const random = countingRandom()
const main = aMainKey()
const keyring = new Keyring(random)
keyring.unlock([main], [mintKeyEncryptionKey(main, 'session', random, NOW)])

const uriOf = (number: number) => `${HOME}/ecdhe/${number}` as SessionUri

const aSession = (number: number): Session => ({
  uri: uriOf(number),
  principalId: ALICE,
  organizationId: ORGANIZATION,
  clientId: DEVICE,
  createdAt: NOW,
  expiresAt: after(NOW, seconds(3600)),
  wrapped: keyring.wrap(ORGANIZATION, 'session', uriOf(number), new Uint8Array(32)),
})

const aWorld = (capacity = 10) => {
  const rows = new Map([1, 2, 3, 4].map((number) => [uriOf(number), aSession(number)]))
  const counts = { reads: 0 }
  /** Runs between the reading of the store and its answer. */
  let meanwhile = () => {}
  const sessions: Pick<Transaction['sessions'], 'find'> = { find: async (uri) => rows.get(uri) }
  const store: Store = {
    transact: () => assert.fail('channels write nothing'),
    read: async (work) => {
      counts.reads += 1
      const found = await work({ sessions } as Transaction)
      meanwhile()
      return found
    },
  }
  const channels = new Channels(store, keyring, seconds(60), capacity)
  return { rows, counts, channels, during: (work: () => void) => (meanwhile = work) }
}

describe('a live channel', () => {
  test('is read from the store once', async () => {
    const { channels, counts } = aWorld()
    const first = await channels.find(uriOf(1), NOW)
    assert.ok(!isRefusal(first))
    assert.equal(channels.find(uriOf(1), NOW), first)
    assert.equal(counts.reads, 1)
  })

  test('leaves memory when there are too many, and is found again', async () => {
    const { channels, counts } = aWorld(2)
    for (const number of [1, 2, 3]) await channels.find(uriOf(number), NOW)
    assert.equal(channels.size, 2)
    assert.ok(!isRefusal(await channels.find(uriOf(1), NOW)))
    assert.equal(counts.reads, 4)
  })

  test('is over with its grace, in memory as in the store', async () => {
    const { channels } = aWorld()
    const lastMoment = after(NOW, seconds(3659))
    const over = after(NOW, seconds(3660))
    assert.ok(!isRefusal(await channels.find(uriOf(1), lastMoment)))
    assert.equal(codeOf(await channels.find(uriOf(1), over)), 'channel.expired-session')
    assert.equal(channels.size, 0)
    assert.equal(codeOf(await channels.find(uriOf(1), over)), 'channel.expired-session')
  })

  test('that nobody knows is refused', async () => {
    assert.equal(codeOf(await aWorld().channels.find(uriOf(9), NOW)), 'channel.unknown-session')
  })

  test('is not kept if its session ends while it is being read', async () => {
    const { channels, rows, during } = aWorld()
    during(() => {
      rows.delete(uriOf(1))
      channels.forget(uriOf(1))
    })
    await channels.find(uriOf(1), NOW)
    assert.equal(channels.size, 0)
    assert.equal(codeOf(await channels.find(uriOf(1), NOW)), 'channel.unknown-session')
  })

  test('is not kept if the realm is locked while it is being read', async () => {
    const { channels, during } = aWorld()
    during(() => channels.forgetAll())
    await channels.find(uriOf(1), NOW)
    assert.equal(channels.size, 0)
  })
})
