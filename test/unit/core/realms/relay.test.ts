import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AnswersFrame } from '../../../../src/boundary/index.ts'
import type { Device } from '../../../../src/core/devices/devices.ts'
import { type Delivery, type Letter, openRelay } from '../../../../src/core/realms/relay.ts'
import { milliseconds } from '../../../../src/time.ts'
import { makeSurroundings } from '../surroundings.ts'

const ALICE = '0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114'
const BOB = '27d4c915-8e3a-4b0f-9d61-c5a8f47b6302'
const DEVICE: Device = { id: 'd', url: 'https://core/d', userId: ALICE, deviceType: 'X' }

const letterFrom = (sender: string, kmsMessages: readonly string[] = ['m']): Letter => ({
  domain: 'kms.test',
  sender,
  senderDevices: new Map([[DEVICE.url, DEVICE]]),
  trackingId: 't',
  kmsMessages,
})

const answers = (id: string, more: Partial<AnswersFrame> = {}): AnswersFrame => ({
  type: 'answers',
  id,
  answers: [{ n: 0, deliverTo: DEVICE.url, kmsMessage: 'a.b.c', clear: { status: 201 } }],
  ...more,
})

const makeRelay = (limits: object = {}) => {
  const { surroundings, counted, pass } = makeSurroundings()
  const delivered: Delivery[] = []
  const sent: string[] = []
  const rules = {
    heldPosts: 10,
    heldBytes: 10_000,
    heldPerSender: 5,
    heldFor: milliseconds(1000),
    deliver: (delivery: Delivery) => delivered.push(delivery),
    ...limits,
  }
  const line = { send: (text: string) => sent.push(text) }
  return { relay: openRelay(rules, surroundings), line, sent, delivered, counted, pass }
}

test('posts wait for a line and leave in order when it comes', () => {
  const { relay, line, sent, counted } = makeRelay()
  relay.post(letterFrom(ALICE, ['one']))
  relay.post(letterFrom(ALICE, ['two']))
  assert.deepEqual(sent, [])
  relay.lineUp('kms.test', line)
  assert.match(sent.join(), /one.*two/)
  assert.deepEqual(counted, ['post held', 'post held', 'post resent', 'post resent'])
})

test('an old line that goes down late does not take the new one with it', () => {
  const { relay, line, sent } = makeRelay()
  const old = { send: () => assert.fail('the old line is gone') }
  relay.lineUp('kms.test', old)
  relay.lineUp('kms.test', line)
  relay.lineDown('kms.test', old)
  relay.post(letterFrom(ALICE))
  assert.equal(sent.length, 1)
})

test('one sender cannot fill the desk for others, and the desk has an end', () => {
  const { relay } = makeRelay()
  for (let n = 0; n < 5; n += 1) assert.equal(relay.post(letterFrom(ALICE)), undefined)
  assert.deepEqual(relay.post(letterFrom(ALICE)), { problem: 'core.too-many-held' })
  for (let n = 0; n < 5; n += 1) assert.equal(relay.post(letterFrom(BOB)), undefined)
  assert.deepEqual(relay.post(letterFrom(BOB)), { problem: 'core.overloaded' })
})

test('the desk is bounded in size, and an answer makes room', () => {
  const { relay, delivered } = makeRelay({ heldBytes: 500 })
  assert.equal(relay.post(letterFrom(ALICE, ['x'.repeat(200)])), undefined)
  assert.deepEqual(relay.post(letterFrom(ALICE, ['x'.repeat(200)])), { problem: 'core.overloaded' })
  relay.answered('kms.test', answers('id-1'))
  assert.equal(delivered.length, 1)
  assert.equal(relay.post(letterFrom(ALICE, ['x'.repeat(200)])), undefined)
})

test('a realm cannot answer posts of another realm', () => {
  const { relay, delivered } = makeRelay()
  relay.post(letterFrom(ALICE))
  relay.answered('kms.other', answers('id-1'))
  assert.deepEqual(delivered, [])
})

test('posts that are too old are given up, and late answers to them ignored', () => {
  const { relay, line, sent, delivered, counted, pass } = makeRelay()
  relay.post(letterFrom(ALICE, ['old']))
  pass(500)
  relay.post(letterFrom(ALICE, ['young']))
  pass(500)
  relay.sweep()
  assert.ok(counted.includes('post expired'))
  relay.answered('kms.test', answers('id-1'))
  assert.deepEqual(delivered, [])
  relay.lineUp('kms.test', line)
  assert.equal(sent.length, 1)
})

test('no more is held than there is room for, and a bare outcome is no answer to a post', () => {
  const { relay, line, delivered } = makeRelay({ heldPosts: 1 })
  relay.lineUp('kms.test', line)
  relay.post(letterFrom(ALICE))
  assert.deepEqual(relay.post(letterFrom(ALICE)), { problem: 'core.overloaded' })
  relay.answered('kms.test', answers('id-1', { answers: [{ n: 0, clear: { status: 200 } }] }))
  assert.deepEqual(delivered, [])
})

test('answers may come in several frames, and none of them is delivered twice', () => {
  const { relay, line, sent, delivered } = makeRelay()
  relay.lineUp('kms.test', line)
  relay.post(letterFrom(ALICE, ['one', 'two']))
  const { id }: { id: string } = JSON.parse(sent.join())
  const answer = (n: number) => ({ n, deliverTo: DEVICE.url, kmsMessage: `a.b.${n}` })
  const first: AnswersFrame = { type: 'answers', id, answers: [answer(0)], more: true }
  relay.answered('kms.test', first)
  // The line dropped in between, and the realm began again.
  relay.answered('kms.test', first)
  relay.answered('kms.test', { type: 'answers', id, answers: [answer(1)] })
  relay.answered('kms.test', { type: 'answers', id, answers: [answer(1)] })
  assert.deepEqual(
    delivered.map(({ kmsMessage }) => kmsMessage),
    ['a.b.0', 'a.b.1'],
  )
})
