// More than a realm takes: floods are declined unread and counted, sessions and keys of one user end at their limits,
// and whoever keeps to the limits is served meanwhile.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Device, newRequestId, ownKeyPair } from '../support/device.ts'
import { type HostileCore, openHostileCore } from '../support/hostile-core.ts'
import { PEOPLE } from '../support/world.ts'

const pingsOf = (device: Device, count: number): Promise<readonly string[]> =>
  Promise.all(
    Array.from({ length: count }, () =>
      device.seal(device.request({ method: 'update', uri: '/ping' })),
    ),
  )

const postOf = (device: Device, kmsMessages: readonly string[]) => ({
  type: 'messages' as const,
  id: newRequestId(),
  sync: false,
  httpUser: device.who.userId,
  httpDevice: device.who.clientId,
  trackingId: 'flood',
  kmsMessages,
})

const shed = async (core: HostileCore): Promise<number> => {
  const line = /core_posts\w*\{[^}]*outcome="shed"[^}]*\} (\d+)/.exec(await core.metrics())
  return Number(line?.[1] ?? 0)
}

describe('a flood', () => {
  test('of one user is declined above their rate, and others are served', async () => {
    const perUser = { perSecond: 1, burst: 100, names: 100 }
    const core = await openHostileCore({ limits: { perUser } })
    const [alice, bob] = [await core.signedIn('alice'), await core.signedIn('bob')]
    const pings = await pingsOf(alice, 50)
    const before = (await core.world.entries()).length
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => core.line().ask(postOf(alice, pings))),
    )
    const declined = answers.filter((one) => one.declined === 'channel.overloaded')
    assert.equal(declined.length, 19)
    assert.equal(await shed(core), 19)
    assert.equal((await core.world.entries()).length - before, 50, 'the declined are not read')
    assert.equal((await bob.ask('update', '/ping'))['status'], 200)
    await core.close()
  })

  test('under ever new users is declined above what may be in work at once', async () => {
    const core = await openHostileCore({ limits: { messagesInWork: 60 } })
    const alice = await core.signedIn('alice')
    const pings = await pingsOf(alice, 50)
    const answers = await Promise.all(
      Array.from({ length: 30 }, () =>
        core.line().ask({ ...postOf(alice, pings), httpUser: crypto.randomUUID() }),
      ),
    )
    const served = answers.filter((one) => one.declined === undefined)
    const declined = answers.filter((one) => one.declined === 'channel.overloaded')
    assert.equal(served.length + declined.length, 30)
    assert.ok(served.length >= 1 && declined.length >= 20, `${served.length} served`)
    assert.equal(await shed(core), declined.length)
    assert.equal((await alice.ask('update', '/ping'))['status'], 200)
    await core.close()
  })

  test('of handshakes that only cost is bounded, and sessions are served beside it', async () => {
    const core = await openHostileCore({ limits: { messagesInWork: 100_000 } })
    const alice = await core.signedIn('alice')
    const one = await alice.sealHandshake(alice.handshakeRequest(ownKeyPair()))
    const noise = one.split('.').with(4, 'A'.repeat(22)).join('.')
    const flood = Promise.all(
      Array.from({ length: 60 }, () =>
        core.line().ask({
          ...postOf(alice, Array(50).fill(noise)),
          httpUser: crypto.randomUUID(),
          httpDevice: `https://core.example/devices/${crypto.randomUUID()}`,
        }),
      ),
    )
    const startedAt = performance.now()
    assert.equal((await alice.ask('update', '/ping'))['status'], 200)
    const servedMs = performance.now() - startedAt
    assert.ok((await flood).every(({ answers }) => answers.length === 0))
    const floodMs = performance.now() - startedAt
    assert.ok(servedMs < floodMs, 'the session did not wait for the flood')
    const codes = (await core.world.entries()).map(({ code }) => code)
    const known = codes.filter(
      (code) => code === 'channel.overloaded' || code === 'channel.not-opened',
    )
    assert.equal(known.length, 3000, 'each is recorded')
    assert.deepEqual(core.world.realm.faults, [])
    await core.close()
  })
})

test('of 10,000 handshakes of one device a thousand make a session, the others are told 429', async (t) => {
  const settings = { sessionsPerDevice: 1000, sessionsPerUser: 5000 }
  const limits = { perUser: { perSecond: 100_000, burst: 100_000, names: 10 } }
  const core = await openHostileCore({ world: { settings }, limits })
  const alice = await core.signedIn('alice')
  const bob = await core.signedIn('bob')
  // Real ones differ in their keys; sealed once, they cost the realm the same, and this test nothing.
  const request = alice.handshakeRequest(ownKeyPair())
  const handshake = await alice.sealHandshake(request)
  const startedAt = performance.now()
  for (let sent = 1; sent < 10_000; sent += 50) {
    const post = postOf(alice, Array(Math.min(50, 10_000 - sent)).fill(handshake))
    const { answers } = await core.line().ask(post)
    assert.equal(answers.length, post.kmsMessages.length, 'every handshake is answered')
  }
  const perSecond = Math.round(10_000 / ((performance.now() - startedAt) / 1000))
  t.diagnostic(`${perSecond} handshakes per second`)
  const entries = await core.world.entries()
  const ofAlice = entries.filter(({ clientId }) => clientId === alice.who.clientId)
  const made = ofAlice.filter(({ outcome }) => outcome === 'done')
  const refused = ofAlice.filter(({ code }) => code === 'kms.too-many-sessions')
  assert.deepEqual([made.length, refused.length], [1000, 9000])
  assert.equal((await alice.shake())['status'], 429)
  assert.equal((await alice.ask('update', '/ping'))['status'], 200, 'a live session goes on')
  assert.equal((await core.device('alice', 'phone').shake())['status'], 201)
  assert.equal((await bob.ask('update', '/ping'))['status'], 200)
  assert.deepEqual(core.world.realm.faults, [])
  await core.close()
})

test('unbound keys of one user end at their limit, and another user has their own', async () => {
  const core = await openHostileCore({ world: { settings: { unboundPerUser: 10 } } })
  const [alice, bob] = [await core.signedIn('alice'), await core.signedIn('bob')]
  assert.equal((await alice.ask('create', '/keys', { count: 8 }))['status'], 201)
  await core.world.refused(
    await alice.ask('create', '/keys', { count: 3 }),
    429,
    'kms.too-many-keys',
  )
  assert.equal((await alice.ask('create', '/keys', { count: 2 }))['status'], 201)
  assert.equal((await bob.ask('create', '/keys', { count: 10 }))['status'], 201)
  const count = await core.world.store.read((tx) =>
    tx.keys.countUnbound(PEOPLE.alice as never, core.world.now()),
  )
  assert.equal(count, 10)
  await core.close()
})
