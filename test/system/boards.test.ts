// A board of a room from end to end: its keys are read by whoever is in the room and by whoever was shown it, and by
// nobody any more who left, was locked out, or was shown another board.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Json } from '../support/device.ts'
import { type RemoteDevice, remoteDevice } from '../support/remote-device.ts'
import { type RunningWorld, startRunningWorld } from '../support/running-world.ts'
import { authorizationsOf, keyOf, keysOf } from '../support/world.ts'

const NAMES = ['alice', 'bob', 'carol'] as const

let world: RunningWorld
const people = new Map<string, RemoteDevice>()
before(async () => {
  world = await startRunningWorld()
  for (const name of NAMES) {
    const person = await remoteDevice(world, name)
    await person.device.shake()
    people.set(name, person)
  }
})
after(async () => {
  for (const person of people.values()) person.close()
  await world?.close()
})

const the = (name: string): RemoteDevice => {
  const person = people.get(name)
  assert.ok(person)
  return person
}
const idOf = (name: string) => world.user(name).id
const baseUrl = () => world.ready.core.baseUrl
const sealed = ({ device }: RemoteDevice, request: Json) => device.seal(device.request(request))
const aKey = async ({ device }: RemoteDevice): Promise<string> => {
  const [key] = keysOf(await device.ask('create', '/keys', { count: 1 }))
  assert.ok(key)
  return key.uri
}
const statusOf = async ({ device }: RemoteDevice, keyUri: string) =>
  (await device.ask('retrieve', keyUri))['status']

interface Board {
  readonly channelUrl: string
  readonly aclUrl: string
  readonly kmsResourceUrl: string
  readonly defaultEncryptionKeyUrl: string
}
interface Room {
  readonly id: string
  readonly aclUrl: string
  readonly kmsResourceObjectUrl: string
}

const aRoom = async (maker: string, ...others: readonly string[]): Promise<Room> => {
  const by = the(maker)
  const key = await aKey(by)
  const userIds = [maker, ...others].map(idOf)
  const kmsMessage = await sealed(by, {
    method: 'create',
    uri: '/resources',
    keyUris: [key],
    userIds,
  })
  const items = others.map((name) => ({
    objectType: 'activity',
    verb: 'add',
    object: { objectType: 'person', id: idOf(name) },
  }))
  const { status, body } = await by.ask('POST', `${baseUrl()}/conversation/api/v1/conversations`, {
    objectType: 'conversation',
    activities: { items },
    encryptionKeyUrl: key,
    defaultActivityEncryptionKeyUrl: key,
    kmsMessage,
  })
  assert.equal(status, 201, JSON.stringify(body))
  return body as unknown as Room
}
const aBoard = async (maker: string, room: Room): Promise<Board> => {
  const by = the(maker)
  const key = await aKey(by)
  const request = { keyUris: [key], userIds: [room.kmsResourceObjectUrl] }
  const { status, body } = await by.ask('POST', `${baseUrl()}/board/api/v1/channels`, {
    aclUrlLink: room.aclUrl,
    defaultEncryptionKeyUrl: key,
    kmsMessage: await sealed(by, { method: 'create', uri: '/resources', ...request }),
  })
  assert.equal(status, 201, JSON.stringify(body))
  return body as unknown as Board
}
const leave = async (name: string, room: Room): Promise<void> => {
  const by = the(name)
  const uri = `${room.kmsResourceObjectUrl}/authorizations?authId=${idOf(name)}`
  const url = `${baseUrl()}/conversation/api/v1/conversations/${room.id}/activities`
  const object = { objectType: 'person', id: idOf(name) }
  const kmsMessage = await sealed(by, { method: 'delete', uri })
  const { status } = await by.ask('POST', url, { verb: 'leave', object, kmsMessage })
  assert.equal(status, 201)
}
/** The authorization, and a device that has nothing but its bearer token. */
const share = async (name: string, board: Board) => {
  const by = the(name)
  const request = { resourceUri: board.kmsResourceUrl, anonymous: 1 }
  const kmsMessage = await sealed(by, { method: 'create', uri: '/authorizations', ...request })
  const { status, body } = await by.ask('PUT', `${board.channelUrl}/sharePolicies/transcoder`, {
    kmsMessage,
  })
  assert.equal(status, 200, JSON.stringify(body))
  const [authorization] = authorizationsOf(await by.device.open(String(body['kmsResponse'])))
  assert.ok(authorization?.bearer)
  const holder = await remoteDevice(world, 'carol', { kmsToken: authorization.bearer, userId: '' })
  assert.equal((await holder.device.shake())['status'], 201)
  return { authorization, holder }
}

test('everybody in the room reads the keys of its board, and nobody else', async () => {
  const room = await aRoom('alice', 'bob')
  const board = await aBoard('alice', room)
  for (const name of ['alice', 'bob']) {
    assert.equal(await statusOf(the(name), board.defaultEncryptionKeyUrl), 200)
  }
  assert.equal(await statusOf(the('carol'), board.defaultEncryptionKeyUrl), 403)
})

test('whoever leaves the room leaves its boards, also those that they made', async () => {
  const room = await aRoom('alice', 'bob', 'carol')
  const [ofAlice, ofBob] = [await aBoard('alice', room), await aBoard('bob', room)]
  await leave('bob', room)
  for (const { defaultEncryptionKeyUrl: key, channelUrl } of [ofAlice, ofBob]) {
    assert.equal(await statusOf(the('bob'), key), 403)
    assert.equal(await statusOf(the('carol'), key), 200)
    assert.equal((await the('bob').ask('GET', channelUrl)).status, 404)
  }
})

test('a bearer token opens the board that it was made for, and no other', async () => {
  const room = await aRoom('alice', 'bob')
  const [shown, other] = [await aBoard('alice', room), await aBoard('alice', room)]
  const { holder } = await share('alice', shown)
  const { jwk } = keyOf(await the('bob').device.ask('retrieve', shown.defaultEncryptionKeyUrl))
  const read = await holder.device.ask('retrieve', shown.defaultEncryptionKeyUrl)
  assert.deepEqual(keyOf(read).jwk, jwk)
  assert.equal(await statusOf(holder, other.defaultEncryptionKeyUrl), 403)
  holder.close()
})

test('a bearer token is worth nothing once its authorization is removed', async () => {
  const board = await aBoard('alice', await aRoom('alice'))
  const { authorization, holder } = await share('alice', board)
  const { device } = the('alice')
  const listed = authorizationsOf(
    await device.ask('retrieve', `${board.kmsResourceUrl}/authorizations`),
  )
  assert.ok(listed.some(({ authId }) => authId === authorization.authId))
  const itself = `authId=${encodeURIComponent(authorization.authId)}`
  await device.ask('delete', `${board.kmsResourceUrl}/authorizations?${itself}`)
  assert.equal(await statusOf(holder, board.defaultEncryptionKeyUrl), 403)
  holder.close()
})

test('a share that says more to the realm than to the core is refused, and nobody is let in', async () => {
  const board = await aBoard('alice', await aRoom('alice'))
  const by = the('alice')
  const request = { method: 'create', uri: '/authorizations', resourceUri: board.kmsResourceUrl }
  for (const more of [{ anonymous: 2 }, { anonymous: 1, userIds: [idOf('carol')] }]) {
    const kmsMessage = await sealed(by, { ...request, ...more })
    const url = `${board.channelUrl}/sharePolicies/transcoder`
    const { status, body } = await by.ask('PUT', url, { kmsMessage })
    assert.deepEqual([status, body['errorCode']], [400, 1_900_000])
  }
  const uri = `${board.kmsResourceUrl}/authorizations`
  assert.equal(authorizationsOf(await by.device.ask('retrieve', uri)).length, 1)
})

test('a board that leaves its room is read by nobody any more', async () => {
  const room = await aRoom('alice', 'bob')
  const board = await aBoard('alice', room)
  const by = the('bob')
  const authId = encodeURIComponent(room.kmsResourceObjectUrl)
  const uri = `${board.kmsResourceUrl}/authorizations?authId=${authId}`
  const { status, body } = await by.ask('PUT', `${board.aclUrl}/links`, {
    aclLinkType: 'INCOMING',
    linkedAcl: room.aclUrl,
    kmsMessage: await sealed(by, { method: 'delete', uri }),
    aclLinkOperation: 'DELETE',
  })
  assert.equal(status, 200, JSON.stringify(body))
  for (const name of ['alice', 'bob']) {
    assert.equal(await statusOf(the(name), board.defaultEncryptionKeyUrl), 403)
  }
  assert.equal((await the('alice').ask('GET', board.channelUrl)).status, 404)
})
