// One of two realms, or the core between them, is down, slow, killed or half up. Whoever asks has a sealed answer within the six
// seconds that clients wait, nothing is released on old knowledge, and what was promised is kept after the return.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Json } from '../support/device.ts'
import { type RunningWorld, startRunningWorld } from '../support/running-world.ts'
import { aRoom, keyOf, keysOf } from '../support/world.ts'
import { until } from './flow.ts'
import { invite } from './guests.ts'

const CLIENTS_WAIT_MS = 6000

let world: RunningWorld
before(async () => {
  world = await startRunningWorld({ globex: () => ({}) })
})
after(() => world.close())

const guests = invite(() => world)
const deviceOf = async (name: string) => (await guests(name)).device
const ginaAsks = async (uri: string): Promise<Json> => (await deviceOf('gina')).ask('retrieve', uri)
const ginaReads = async (uri: string): Promise<boolean> => (await ginaAsks(uri))['status'] === 200
/** A room of Alice's with Gina in it, and its key. */
const sharedRoom = async () => aRoom(await deviceOf('alice'), [world.user('gina').id])

const STATUSES = {
  'federation.peer-broken': 502,
  'federation.peer-unreachable': 503,
  'federation.peer-timed-out': 504,
}

/** A sealed refusal, in time, that says why; and the entry about it. */
const refusedInTime = async (asking: Promise<Json>, code: keyof typeof STATUSES): Promise<void> => {
  const begun = performance.now()
  const answer = await asking
  const tookMs = performance.now() - begun
  assert.equal(answer['status'], STATUSES[code])
  assert.match(String(answer['reason']), /other organi[sz]ation/)
  assert.ok(tookMs < CLIENTS_WAIT_MS, `answered after ${tookMs} ms`)
  const entries = await world.at('globex').entries()
  assert.ok(
    entries.slice(-10).some((one) => one['code'] === code),
    `no entry says ${code}`,
  )
}

test('a peer that is down: refused at once, also what was copied; and read again when it is back', async () => {
  const { key } = await sharedRoom()
  const { key: fresh } = await sharedRoom()
  assert.ok(await ginaReads(key.uri))
  await world.realm.stop()
  await refusedInTime(ginaAsks(fresh.uri), 'federation.peer-unreachable')
  // What is known of Gina is worth nothing after five seconds: nobody at home can confirm it.
  await until('knowledge is old', async () => !(await ginaReads(key.uri)))
  await refusedInTime(ginaAsks(key.uri), 'federation.peer-unreachable')
  await world.realm.start()
  await until('acme is back', () => ginaReads(key.uri))
  assert.ok(await ginaReads(fresh.uri))
})

test('a peer that is half up, there but silent: refused while the client still waits', async () => {
  const { key } = await sharedRoom()
  world.realm.pause()
  try {
    await refusedInTime(ginaAsks(key.uri), 'federation.peer-timed-out')
    // The connection was given up: the next question dials, and is refused in time as well.
    await refusedInTime(ginaAsks(key.uri), 'federation.peer-timed-out')
  } finally {
    world.realm.resume()
  }
  await until('acme is awake', () => ginaReads(key.uri))
})

test('a peer that is locked has said neither yes nor no, and answers once it is unlocked', async () => {
  const { key } = await sharedRoom()
  assert.equal((await world.keyrealm('lock')).code, 0)
  await refusedInTime(ginaAsks(key.uri), 'federation.peer-broken')
  assert.equal((await world.keyrealm('unlock')).code, 0)
  assert.deepEqual(keyOf(await ginaAsks(key.uri)).jwk, key.jwk)
})

test('a removal is answered although the peer is silent, and the peer told when it speaks again', async () => {
  const { key, resource } = await sharedRoom()
  assert.ok(await ginaReads(key.uri))
  const alice = await deviceOf('alice')
  const path = `${resource.uri}/authorizations?authId=${world.user('gina').id}`
  world.at('globex').process.pause()
  const begun = performance.now()
  try {
    assert.equal((await alice.ask('delete', path))['status'], 200)
    const tookMs = performance.now() - begun
    assert.ok(tookMs < CLIENTS_WAIT_MS / 2, `answered after ${tookMs} ms`)
  } finally {
    world.at('globex').process.resume()
  }
  await until('Gina reads no more', async () => (await ginaAsks(key.uri))['status'] === 403)
})

test('a peer that hesitates is waited for', async () => {
  const { key } = await sharedRoom()
  world.realm.pause()
  const asked = ginaAsks(key.uri)
  await setTimeout(1500)
  world.realm.resume()
  assert.deepEqual(keyOf(await asked).jwk, key.jwk)
})

test('the home is killed and comes back: the same sessions read on, over new connections', async () => {
  const { key } = await sharedRoom()
  assert.ok(await ginaReads(key.uri))
  const { key: next } = await sharedRoom()
  await world.realm.restart()
  await until('acme is back', () => ginaReads(next.uri))
  const { key: later } = await sharedRoom()
  assert.ok(await ginaReads(later.uri))
})

test('the asking realm is killed and comes back: the same session, and its copies', async () => {
  const { key } = await sharedRoom()
  const gina = await deviceOf('gina')
  const session = gina.channel.uri
  assert.ok(await ginaReads(key.uri))
  await world.at('globex').process.restart()
  await until('globex is back', () => ginaReads(key.uri))
  assert.equal(gina.channel.uri, session)
})

test('the core between them is killed and comes back: streams are made anew', async () => {
  const { key } = await sharedRoom()
  assert.ok(await ginaReads(key.uri))
  await world.core.restart()
  await Promise.all([guests('alice'), guests('gina')].map(async (one) => (await one).reconnect()))
  await until('both lines are up', async () => ginaReads((await sharedRoom()).key.uri))
})

test('a key bound abroad while the home dies is bound in the end, and read there', async () => {
  const { resource } = await sharedRoom()
  const gina = await deviceOf('gina')
  const [own] = keysOf(await gina.ask('create', '/keys', { count: 1 }))
  assert.ok(own)
  world.realm.pause()
  const bind = gina.ask('update', own.uri, { resourceUri: resource.uri })
  await refusedInTime(bind, 'federation.peer-timed-out')
  await world.realm.restart()
  const alice = await deviceOf('alice')
  await until('the key is bound at both', async () => {
    const keys = keysOf(await alice.ask('retrieve', `${resource.uri}/keys`))
    return keys.at(-1)?.jwk.k === own.jwk.k
  })
  assert.equal(keyOf(await gina.ask('retrieve', own.uri))['resourceUri'], resource.uri)
})

test('a removal while the peer is down is owed, shown, and acknowledged when it is back', async () => {
  const { key, resource } = await sharedRoom()
  assert.ok(await ginaReads(key.uri))
  await world.at('globex').process.stop()
  const alice = await deviceOf('alice')
  const { id } = world.user('gina')
  await alice.ask('delete', `${resource.uri}/authorizations?authId=${id}`)
  const owed = async (): Promise<string> =>
    (await world.keyrealm('peers', 'show', 'kms.globex.example')).out
  await until('it is owed', async () => (await owed()).includes(resource.uri))
  await world.at('globex').process.start()
  await until('it is acknowledged', async () => !(await owed()).includes(resource.uri))
  assert.equal((await ginaAsks(key.uri))['status'], 403)
})
