// Sealed requests inside requests to a real core, before a real realm: for another room, another person, another
// user, captured, garbage, of a session that is over. Each is refused on both sides, and the log says why.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { KeyrealmClient, Room } from '../../src/client/index.ts'
import type { Json } from '../support/device.ts'
import { type RemoteDevice, remoteDevice } from '../support/remote-device.ts'
import { type RunningWorld, startRunningWorld } from '../support/running-world.ts'
import { keysOf } from '../support/world.ts'

let world: RunningWorld
let alice: RemoteDevice
let bob: RemoteDevice
let client: KeyrealmClient
let room: Room
let other: Room
before(async () => {
  world = await startRunningWorld()
  ;[alice, bob] = await Promise.all([remoteDevice(world, 'alice'), remoteDevice(world, 'bob')])
  await Promise.all([alice.device.shake(), bob.device.shake()])
  client = await world.client('alice')
  const participantIds = [world.user('bob').id]
  room = await client.rooms.create({ title: 'One', participantIds })
  other = await client.rooms.create({ title: 'Other', participantIds })
})
after(async () => {
  alice?.close()
  bob?.close()
  await world?.close()
})

const REFUSED_BY_REALM = 1_900_000
const CAROL = () => world.user('carol').id
const conversation = (path: string) => `${world.ready.core.conversationUrl}${path}`
const sealedBy = ({ device }: RemoteDevice, request: Json) => device.seal(device.request(request))
const addition = ({ resourceUri }: Room, userId = CAROL()): Json => ({
  method: 'create',
  uri: '/authorizations',
  resourceUri,
  userIds: [userId],
})
const tell = (who: RemoteDevice, { id }: Room, kmsMessage: string, userId = CAROL()) =>
  who.ask('POST', conversation('/activities'), {
    verb: 'add',
    object: { id: userId, objectType: 'person' },
    target: { id, objectType: 'conversation' },
    kmsMessage,
  })
/** Who may read, and who is said to be there, in both rooms. */
const rosters = async () => {
  const both = await Promise.all([room, other].map(({ id }) => client.rooms.roster(id)))
  return both.map((roster) => roster.map((one) => [one.id, one.isAuthorized, one.isListed]))
}
const lastRefusal = async () =>
  (await world.entries()).findLast(({ outcome }) => outcome === 'refused')?.['code']

interface Case {
  readonly about: string
  readonly message: () => Promise<string>
  readonly status: number
  readonly code: string
}

const cases: readonly Case[] = [
  {
    about: 'for another room',
    message: () => sealedBy(alice, addition(other)),
    status: 403,
    code: 'rooms.parts-disagree',
  },
  {
    about: 'for another person',
    message: () => sealedBy(alice, addition(room, world.user('adam').id)),
    status: 403,
    code: 'rooms.parts-disagree',
  },
  {
    about: 'that asks for something else',
    message: () => sealedBy(alice, { method: 'retrieve', uri: String(room.keyUri) }),
    status: 403,
    code: 'rooms.parts-disagree',
  },
]

for (const { about, message, status, code } of cases) {
  test(`a message ${about} changes neither room`, async () => {
    const before = await rosters()
    const { status: told, body } = await tell(alice, room, await message())
    assert.deepEqual([told, body['errorCode']], [400, REFUSED_BY_REALM])
    const answer = await alice.device.open(String(body['message']))
    assert.equal(answer['status'], status)
    assert.equal(await lastRefusal(), code)
    assert.deepEqual(await rosters(), before)
  })
}

test('a message of another user is of no use to whoever has it', async () => {
  const before = await rosters()
  const { status, body } = await tell(bob, room, await sealedBy(alice, addition(room)))
  assert.equal(status, 400)
  // The words are sealed for alice: bob cannot read even the refusal.
  await assert.rejects(bob.device.open(String(body['message'])))
  assert.equal(await lastRefusal(), 'rooms.parts-disagree')
  assert.deepEqual(await rosters(), before)
})

test('a message that was good once is not good again after the removal', async () => {
  const captured = await sealedBy(alice, addition(room))
  assert.equal((await tell(alice, room, captured)).status, 201)
  await client.rooms.remove(room.id, CAROL())
  const before = await rosters()
  const { status, body } = await tell(alice, room, captured)
  assert.deepEqual([status, body['errorCode']], [400, REFUSED_BY_REALM])
  assert.equal((await alice.device.open(String(body['message'])))['status'], 409)
  assert.deepEqual(await rosters(), before)
})

test('garbage is refused as such, and of a session that is over the realm signs a reset', async () => {
  const before = await rosters()
  const noise = await tell(alice, room, 'aaaa..bbbb.cccc.dddd')
  assert.deepEqual([noise.status, noise.body['code']], [400, 'core.kms-message-unread'])
  const late = await sealedBy(alice, addition(room))
  await alice.device.ask('delete', alice.device.channel.uri)
  const { status, body } = await tell(alice, room, late)
  assert.deepEqual([status, body['errorCode']], [400, REFUSED_BY_REALM])
  assert.equal((await alice.device.verify(String(body['message'])))['status'], 499)
  await alice.device.shake()
  assert.deepEqual(await rosters(), before)
})

test('a room cannot be made with the unbound key of somebody else', async () => {
  const [foreign] = keysOf(await bob.device.ask('create', '/keys', { count: 1 }))
  const rooms = async () => (await alice.ask('GET', conversation('/conversations'))).body
  const before = await rooms()
  const members = { userIds: [world.user('alice').id], keyUris: [foreign?.uri] }
  const { status, body } = await alice.ask('POST', conversation('/conversations'), {
    objectType: 'conversation',
    encryptionKeyUrl: foreign?.uri,
    defaultActivityEncryptionKeyUrl: foreign?.uri,
    kmsMessage: await sealedBy(alice, { method: 'create', uri: '/resources', ...members }),
  })
  assert.deepEqual([status, body['errorCode']], [400, REFUSED_BY_REALM])
  assert.equal((await alice.device.open(String(body['message'])))['status'], 403)
  assert.equal(await lastRefusal(), 'kms.not-key-creator')
  assert.deepEqual(await rooms(), before)
})

test('rooms that one is not in, and rooms that are not there, are refused alike', async () => {
  const carol = await remoteDevice(world, 'carol')
  await carol.device.shake()
  const message = await sealedBy(carol, addition(room))
  const nowhere = { ...room, id: crypto.randomUUID() }
  for (const target of [room, nowhere]) {
    const { status, body } = await tell(carol, target, message)
    assert.deepEqual([status, body['code']], [404, 'core.unknown-conversation'])
  }
  carol.close()
})
