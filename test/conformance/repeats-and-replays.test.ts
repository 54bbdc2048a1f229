// A requestId that its session has used before gets the answer it got before and has no effect: a client
// repeats itself, and the relay, which is not trusted, replays what it captured. The draft is silent.

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { seconds } from '../../src/time.ts'
import type { Device, Json } from '../support/device.ts'
import {
  aRoom,
  authorizationsOf,
  keyOf,
  keysOf,
  PEOPLE,
  resourceOf,
  World,
} from '../support/world.ts'

const world = await World.open()
after(() => world.close())
const alice = await world.signedIn('alice')
const bob = await world.signedIn('bob')
const gina = await world.signedIn('gina')

const twice = async (device: Device, request: Json) => [
  await device.askRaw(request),
  await device.askRaw(request),
]
const authIds = async (resourceUri: string) =>
  authorizationsOf(await alice.ask('retrieve', `${resourceUri}/authorizations`)).map(
    (one) => one.authId,
  )
const removal = (resourceUri: string, authId: string) =>
  alice.ask('delete', `${resourceUri}/authorizations?authId=${authId}`)
const countOfKeys = async () => {
  const entries = await world.entries()
  return entries
    .filter((entry) => entry.action === 'key.created')
    .flatMap((entry) => entry['keys'] ?? []).length
}

describe('a repeated requestId', () => {
  test('gets the same answer, sealed afresh, and an entry that says so', async () => {
    const { key } = await aRoom(alice)
    const request = alice.request({ method: 'retrieve', uri: key.uri })
    const [first, second] = await alice.post([await alice.seal(request), await alice.seal(request)])
    assert.notEqual(first?.kmsMessage, second?.kmsMessage)
    assert.deepEqual(
      await alice.open(second?.kmsMessage ?? ''),
      await alice.open(first?.kmsMessage ?? ''),
    )
    const { action, outcome, keys } = await world.lastEntry()
    assert.deepEqual(
      { action, outcome, keys },
      { action: 'answer.repeated', outcome: 'done', keys: [key.uri] },
    )
  })

  test('of a creation makes no second set of keys', async () => {
    const before = await countOfKeys()
    const [first, again] = await twice(
      alice,
      alice.request({ method: 'create', uri: '/keys', count: 3 }),
    )
    assert.deepEqual(again, first)
    assert.equal(await countOfKeys(), before + 3)
  })

  test('of a resource makes no second one', async () => {
    const before = (await world.store.read((tx) => tx.resources.newest(1000))).length
    const [first, again] = await twice(
      alice,
      alice.request({ method: 'create', uri: '/resources' }),
    )
    assert.deepEqual(again, first)
    assert.equal((await world.store.read((tx) => tx.resources.newest(1000))).length, before + 1)
  })

  test('after a refusal is refused again, even if it would be granted by now', async () => {
    const { key, resource } = await aRoom(alice)
    const request = bob.request({ method: 'retrieve', uri: key.uri })
    const first = await bob.askRaw(request)
    await world.refused(first, 403, 'kms.not-authorized')
    await alice.ask('create', '/authorizations', {
      resourceUri: resource.uri,
      userIds: [PEOPLE.bob],
    })
    assert.deepEqual(await bob.askRaw(request), first)
    assert.equal((await bob.ask('retrieve', key.uri))['status'], 200)
  })

  test('with another operation is refused, and the other operation is not done', async () => {
    const { resource } = await aRoom(alice)
    const request = alice.request({ method: 'update', uri: '/ping' })
    await alice.askRaw(request)
    const other = {
      ...request,
      method: 'create',
      uri: '/authorizations',
      resourceUri: resource.uri,
      userIds: [PEOPLE.bob],
    }
    await world.refused(await alice.askRaw(other), 409, 'request.id-reused')
    assert.deepEqual(await authIds(resource.uri), [PEOPLE.alice])
    const { status } = await alice.askRaw(request)
    assert.equal(status, 200, 'the first request keeps its answer')
  })

  test('with other members is refused, and the first request keeps its answer', async () => {
    const { resource } = await aRoom(alice)
    const fields = { method: 'create', uri: '/authorizations', resourceUri: resource.uri }
    const request = alice.request({ ...fields, userIds: [PEOPLE.bob] })
    const first = await alice.askRaw(request)
    const others = [{ userIds: [PEOPLE.carol] }, { userIds: [PEOPLE.bob], ttl: 60 }]
    for (const other of others) {
      const answer = await alice.askRaw({ ...request, ...other })
      await world.refused(answer, 409, 'request.id-reused')
    }
    assert.deepEqual(await authIds(resource.uri), [PEOPLE.alice, PEOPLE.bob])
    assert.deepEqual(await alice.askRaw(request), first)
  })

  test('is the same in another spelling, and with a token that was renewed', async () => {
    const request = alice.request({ method: 'create', uri: '/keys', count: 2 })
    const first = await alice.askRaw(request)
    const reordered = Object.fromEntries(Object.entries(request).reverse())
    assert.deepEqual(await alice.askRaw(reordered), first)
    world.advance(seconds(60))
    const bearer = world.token(PEOPLE.alice)
    const client = { ...Object(request['client']) }
    const renewed = {
      ...request,
      client: { ...client, credential: { ...client.credential, bearer } },
    }
    assert.notDeepEqual(renewed, request)
    assert.deepEqual(await alice.askRaw(renewed), first)
    await world.refused(await alice.askRaw({ ...request, count: 3 }), 409, 'request.id-reused')
  })

  test('in another session is another request', async () => {
    const phone = await world.signedIn('alice', {}, 'phone')
    const requestId = 'the same in two sessions'
    const first = await alice.ask('create', '/keys', { count: 1, requestId })
    const second = await phone.ask('create', '/keys', { count: 1, requestId })
    assert.notEqual(keysOf(first)[0]?.uri, keysOf(second)[0]?.uri)
  })

  test('is known after a restart of the realm', async () => {
    const request = alice.request({ method: 'create', uri: '/keys', count: 2 })
    const first = await alice.askRaw(request)
    await world.restart()
    assert.deepEqual(await alice.askRaw(request), first)
  })

  test('shows a key as it is now: bound since then', async () => {
    const request = alice.request({ method: 'create', uri: '/keys', count: 1 })
    const [key] = keysOf(await alice.askRaw(request))
    await alice.ask('create', '/resources', { keyUris: [key?.uri] })
    const [again] = keysOf(await alice.askRaw(request))
    assert.deepEqual(again?.jwk, key?.jwk)
    assert.equal(typeof again?.['bindDate'], 'string')
  })

  test('is answered in the place of its message, however often it stands in one post', async () => {
    const once = alice.request({ method: 'create', uri: '/keys', count: 1 })
    const other = alice.request({ method: 'update', uri: '/ping' })
    const requests = [once, other, once, once, other]
    const answers = await alice.post(await Promise.all(requests.map((one) => alice.seal(one))))
    const opened = await Promise.all(answers.map((one) => alice.open(one.kmsMessage)))
    assert.deepEqual(
      opened.map((answer) => answer['requestId']),
      requests.map((one) => one['requestId']),
    )
    assert.equal(new Set(opened.flatMap(keysOf).map((key) => key.uri)).size, 1)
  })

  test('with a bad token is refused for the token', async () => {
    const request = alice.request({ method: 'create', uri: '/keys', count: 1 })
    await alice.askRaw(request)
    const client = alice.client({ bearer: world.token(PEOPLE.alice, { exp: 1 }) })
    await world.refused(await alice.askRaw({ ...request, client }), 403, 'identity.token-expired')
  })
})

describe('a hostile core that replays what it captured', () => {
  /** A message as it went over the wire, to be posted again as often as one likes. */
  const capture = async (device: Device, fields: Json) => {
    const message = await device.seal(device.request(fields))
    const replay = async (changes: Json = {}) => {
      const [answer] = await device.post([message], changes)
      assert.ok(answer)
      assert.equal(answer.deliverTo, device.who.clientId)
      return device.open(answer.kmsMessage)
    }
    return { first: await replay(), replay }
  }

  test('adds nobody who was removed since', async () => {
    const { key, resource } = await aRoom(alice)
    const add = {
      method: 'create',
      uri: '/authorizations',
      resourceUri: resource.uri,
      userIds: [PEOPLE.bob],
    }
    const { first, replay } = await capture(alice, add)
    assert.equal((await bob.ask('retrieve', key.uri))['status'], 200)
    await removal(resource.uri, PEOPLE.bob)
    assert.deepEqual(await replay(), first)
    await world.restart()
    assert.deepEqual(await replay(), first)
    assert.deepEqual(await authIds(resource.uri), [PEOPLE.alice])
    await world.refused(await bob.ask('retrieve', key.uri), 403, 'kms.not-authorized')
  })

  test('removes nobody who was added since', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.bob])
    const uri = `${resource.uri}/authorizations?authId=${PEOPLE.bob}`
    const { first, replay } = await capture(alice, { method: 'delete', uri })
    await alice.ask('create', '/authorizations', {
      resourceUri: resource.uri,
      userIds: [PEOPLE.bob],
    })
    assert.deepEqual(await replay(), first)
    assert.deepEqual(await authIds(resource.uri), [PEOPLE.alice, PEOPLE.bob])
  })

  test('gets no key released to one who was removed since, by any operation that answers keys', async () => {
    const { key, resource } = await aRoom(alice, [PEOPLE.bob])
    const [own] = keysOf(await bob.ask('create', '/keys', { count: 1 }))
    const captured = [
      await capture(bob, { method: 'retrieve', uri: key.uri }),
      await capture(bob, { method: 'retrieve', uri: `${resource.uri}/keys` }),
      await capture(bob, { method: 'update', uri: own?.uri ?? '', resourceUri: resource.uri }),
    ]
    for (const { first } of captured) assert.equal(first['status'], 200)
    await removal(resource.uri, PEOPLE.bob)
    for (const { replay } of captured) {
      await world.refused(await replay(), 403, 'kms.not-authorized')
      assert.equal('keys' in (await world.lastEntry()), false)
    }
  })

  test('gets nothing by pretending another sender or another device', async () => {
    const { key } = await aRoom(alice)
    const { first, replay } = await capture(alice, { method: 'retrieve', uri: key.uri })
    const elsewhere = { httpUser: PEOPLE.bob, httpDevice: bob.who.clientId }
    assert.deepEqual(await replay(elsewhere), first)
    assert.deepEqual(keyOf(await replay({ httpDevice: undefined })), keyOf(first))
  })

  test('gets no effect from the first sending either, under another sender’s name', async () => {
    const message = await alice.seal(alice.request({ method: 'create', uri: '/keys', count: 1 }))
    const [answer] = await gina.post([message])
    assert.equal(answer?.deliverTo, alice.who.clientId)
    await assert.rejects(gina.open(answer?.kmsMessage ?? ''))
    assert.equal(keysOf(await alice.open(answer?.kmsMessage ?? '')).length, 1)
  })

  test('makes a second session of a replayed handshake that serves nobody, and ends none', async () => {
    const device = world.device('alice', {}, 'tablet')
    let captured = ''
    const post = device.post.bind(device)
    device.post = (messages, changes) => {
      captured = messages[0] ?? ''
      return post(messages, changes)
    }
    await device.shake()
    const [answer] = await post([captured])
    const replayed = (await device.verify(answer?.kmsMessage ?? ''))['key'] as Json
    assert.notEqual(replayed['uri'], device.channel.uri)
    assert.equal((await device.ask('update', '/ping'))['status'], 200)
  })
})

test('a resource made twice at once under two requestIds is one resource', async () => {
  const [key] = keysOf(await alice.ask('create', '/keys', { count: 1 }))
  const fields = { method: 'create', uri: '/resources', keyUris: [key?.uri], userIds: [PEOPLE.bob] }
  const messages = [
    await alice.seal(alice.request(fields)),
    await alice.seal(alice.request(fields)),
  ]
  const answers = await alice.post(messages)
  const [first, second] = await Promise.all(answers.map((one) => alice.open(one.kmsMessage)))
  assert.deepEqual(resourceOf(second ?? {}), resourceOf(first ?? {}))
})
