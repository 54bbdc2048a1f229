// What people do with a realm, from a room to a removal, and how a test keeps asking while something breaks.

import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { type KeyrealmClient, KmsRefused } from '../../src/client/index.ts'
import type { Json } from '../support/device.ts'
import { assertNumbered } from '../support/numbered.ts'
import type { RemoteDevice } from '../support/remote-device.ts'
import type { RunningWorld } from '../support/running-world.ts'
import { authorizationsOf, keyOf, keysOf, resourceOf } from '../support/world.ts'

export const statusOf = async (refused: Promise<unknown>): Promise<number> => {
  const error: unknown = await refused.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof KmsRefused, `not refused: ${String(error)}`)
  return error.status
}

/** A room of two, a reader who must not, an officer who may, through the reference client. */
export const talkInRoom = async (world: RunningWorld): Promise<readonly KeyrealmClient[]> => {
  const names = ['alice', 'bob', 'carol', 'olivia']
  const people = await Promise.all(names.map((name) => world.client(name)))
  const [alice, bob, carol, olivia] = people
  assert.ok(alice && bob && carol && olivia)
  const room = await alice.rooms.create({ title: 'Lunch', participantIds: [bob.userId] })
  await alice.rooms.post(room.id, 'Soup?')
  await bob.rooms.post(room.id, 'Soup.')
  const read = await bob.rooms.history(room.id)
  assert.deepEqual(
    read.map(({ text }) => text),
    ['Soup?', 'Soup.'],
  )
  const keyUri = room.keyUri ?? ''
  assert.equal(await statusOf(carol.keys.retrieve(keyUri)), 403)
  const onBehalf = await olivia.keys.retrieveOnBehalfOf(keyUri, bob.userId)
  assert.deepEqual(onBehalf.bytes, (await alice.keys.retrieve(keyUri)).bytes)
  return people
}

/** Each operation once, by a device whose session the test knows. */
export const askEverything = async ({ device }: RemoteDevice, friend: string): Promise<void> => {
  const [first, second] = keysOf(await device.ask('create', '/keys', { count: 2 }))
  assert.ok(first && second)
  const wanted = { keyUris: [first.uri], userIds: [friend] }
  const { uri } = resourceOf(await device.ask('create', '/resources', wanted))
  const bound = keyOf(await device.ask('update', second.uri, { resourceUri: uri }))
  assert.equal(bound['resourceUri'], uri)
  assert.deepEqual(keyOf(await device.ask('retrieve', first.uri)).jwk, first.jwk)
  assert.equal(keysOf(await device.ask('retrieve', `${uri}/keys`)).length, 2)
  const list = () => device.ask('retrieve', `${uri}/authorizations`)
  assert.equal(authorizationsOf(await list()).length, 2)
  const removed = await device.ask('delete', `${uri}/authorizations?authId=${friend}`)
  assert.equal(authorizationsOf(removed)[0]?.authId, friend)
  assert.equal(authorizationsOf(await list()).length, 1)
  assert.equal((await device.ask('update', '/ping'))['status'], 200)
}

/** Keys that were created while something else happened: every one that the client was given. */
export const createKeysDuring = async (
  client: KeyrealmClient,
  count: number,
  happening: () => Promise<void>,
): Promise<readonly Json[]> => {
  const created: Json[] = []
  const create = async (): Promise<void> => {
    const answer = await client.ask({ method: 'create', uri: '/keys', members: { count: 1 } })
    created.push(...keysOf(answer))
  }
  const asking = Array.from({ length: count }, async (_, n) => {
    await setTimeout(n * 20)
    await create()
  })
  await setTimeout(count * 5)
  await Promise.all([happening(), ...asking])
  assert.equal(created.length, count)
  return created
}

/** What was given is still there, byte for byte. */
export const areStillThere = async (
  client: KeyrealmClient,
  keys: readonly Json[],
): Promise<void> => {
  for (const key of keys) {
    const { bytes } = await client.keys.retrieve(String(key['uri']))
    assert.equal(Buffer.from(bytes).toString('base64url'), (key['jwk'] as Json)['k'])
  }
}

/** The log follows from its beginning, and every one of these keys has the entry of its creation. */
export const areRecorded = async (world: RunningWorld, keys: readonly Json[]): Promise<void> => {
  const { body } = await world.page(world.acme.logPort, '/log/entries?limit=1000')
  const { entries }: { entries: { sequence: number; body: string }[] } = JSON.parse(body)
  assert.ok(entries.length < 1000, 'the whole log fits into one page')
  assertNumbered(entries)
  const created = new Set<unknown>(
    entries
      .map((entry) => JSON.parse(entry.body))
      .filter(({ action, outcome }) => action === 'key.created' && outcome === 'done')
      .flatMap((entry) => entry.keys),
  )
  for (const { uri } of keys) assert.ok(created.has(uri), `${uri} has no entry`)
}

/** Asks until it is so. */
export const until = async (
  what: string,
  isSo: () => Promise<boolean>,
  withinMs = 30_000,
): Promise<void> => {
  const deadline = performance.now() + withinMs
  while (!(await isSo().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`${what} did not come about`)
    await setTimeout(50)
  }
}
