import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MailboxRules, openMailboxes } from '../../../../src/core/devices/mailboxes.ts'
import { milliseconds } from '../../../../src/time.ts'
import { makeSurroundings } from '../surroundings.ts'

const RULES: MailboxRules = {
  events: 3,
  bytes: 100_000,
  totalBytes: 1_000_000,
  keptFor: milliseconds(1000),
  windowBytes: 1000,
}

const makeOutlet = () => {
  const texts: string[] = []
  const taken: (() => void)[] = []
  const closed: number[] = []
  let backlog = 0
  return {
    send(text: string, onTaken: () => void) {
      texts.push(text)
      taken.push(onTaken)
      backlog += text.length
    },
    backlogBytes: () => backlog,
    close: (code: number) => closed.push(code),
    /** The network takes everything. */
    drain() {
      backlog = 0
      for (const onTaken of taken.splice(0)) onTaken()
    },
    closed,
    data: (): unknown[] => texts.map((text) => JSON.parse(text).data),
    numbers: (): unknown[] => texts.map((text) => JSON.parse(text).sequenceNumber),
  }
}

const STATE = { eventType: 'mercury.buffer_state' }

const makeBoxes = (rules: Partial<MailboxRules> = {}) => {
  const { surroundings, counted, pass } = makeSurroundings()
  const boxes = openMailboxes({ ...RULES, ...rules }, surroundings)
  const push = (data: unknown, device = 'd') =>
    boxes.push(device, { data: JSON.stringify(data), trackingId: 't' })
  return { boxes, push, counted, pass }
}

test('a box drops its oldest events beyond its limit, and counts those that were never sent', () => {
  const { boxes, push, counted } = makeBoxes()
  for (const n of [1, 2, 3, 4]) push(n)
  assert.deepEqual(counted, ['dropped space'])
  const outlet = makeOutlet()
  boxes.attach('d', outlet)
  assert.deepEqual(outlet.data(), [STATE, 2, 3, 4])
  push(5)
  assert.deepEqual(counted, ['dropped space'])
})

test('boxes together are bounded: who pushes beyond that loses their own', () => {
  const { push, counted } = makeBoxes({ totalBytes: 300 })
  push('x'.repeat(50), 'one')
  push('x'.repeat(50), 'two')
  push('x'.repeat(50), 'three')
  assert.deepEqual(counted, ['dropped space'])
})

test('events age, in their turn and in the sweep', () => {
  const { boxes, push, counted, pass } = makeBoxes()
  push(1)
  pass(1000)
  push(2)
  assert.deepEqual(counted, ['dropped age'])
  pass(1000)
  boxes.sweep()
  assert.deepEqual(counted, ['dropped age', 'dropped age'])
})

test('sending stops at the window and goes on when the network has taken some', () => {
  const { boxes, push } = makeBoxes({ windowBytes: 400 })
  const outlet = makeOutlet()
  boxes.attach('d', outlet)
  push('a'.repeat(300))
  push('b')
  push('c')
  assert.equal(outlet.data().length, 2)
  outlet.drain()
  assert.deepEqual(outlet.data().slice(2), ['b', 'c'])
  assert.deepEqual(outlet.numbers(), [1, 2, 3, 4])
})

test('what is acknowledged before it is due is not sent', () => {
  const { boxes, push } = makeBoxes({ windowBytes: 1 })
  const outlet = makeOutlet()
  push(1)
  push(2)
  boxes.attach('d', outlet)
  boxes.acknowledge('d', 'id-1')
  outlet.drain()
  assert.deepEqual(outlet.data(), [STATE, 2])
})

test('a new socket takes over; the old one is told, and its end changes nothing', () => {
  const { boxes, push } = makeBoxes()
  const old = makeOutlet()
  const fresh = makeOutlet()
  boxes.attach('d', old)
  boxes.attach('d', fresh)
  assert.deepEqual(old.closed, [4000])
  boxes.detach('d', old)
  push(1)
  old.drain()
  assert.deepEqual(old.data(), [STATE])
  assert.deepEqual(fresh.data(), [STATE, 1])
})

test('a device that is gone leaves nothing behind', () => {
  const { boxes, push } = makeBoxes()
  const outlet = makeOutlet()
  boxes.attach('d', outlet)
  push(1)
  boxes.discard('d')
  assert.deepEqual(outlet.closed, [1000])
  const next = makeOutlet()
  boxes.attach('d', next)
  assert.deepEqual(next.data(), [STATE])
})
