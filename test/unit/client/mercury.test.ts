import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../src/client/index.ts'
import { Mercury } from '../../../src/client/mercury.ts'
import { aClock, until } from './clock.ts'
import { createFakeCore } from './core.ts'
import type { FakeRealm } from './realm.ts'

const aWorld = (tokens: readonly string[] = ['core-token']) => {
  const clock = aClock()
  // Only its socket is used here.
  const core = createFakeCore({ details: {} } as unknown as FakeRealm)
  const events: JsonObject[] = []
  const gone: number[] = []
  const asked: boolean[] = []
  const mercury = new Mercury({
    url: core.device.webSocketUrl,
    transport: core.transport,
    clock,
    token({ renew }) {
      asked.push(renew)
      return tokens[Math.min(asked.length, tokens.length) - 1] ?? ''
    },
    onEvent: (data) => events.push(data),
    onGone: (code) => gone.push(code),
  })
  const drop = (code: number) => core.sockets.at(-1)?.events.onClose(code)
  return { clock, core, mercury, events, gone, asked, drop }
}

test('the socket signs in, acknowledges every event and hands each one on once', async () => {
  const { core, mercury, events } = aWorld()
  await mercury.ready
  core.deliver({ eventType: 'a.b' }, 'e1')
  core.deliver({ eventType: 'a.b' }, 'e1')
  core.deliver({ eventType: 'a.c' }, 'e2')
  assert.deepEqual(
    events.map(({ eventType }) => eventType),
    ['a.b', 'a.c'],
  )
  const acknowledged = core.sockets[0]?.sent.filter(({ type }) => type === 'ack')
  assert.deepEqual(
    acknowledged?.map(({ messageId }) => messageId),
    ['m1', 'e1', 'e1', 'e2'],
  )
  mercury.close()
})

test('a lost line comes back, later each time it fails, and hands on no event twice', async () => {
  const { clock, core, mercury, events, drop } = aWorld()
  await mercury.ready
  core.deliver({ eventType: 'a.b' }, 'e1')
  core.state.goodToken = 'another-token'
  drop(1006)
  for (const [sockets, waitMs] of [
    [1, 375],
    [2, 750],
    [3, 1500],
  ] as const) {
    await clock.advance(waitMs - 1)
    assert.equal(core.sockets.length, sockets)
    await clock.advance(1)
    assert.equal(core.sockets.length, sockets + 1)
    await until(() => clock.pending === 1 && core.sockets.at(-1)?.sent.length === 1)
  }
  core.state.goodToken = 'core-token'
  await clock.advance(3000)
  await until(() => core.sockets.at(-1)?.authorized === true)
  core.deliver({ eventType: 'a.b' }, 'e1')
  assert.equal(events.length, 1)
  mercury.close()
})

test('a refused token is renewed before the next try', async () => {
  const { clock, core, mercury, asked } = aWorld(['old-token', 'core-token'])
  await until(() => core.sockets[0]?.sent.length === 1)
  await clock.advance(1000)
  await mercury.ready
  assert.deepEqual(asked, [false, true])
  mercury.close()
})

for (const code of [4400, 4403, 4000, 1003, 1000]) {
  test(`after ${code} it does not come back`, async () => {
    const { clock, core, mercury, gone, drop } = aWorld()
    await mercury.ready
    drop(code)
    await clock.advance(100_000)
    assert.deepEqual([core.sockets.length, gone], [1, [code]])
    mercury.close()
  })
}

test('a line that does not answer its ping is given up and opened again', async () => {
  const { clock, core, mercury } = aWorld()
  await mercury.ready
  await clock.advance(15_000)
  assert.equal(core.sockets[0]?.sent.at(-1)?.['type'], 'ping')
  await clock.advance(15_000)
  assert.equal(core.sockets.length, 1, 'it answered, so it lives')
  const first = core.sockets[0]
  if (first !== undefined) first.events.onText = () => undefined
  await clock.advance(15_000)
  await clock.advance(14_000)
  assert.equal(first?.closedWith, 3000)
  await clock.advance(375)
  assert.equal(core.sockets.length, 2)
  mercury.close()
})

test('asked to shut down, it opens a second line before it leaves the first', async () => {
  const { core, mercury } = aWorld()
  await mercury.ready
  const [first] = core.sockets
  first?.events.onText('{"type":"shutdown"}')
  assert.equal(first?.closedWith, undefined)
  await until(() => first?.closedWith === 1000)
  assert.equal(core.sockets[1]?.authorized, true)
  mercury.close()
})

test('it answers pings of the core', async () => {
  const { core, mercury } = aWorld()
  await mercury.ready
  core.sockets[0]?.events.onText('{"id":"p1","type":"ping"}')
  assert.deepEqual(core.sockets[0]?.sent.at(-1), { id: 'p1', type: 'pong' })
  mercury.close()
})

test('noise on the socket is ignored', async () => {
  const { core, mercury, events } = aWorld()
  await mercury.ready
  for (const text of ['', '[]', '{}', '{"id":1,"data":{}}', '{"id":"x","data":[]}']) {
    core.sockets[0]?.events.onText(text)
  }
  assert.deepEqual(events, [])
  mercury.close()
})
