import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createApp } from '../../../src/listeners/app.ts'
import { createRateLimit } from '../../../src/listeners/index.ts'
import { addressGroup } from '../../../src/listeners/limits.ts'
import { appOptions } from './world.ts'

const aRate = (change: { addressesMax?: number } = {}) => {
  const time = { seconds: 0 }
  const elapsedSeconds = () => time.seconds
  return { time, rate: createRateLimit({ perSecond: 2, burst: 3, elapsedSeconds, ...change }) }
}

describe('the rate of one address', () => {
  test('allows a burst, then its rate', () => {
    const { time, rate } = aRate()
    for (let count = 0; count < 3; count += 1) assert.equal(rate.take('a'), undefined)
    assert.equal(rate.take('a'), 0.5)
    time.seconds = 0.5
    assert.equal(rate.take('a'), undefined)
    assert.equal(rate.take('a'), 0.5)
    time.seconds = 100
    for (let count = 0; count < 3; count += 1) assert.equal(rate.take('a'), undefined)
    assert.equal(rate.take('a'), 0.5)
  })

  test('does not touch others', () => {
    const { rate } = aRate()
    for (let count = 0; count < 9; count += 1) rate.take('a')
    assert.equal(rate.take('b'), undefined)
  })

  test('is forgotten when too many others came since', () => {
    const { rate } = aRate({ addressesMax: 2 })
    for (let count = 0; count < 4; count += 1) rate.take('a')
    rate.take('b')
    assert.notEqual(rate.take('a'), undefined)
    rate.take('b')
    rate.take('c')
    assert.equal(rate.take('a'), undefined)
  })

  test('above its limit is told 429 and when to come back', async () => {
    const { rate } = aRate()
    const app = createApp(appOptions({ rate }).options)
    app.get('/', (asked) => asked.text('here'))
    for (let count = 0; count < 3; count += 1) await app.request('/')
    const answer = await app.request('/')
    assert.equal(answer.status, 429)
    assert.equal(answer.headers.get('retry-after'), '1')
    assert.equal(Object(await answer.json()).code, 'http.too-many-requests')
  })
})

test('addresses count as their IPv4 address or their IPv6 /64', () => {
  assert.equal(addressGroup('192.0.2.7'), '192.0.2.7')
  assert.equal(addressGroup('::ffff:192.0.2.7'), '192.0.2.7')
  assert.equal(addressGroup('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64')
  assert.equal(addressGroup('2001:db8::6'), '2001:db8:0:0::/64')
  assert.equal(addressGroup('fe80::1%eth0'), 'fe80:0:0:0::/64')
  assert.equal(addressGroup('::1'), '0:0:0:0::/64')
  assert.equal(addressGroup(undefined), 'unknown')
})
