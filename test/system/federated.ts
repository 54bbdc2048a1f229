// What two realms that federate keep, whatever they store on and however they reach each other: people read and write across,
// every request that may cross does what it says, and removal bites on both sides.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Json } from '../support/device.ts'
import type { RemoteDevice } from '../support/remote-device.ts'
import type { Ran, RunningWorld } from '../support/running-world.ts'
import { aRoom, authorizationsOf, keyOf, keysOf } from '../support/world.ts'
import { statusOf, until } from './flow.ts'
import { type Guests, invite } from './guests.ts'

type Entry = Readonly<Record<string, unknown>>

const PAIRS = [
  ['alice', 'gina'],
  ['gina', 'alice'],
] as const
/** Who holds what of the other: nobody of acme is removed from a room of globex. */
const SIDES = [
  { own: 'acme', other: 'globex', kinds: ['release', 'use', 'withdrawal'] },
  { own: 'globex', other: 'acme', kinds: ['release', 'use'] },
]
const BATCH = 50

const statusOfAnswer = (answer: Json): unknown => answer['status']

/** One post of many requests, as clients send them. */
const askTogether = async (
  { device }: RemoteDevice,
  uris: readonly string[],
): Promise<readonly Json[]> => {
  const asked = uris.map((uri) => device.seal(device.request({ method: 'retrieve', uri })))
  const answers = await device.post(await Promise.all(asked))
  return Promise.all(answers.map(({ kmsMessage }) => device.open(kmsMessage)))
}

/** How many questions the realm of that person has had answered by peers, pings among them. */
const questionsOf = async (world: RunningWorld, name: string): Promise<number> => {
  const { body } = await world.page(world.at(name).plan.healthPort, '/metrics')
  const [, count] = /^realm_peers_answers_seconds_count\S* (\d+)$/m.exec(body) ?? []
  return Number(count ?? 0)
}

const isOf = (entry: Entry, kind: string, action: string): boolean =>
  entry['action'] === action && (entry['actor'] as Entry)['kind'] === kind

/** Declares the tests; answers the devices of those who came. */
export const federatedTests = (
  world: () => RunningWorld,
  carrier: 'relayed' | 'direct',
): Guests => {
  const guest = invite(world)
  const deviceOf = async (name: string) => (await guest(name)).device
  const idOf = (name: string): string => world().user(name).id

  test('people of two companies talk in a room, each through their own realm only', async () => {
    const [alice, gina] = await Promise.all([world().client('alice'), world().client('gina')])
    const room = await alice.rooms.create({ title: 'Both', participantIds: [gina.userId] })
    await alice.rooms.post(room.id, 'Hello, Gina')
    const texts = async (who: typeof alice) =>
      (await who.rooms.history(room.id)).map(({ text }) => text)
    assert.deepEqual(await texts(gina), ['Hello, Gina'])
    await gina.rooms.post(room.id, 'Hello, Alice')
    assert.deepEqual(await texts(alice), ['Hello, Gina', 'Hello, Alice'])
    await alice.rooms.remove(room.id, gina.userId)
    await alice.rooms.post(room.id, 'She is gone')
    const { keyUri } = await alice.rooms.find(room.id)
    assert.ok(keyUri !== undefined && keyUri !== room.keyUri)
    assert.equal(await statusOf(gina.keys.retrieve(keyUri)), 403)
  })

  for (const [owner, reader] of PAIRS) {
    test(`${reader} reads one key and fifty of ${owner}'s realm; strangers read none`, async () => {
      const home = await deviceOf(owner)
      const { key, resource } = await aRoom(home, [idOf(reader)])
      const answer = await (await deviceOf(reader)).ask('retrieve', key.uri)
      assert.deepEqual(keyOf(answer).jwk, key.jwk)
      assert.equal(keyOf(answer)['resourceUri'], resource.uri)
      const more = keysOf(await home.ask('create', '/keys', { count: BATCH }))
      for (const { uri } of more) await home.ask('update', uri, { resourceUri: resource.uri })
      const uris = more.map(({ uri }) => uri)
      const asked = await questionsOf(world(), reader)
      const together = await askTogether(await guest(reader), uris)
      // A ping may come between; fifty questions would not be few.
      assert.ok((await questionsOf(world(), reader)) - asked <= 3, 'they crossed one by one')
      const found = new Map(together.map((one) => [keyOf(one)?.uri, keyOf(one)?.jwk]))
      assert.deepEqual(
        more.map(({ uri }) => found.get(uri)),
        more.map(({ jwk }) => jwk),
      )
      const all = await (await deviceOf(reader)).ask('retrieve', `${resource.uri}/keys`)
      assert.equal(keysOf(all).length, BATCH + 1)
      const { key: other } = await aRoom(home)
      assert.equal(statusOfAnswer(await (await deviceOf(reader)).ask('retrieve', other.uri)), 403)
    })
  }

  test('what a peer was asked is in both logs under one tracking id, with certificate and key exchange', async () => {
    const { key } = await aRoom(await deviceOf('alice'), [idOf('gina')])
    await (await deviceOf('gina')).ask('retrieve', key.uri)
    const entriesAt = async (name: string) =>
      (await world().at(name).entries()).filter((one) => JSON.stringify(one).includes(key.uri))
    const released = (await entriesAt('acme')).find((one) => isOf(one, 'peer', 'key.released'))
    const asked = (await entriesAt('globex')).find((one) => isOf(one, 'person', 'peer.asked'))
    assert.ok(released && asked)
    assert.equal(asked['trackingId'], released['trackingId'])
    const { carrier: way, tlsGroup, certificateSha256 } = released['details'] as Entry
    assert.deepEqual([way, tlsGroup], [carrier, 'X25519MLKEM768'])
    assert.match(String(certificateSha256), /^[0-9a-f]{64}$/)
  })

  test('a member from abroad sees their own colleagues in a room, adds one and leaves', async () => {
    const { resource, key } = await aRoom(await deviceOf('alice'), [idOf('gina')])
    const gina = await deviceOf('gina')
    const list = () => gina.ask('retrieve', `${resource.uri}/authorizations`)
    assert.deepEqual(
      authorizationsOf(await list()).map(({ authId }) => authId),
      [idOf('gina')],
    )
    const fields = { resourceUri: resource.uri, userIds: [idOf('greg')] }
    assert.equal(statusOfAnswer(await gina.ask('create', '/authorizations', fields)), 201)
    assert.deepEqual(keyOf(await (await deviceOf('greg')).ask('retrieve', key.uri)).jwk, key.jwk)
    const left = await gina.ask('delete', `${resource.uri}/authorizations?authId=${idOf('gina')}`)
    assert.equal(statusOfAnswer(left), 200)
    assert.equal(statusOfAnswer(await gina.ask('retrieve', key.uri)), 403)
    assert.equal(statusOfAnswer(await (await deviceOf('greg')).ask('retrieve', key.uri)), 200)
  })

  for (const [owner, writer] of PAIRS) {
    test(`${writer} binds a key of their own realm to a room of ${owner}'s; ${owner} reads it`, async () => {
      const { resource } = await aRoom(await deviceOf(owner), [idOf(writer)])
      const [own] = keysOf(await (await deviceOf(writer)).ask('create', '/keys', { count: 1 }))
      assert.ok(own)
      const bound = await (await deviceOf(writer)).ask('update', own.uri, {
        resourceUri: resource.uri,
      })
      assert.equal(keyOf(bound)['resourceUri'], resource.uri)
      assert.deepEqual(keyOf(await (await deviceOf(owner)).ask('retrieve', own.uri)).jwk, own.jwk)
      const all = keysOf(await (await deviceOf(owner)).ask('retrieve', `${resource.uri}/keys`))
      assert.deepEqual(all.at(-1)?.jwk, own.jwk)
    })
  }

  test('whoever is removed reads nothing more abroad from then on: their realm has acknowledged it', async () => {
    const { key, resource } = await aRoom(await deviceOf('alice'), [idOf('gina')])
    const gina = await deviceOf('gina')
    assert.equal(statusOfAnswer(await gina.ask('retrieve', key.uri)), 200)
    const before = (await world().entries()).length
    const path = `${resource.uri}/authorizations?authId=${idOf('gina')}`
    assert.equal(statusOfAnswer(await (await deviceOf('alice')).ask('delete', path)), 200)
    assert.equal(statusOfAnswer(await gina.ask('retrieve', key.uri)), 403)
    const acknowledged = (await world().entries())
      .slice(before)
      .filter(({ action }) => action === 'peer.withdrawal-acknowledged')
    assert.equal(acknowledged.length, 1)
    const received = (await world().at('globex').entries()).findLast(
      ({ action }) => action === 'peer.withdrawal-received',
    )
    assert.deepEqual(received?.['keys'], [key.uri], 'the copy is gone')
    const [next] = keysOf(await (await deviceOf('alice')).ask('create', '/keys', { count: 1 }))
    assert.ok(next)
    await (await deviceOf('alice')).ask('update', next.uri, { resourceUri: resource.uri })
    assert.equal(statusOfAnswer(await gina.ask('retrieve', next.uri)), 403)
  })

  for (const { own, other, kinds } of SIDES) {
    test(`the operators of ${own} and ${other} lay their logs side by side, and miss no key`, async () => {
      const { keyrealm, plan } = world().at(own)
      const { domain } = world().at(other).plan
      const reconcile = async () => {
        const theirs = join(plan.directory, `${other}-${crypto.randomUUID()}`)
        assert.equal((await world().at(other).keyrealm('audit', 'export', '--to', theirs)).code, 0)
        return keyrealm('peers', 'reconcile', domain, '--theirs', theirs)
      }
      let last: Ran | undefined
      await until('nothing is missing', async () => {
        last = await reconcile()
        return last.code === 0
      }).catch((error: unknown) => assert.fail(`${String(error)}\n${JSON.stringify(last)}`))
      const [, same] = /^releases of which both say the same\t(\d+)\n/.exec(last?.out ?? '') ?? []
      assert.ok(Number(same) > 2 * BATCH, last?.out)
      const receipts = (await keyrealm('peers', 'receipts', domain)).out.trimEnd().split('\n')
      assert.ok(receipts.every((line) => !line.includes('does not verify')))
      const held = new Set(receipts.map((line) => line.split('\t')[0]))
      assert.deepEqual([...held].toSorted(), kinds)
    })
  }

  test('a host that nobody answers for is a refusal, at once', async () => {
    const begun = performance.now()
    const nowhere = `kms://kms.nowhere.example/keys/${crypto.randomUUID()}`
    const status = Number(statusOfAnswer(await (await deviceOf('gina')).ask('retrieve', nowhere)))
    assert.ok(status >= 400 && status < 500, `answered ${status}`)
    assert.ok(performance.now() - begun < 1000, 'that took longer than a second')
  })
  return guest
}
