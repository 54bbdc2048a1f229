// The core replays, repeats, reorders, drops and misdirects what it carries. It may delay and deny; it must not make
// anything happen twice, undo a removal, or bring anybody's answer to somebody else.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { MessagesFrame, SealedAnswer } from '../../src/boundary/index.ts'
import { seconds } from '../../src/time.ts'
import { type Device, type Json, newRequestId } from '../support/device.ts'
import {
  type Carried,
  type HostileCore,
  openHostileCore,
  sealedOf,
} from '../support/hostile-core.ts'
import { aRoom, keyOf, keysOf, PEOPLE, resourceOf } from '../support/world.ts'

let core: HostileCore
let alice: Device
let bob: Device
before(async () => {
  core = await openHostileCore()
  alice = await core.signedIn('alice')
  bob = await core.signedIn('bob')
})
after(() => core.close())
beforeEach(() => {
  core.carried.length = 0
})

const captured = (): Carried => {
  const last = core.carried.at(-1)
  assert.ok(last, 'nothing was carried')
  return last
}
const replay = (changes: Partial<MessagesFrame> = {}): Promise<readonly SealedAnswer[]> =>
  send({ ...captured().post, ...changes })
const send = async (post: MessagesFrame): Promise<readonly SealedAnswer[]> =>
  sealedOf(await core.line().ask(post))
const only = <One>(list: readonly One[]): One => {
  const [one] = list
  assert.ok(one !== undefined && list.length === 1, `${list.length} instead of one`)
  return one
}
const entriesFor = async (requestId: unknown): Promise<readonly Json[]> =>
  (await core.world.entries()).filter((entry) => entry['requestId'] === requestId)
const actionsFor = async (requestId: unknown) =>
  (await entriesFor(requestId)).map(({ action, outcome }) => `${action} ${outcome}`)
const status = async (device: Device, uri: string) => (await device.ask('retrieve', uri))['status']

test('a post that comes again under its id gets the same bytes, and nothing happens', async () => {
  const { requestId } = await alice.ask('create', '/keys', { count: 3 })
  const before = captured().answers.answers
  assert.deepEqual(await replay(), before)
  assert.deepEqual(await replay({ kmsMessages: ['else'], httpUser: PEOPLE.bob }), before)
  assert.deepEqual(await actionsFor(requestId), ['key.created done'])
})

test('a message that comes again in a new post gets the stored answer, and nothing happens', async () => {
  const first = await alice.ask('create', '/keys', { count: 3 })
  const again = only(await replay({ id: newRequestId() }))
  assert.notEqual(again.kmsMessage, captured().answers.answers[0]?.kmsMessage)
  assert.deepEqual(await alice.open(again.kmsMessage), first)
  const actions = await actionsFor(first['requestId'])
  assert.deepEqual(actions, ['key.created done', 'answer.repeated done'])
})

test('a message twice in one post is done once and answered twice alike', async () => {
  const request = alice.request({ method: 'create', uri: '/keys', count: 1 })
  const sealed = await alice.seal(request)
  const answers = await alice.post([sealed, sealed])
  const [first, second] = await Promise.all(answers.map((one) => alice.open(one.kmsMessage)))
  assert.ok(first)
  assert.deepEqual(first, second)
  const actions = await actionsFor(request['requestId'])
  assert.deepEqual(actions, ['key.created done', 'answer.repeated done'])
})

test('an addition replayed after the removal brings nobody back', async () => {
  const { key, resource } = await aRoom(alice)
  const fields = { resourceUri: resource.uri, userIds: [PEOPLE.bob] }
  await alice.ask('create', '/authorizations', fields)
  const addition = captured().post
  assert.equal(await status(bob, key.uri), 200)
  await alice.ask('delete', `${resource.uri}/authorizations?authId=${PEOPLE.bob}`)
  for (const id of [addition.id, newRequestId(), newRequestId()]) await send({ ...addition, id })
  await core.world.restart()
  await send({ ...addition, id: newRequestId() })
  assert.equal(await status(bob, key.uri), 403)
})

test('a retrieval replayed after the removal releases no key', async () => {
  const { key, resource } = await aRoom(alice, [PEOPLE.bob])
  assert.equal(await status(bob, key.uri), 200)
  const retrieval = captured().post
  await alice.ask('delete', `${resource.uri}/authorizations?authId=${PEOPLE.bob}`)
  const again = only(await send({ ...retrieval, id: newRequestId() }))
  assert.equal((await bob.open(again.kmsMessage))['status'], 403)
})

test('an answer that the core keeps back costs nothing: the client asks again and finds it done', async () => {
  const [key] = keysOf(await alice.ask('create', '/keys', { count: 1 }))
  const fields = { keyUris: [key?.uri], userIds: [PEOPLE.bob] }
  const lost = resourceOf(await alice.ask('create', '/resources', fields))
  const again = resourceOf(await alice.ask('create', '/resources', fields))
  assert.deepEqual(again, lost)
  const bind = () => alice.ask('update', String(key?.uri), { resourceUri: lost.uri })
  assert.deepEqual(keyOf(await bind()), keyOf(await bind()))
})

test('posts in another order are each answered for themselves', async () => {
  const pings = ['first', 'second', 'third'].map((requestId) =>
    alice.seal(alice.request({ method: 'update', uri: '/ping', requestId })),
  )
  const [first, second, third] = await Promise.all(pings)
  assert.ok(first && second && third)
  const posts = [third, first, second].map((sealed) => alice.post([sealed]))
  const answers = (await Promise.all(posts)).map(only)
  const ids = await Promise.all(answers.map(async (one) => await alice.open(one.kmsMessage)))
  assert.deepEqual(
    ids.map(({ requestId }) => requestId),
    ['third', 'first', 'second'],
  )
})

test('an answer names the device of its session, whatever user and device the core names', async () => {
  const sealed = await alice.seal(alice.request({ method: 'create', uri: '/keys', count: 1 }))
  const lies = { httpUser: PEOPLE.bob, httpDevice: bob.who.clientId }
  const answer = only(await alice.post([sealed], lies))
  assert.equal(answer.deliverTo, alice.who.clientId)
  await assert.rejects(bob.open(answer.kmsMessage))
  const last = await core.world.lastEntry()
  assert.deepEqual(last['actor'], { kind: 'person', id: await core.world.pseudonymOf('alice') })
})

test('messages of two people in one post are answered to each, and nobody reads the other’s', async () => {
  const { key } = await aRoom(alice)
  const ask = (device: Device) =>
    device.seal(device.request({ method: 'retrieve', uri: key.uri, requestId: 'the same' }))
  const answers = await alice.post([await ask(alice), await ask(bob), await ask(alice)])
  assert.deepEqual(
    answers.map(({ n, deliverTo }) => [n, deliverTo]),
    [
      [0, alice.who.clientId],
      [1, bob.who.clientId],
      [2, alice.who.clientId],
    ],
  )
  const [own, others] = answers
  assert.ok(own && others)
  assert.deepEqual(keyOf(await alice.open(own.kmsMessage)).jwk, key.jwk)
  assert.equal((await bob.open(others.kmsMessage))['status'], 403)
})

test('a message under the name of another session opens nothing', async () => {
  const sealed = await bob.seal(bob.request({ method: 'update', uri: '/ping' }))
  const header = { enc: 'A256GCM', alg: 'dir', kid: alice.channel.uri }
  const renamed = [
    Buffer.from(JSON.stringify(header)).toString('base64url'),
    ...sealed.split('.').slice(1),
  ].join('.')
  const reset = only(await bob.post([renamed]))
  assert.equal((await bob.verify(reset.kmsMessage))['status'], 499)
  assert.equal((await core.world.lastEntry())['code'], 'channel.not-opened')
  assert.equal((await alice.ask('update', '/ping'))['status'], 200, 'the session lives on')
})

test('an answer sent back as a question is no request', async () => {
  await alice.ask('create', '/keys', { count: 1 })
  const { answers } = captured().answers
  const sealed = answers[0]?.kmsMessage ?? ''
  const answer = await alice.open(only(await alice.post([sealed])).kmsMessage)
  assert.equal(answer['status'], 400)
  assert.match(String((await core.world.lastEntry())['code']), /^request\./)
})

test('a handshake replayed makes a session that nobody can use, and harms no other', async () => {
  const phone = core.device('alice', 'phone')
  await phone.shake()
  const handshake = captured().post
  for (let n = 0; n < 5; n += 1) {
    const answer = only(await send({ ...handshake, id: newRequestId() }))
    assert.equal(answer.deliverTo, phone.who.clientId)
    const { key } = await phone.verify(answer.kmsMessage)
    assert.notEqual((key as Json)['uri'], phone.channel.uri)
  }
  assert.equal((await phone.ask('update', '/ping'))['status'], 200)
})

test('a handshake kept until its token has expired is refused', async () => {
  const own = await openHostileCore()
  const device = await own.signedIn('alice')
  const handshake = own.carried.at(-1)?.post
  assert.ok(handshake)
  own.world.advance(seconds(9 * 3600))
  const answers = sealedOf(await own.line().ask({ ...handshake, id: newRequestId() }))
  assert.equal((await device.verify(only(answers).kmsMessage))['status'], 403)
  assert.equal((await own.world.lastEntry())['code'], 'identity.token-expired')
  await own.close()
})

test('a line that is cut between question and answer loses nothing', async () => {
  const sealed = await alice.seal(alice.request({ method: 'create', uri: '/keys', count: 1 }))
  const post: MessagesFrame = {
    type: 'messages',
    id: newRequestId(),
    sync: false,
    httpUser: PEOPLE.alice,
    trackingId: 'cut',
    kmsMessages: [sealed],
  }
  const line = core.line()
  const lost = assert.rejects(line.ask(post))
  line.cut()
  await lost
  const next = await core.nextLine()
  const answers = sealedOf(await next.ask(post))
  assert.equal((await alice.open(only(answers).kmsMessage))['status'], 201)
})

test('at the end nothing was a fault, and the log is whole', async () => {
  assert.deepEqual(core.world.realm.faults, [])
  const entries = await core.world.entries()
  assert.equal(
    entries.every(({ outcome }) => outcome !== 'failed'),
    true,
  )
})
