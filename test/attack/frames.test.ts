// What is not a frame ends the line, and the realm dials again; what is one, but too much, is declined or has no
// effect. None of it reaches the corridor.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { FRAME_MAX_BYTES, LINE_CLOSED, type MessagesFrame } from '../../src/boundary/index.ts'
import type { Device } from '../support/device.ts'
import { newRequestId } from '../support/device.ts'
import { type HostileCore, openHostileCore } from '../support/hostile-core.ts'
import { PEOPLE } from '../support/world.ts'

let core: HostileCore
let alice: Device
before(async () => {
  core = await openHostileCore()
  alice = await core.signedIn('alice')
})
after(() => core.close())

const POST: MessagesFrame = {
  type: 'messages',
  id: 'frame-1',
  sync: false,
  httpUser: PEOPLE.alice,
  trackingId: 't',
  kmsMessages: ['x'],
}
const json = (changes: object): string => JSON.stringify({ ...POST, ...changes })
const MALFORMED = LINE_CLOSED.malformedFrame
const TOO_BIG = 1009

const frames: readonly (readonly [string, string | Uint8Array, number])[] = [
  ['nothing', '', MALFORMED],
  ['half a frame', json({}).slice(0, -5), MALFORMED],
  ['two frames', json({}) + json({}), MALFORMED],
  ['bytes', Buffer.from(json({})), MALFORMED],
  ['text that is no UTF-16', '"\\ud800"', MALFORMED],
  ['a list', '[]', MALFORMED],
  ['null', 'null', MALFORMED],
  ['a hello', json({ type: 'hello' }), MALFORMED],
  ['answers', json({ type: 'answers' }), MALFORMED],
  ['a second welcome', '{"type":"welcome","version":1}', MALFORMED],
  ['a welcome of another version', '{"type":"welcome","version":2}', LINE_CLOSED.unknownVersion],
  ['an unknown type', json({ type: 'unlock' }), MALFORMED],
  ['an unknown member', json({ passphrase: 'x' }), MALFORMED],
  ['a member of objects', `{"__proto__":{},${json({}).slice(1)}`, MALFORMED],
  ['no id', json({ id: undefined }), MALFORMED],
  ['an id with a line break', json({ id: 'a\nb' }), MALFORMED],
  ['an id without end', json({ id: 'x'.repeat(10_000) }), MALFORMED],
  ['a user that is no UUID', json({ httpUser: 'alice' }), MALFORMED],
  ['a device with a blank', json({ httpDevice: 'a b' }), MALFORMED],
  ['a word for sync', json({ sync: 'yes' }), MALFORMED],
  ['no message', json({ kmsMessages: [] }), MALFORMED],
  ['51 messages', json({ kmsMessages: Array(51).fill('x') }), MALFORMED],
  ['a number for a message', json({ kmsMessages: [1] }), MALFORMED],
  ['a message too large', json({ kmsMessages: ['x'.repeat(262_145)] }), MALFORMED],
  ['lists in lists', `{"type":"messages","kmsMessages":${'['.repeat(100_000)}`, MALFORMED],
  ['a frame too large', json({ id: 'x'.repeat(FRAME_MAX_BYTES) }), TOO_BIG],
]

for (const [what, frame, code] of frames) {
  test(`${what} ends the line, and the realm dials again`, async () => {
    const before = (await core.world.entries()).length
    const line = core.line()
    line.sayText(frame)
    assert.equal(await line.closed, code)
    await core.nextLine()
    assert.equal((await core.world.entries()).length, before, 'nothing reached the corridor')
  })
}

test('after all that, devices go on in their sessions', async () => {
  assert.equal((await alice.ask('update', '/ping'))['status'], 200)
})

test('the largest frame there is, full of noise, is answered with silence, each message recorded', async () => {
  const before = (await core.world.entries()).length
  const { answers, declined } = await core.line().ask({
    ...POST,
    id: newRequestId(),
    kmsMessages: Array(50).fill('x'.repeat(262_144)),
  })
  assert.deepEqual({ answers, declined }, { answers: [], declined: undefined })
  const entries = (await core.world.entries()).slice(before)
  assert.equal(entries.length, 50)
  assert.equal(
    entries.every(({ code }) => code === 'channel.malformed'),
    true,
  )
})
