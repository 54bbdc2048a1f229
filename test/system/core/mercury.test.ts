// Mercury sockets: who may have one, what they get, and that nothing unacknowledged is lost.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import {
  authorizationFrame,
  listenAs,
  type MercuryEvent,
  openMercurySocket,
} from './fake-device.ts'
import type { FakeRealm } from './fake-realm.ts'
import { ACME, ALICE, type CoreWorld, claimsOf, openCoreWorld } from './world.ts'

let world: CoreWorld
let realm: FakeRealm
let device: { readonly url: string; readonly webSocketUrl: string }

before(async () => {
  const limits = {
    mercuryAuthorizeWithinMs: 300,
    mercuryFrameBytes: 4096,
    mercuryFramesPerSecond: 50,
    windowBytes: 65_536,
    eventBytesPerDevice: 2_000_000,
    eventsForMs: 60_000,
  }
  world = await openCoreWorld({ limits })
  realm = await world.connect(ACME)
})
after(() => world.close())
beforeEach(async () => {
  device = await world.register('alice')
})

const open = (url = device.webSocketUrl) => openMercurySocket(url, world.authority.ca)
const listen = (url = device.webSocketUrl, token = 'alice') =>
  listenAs(url, { ca: world.authority.ca, token })

/** Lets the realm answer with these texts, one post each. */
const deliver = async (...texts: readonly string[]): Promise<void> => {
  for (const kmsMessage of texts) {
    const body = { destination: `kms://${ACME.domain}`, kmsMessages: ['m'] }
    await world.ask('POST', '/encryption/api/v1/kms/messages', { token: 'alice', body })
    const { id } = await realm.posts.take()
    realm.say({ type: 'answers', id, answers: [{ n: 0, deliverTo: device.url, kmsMessage }] })
  }
}

const textOf = ({ data }: MercuryEvent): unknown =>
  Object.values(data['encryption'] ?? {}).flat()[0]

test('the first frame is the buffer state, and numbers rise without a gap', async () => {
  const mercury = await open()
  mercury.say(authorizationFrame('alice'))
  const state = await mercury.events.take()
  assert.deepEqual(state.data, { eventType: 'mercury.buffer_state' })
  assert.equal('type' in state, false)
  await deliver('a.1.z', 'a.2.z')
  const events = [await mercury.events.take(), await mercury.events.take()]
  assert.deepEqual(events.map(textOf), ['a.1.z', 'a.2.z'])
  assert.deepEqual(
    events.map(({ sequenceNumber }) => sequenceNumber - state.sequenceNumber),
    [1, 2],
  )
  mercury.close()
})

test('a ping is answered with a pong of the same id', async () => {
  const mercury = await listen()
  mercury.say({ id: 'p"1', type: 'ping' })
  assert.deepEqual(await mercury.events.take(), { id: 'p"1', type: 'pong' })
  mercury.close()
})

test('frames of kinds that are not known are ignored, and so is the query', async () => {
  const mercury = await listen(`${device.webSocketUrl}?outboundWireFormat=text&bufferStates=true`)
  mercury.say({ type: 'typing', id: 'x' })
  mercury.say({ type: 'ack', messageId: 'never-sent' })
  mercury.say({ id: 'p', type: 'ping' })
  assert.equal((await mercury.events.take()).type, 'pong')
  mercury.close()
})

test('what was not acknowledged is sent again on the next socket, under the same id', async () => {
  const first = await listen()
  await deliver('a.1.z', 'a.2.z', 'a.3.z')
  const [one, two, three] = [
    await first.events.take(),
    await first.events.take(),
    await first.events.take(),
  ]
  first.acknowledge(two)
  first.say({ id: 'after-ack', type: 'ping' })
  await first.events.take()
  first.cut()
  await deliver('a.4.z')
  const second = await listen()
  const again = [await second.events.take(), await second.events.take(), await second.events.take()]
  assert.deepEqual(again.map(textOf), ['a.1.z', 'a.3.z', 'a.4.z'])
  assert.deepEqual(
    again.slice(0, 2).map(({ id }) => id),
    [one.id, three.id],
  )
  second.close()
})

test('events that waited too long are not sent any more', async () => {
  const first = await listen()
  await deliver('a.old.z')
  await first.events.take()
  first.cut()
  world.pass(61_000)
  await deliver('a.new.z')
  const mercury = await listen()
  assert.equal(textOf(await mercury.events.take()), 'a.new.z')
  mercury.close()
})

test('a second socket of the same device replaces the first', async () => {
  const first = await listen()
  const second = await listen()
  assert.equal(await first.closed, 4000)
  await deliver('a.1.z')
  assert.equal(textOf(await second.events.take()), 'a.1.z')
  second.close()
})

test('a socket that does not read holds up nobody; what it missed last waits for the next', async () => {
  const deaf = await listen()
  deaf.pause()
  const sent = Array.from({ length: 60 }, (_, n) => `a.${'x'.repeat(200_000)}.${n}`)
  await deliver(...sent)
  const next = await listen()
  const texts = [textOf(await next.events.take())]
  while (texts.at(-1) !== sent.at(-1)) texts.push(textOf(await next.events.take()))
  assert.deepEqual(texts, sent.slice(-texts.length))
  assert.ok(texts.length < 20)
  next.close()
  deaf.cut()
})

const closedWith = async (...frames: readonly object[]): Promise<number> => {
  const mercury = await open()
  for (const frame of frames) mercury.say(frame)
  return await mercury.closed
}

test('a bad token closes the socket so that the client refreshes it', async () => {
  assert.equal(await closedWith(authorizationFrame('nobody')), 4401)
  assert.equal(await closedWith({ type: 'authorization', data: { token: 'alice' } }), 4401)
})

test('a token that opens keys, and one of another user, close the socket for good', async () => {
  world.provider.tokens.set('kms', claimsOf(ALICE, ACME.organizationId, { scope: 'spark:kms' }))
  assert.equal(await closedWith(authorizationFrame('kms')), 4403)
  assert.equal(await closedWith(authorizationFrame('bob')), 4403)
})

test('a provider that cannot be asked closes the socket so that the client comes back', async () => {
  world.provider.mode = 'out-of-order'
  assert.equal(await closedWith(authorizationFrame('not-asked-before')), 1011)
  world.provider.mode = 'in-order'
})

test('a device that is not known is closed without a code, so that it registers again', async () => {
  await world.ask('DELETE', device.url, { token: 'alice' })
  assert.equal(await closedWith(authorizationFrame('alice')), 1005)
})

test('anything before the authorization, and what is no frame, closes the socket', async () => {
  assert.equal(await closedWith({ id: 'x', type: 'ping' }), 4400)
  assert.equal(await closedWith({ type: 'authorization' }), 4400)
  for (const text of ['{', '[]', '7', '{"type":7}', '{"type":"ping"}', '{"type":"ack"}']) {
    const mercury = await open()
    mercury.sayText(text)
    assert.equal(await mercury.closed, 4400, text)
  }
})

test('a socket that says nothing is closed', async () => {
  const silent = await open()
  assert.equal(await silent.closed, 1008)
})

test('oversized frames and too many frames close the socket', async () => {
  const large = await listen()
  large.say({ type: 'other', text: 'x'.repeat(5000) })
  assert.equal(await large.closed, 1009)
  const chatty = await listen()
  for (let n = 0; n < 200; n += 1) chatty.say({ type: 'other' })
  assert.equal(await chatty.closed, 1008)
})

test('a later authorization on the same socket renews it, but not for another user', async () => {
  const mercury = await listen()
  mercury.say(authorizationFrame('alice'))
  mercury.say({ id: 'p', type: 'ping' })
  assert.equal((await mercury.events.take()).type, 'pong')
  mercury.say(authorizationFrame('bob'))
  assert.equal(await mercury.closed, 4403)
})

test('removing a device closes its socket', async () => {
  const mercury = await listen()
  await world.ask('DELETE', device.url, { token: 'alice' })
  assert.equal(await mercury.closed, 1000)
})

test('a path that names no device is not upgraded', async () => {
  const url = device.webSocketUrl.replace(/mercury\/.*/, 'mercury/../x')
  await assert.rejects(open(url), { message: /404/ })
})

test('a core that stops tells its sockets to come back', async () => {
  const mercury = await listen()
  const [code] = await Promise.all([mercury.closed, world.restart()])
  assert.equal(code, 1001)
  const again = await listen()
  again.close()
})
