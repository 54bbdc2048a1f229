import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createMetrics } from '../../../src/runtime/index.ts'

describe('metrics', () => {
  test('are named realm, room, thing, unit', async () => {
    const metrics = createMetrics({ process: 'ignored' })
    const outcome = ['done', 'refused'] as const
    const common = { room: 'kms', help: 'Help.', labels: { outcome } }
    metrics.counter({ ...common, thing: 'requests', unit: 'count' }).add({ outcome: 'done' })
    metrics.counter({ ...common, thing: 'received', unit: 'bytes' }).add({ outcome: 'done' }, 7)
    metrics
      .histogram({ ...common, thing: 'request', unit: 'seconds' })
      .observe({ outcome: 'done' }, 1)
    metrics.gauge({ room: 'links', thing: 'waiting', unit: 'count', help: 'Help.' }).set({}, 3)
    metrics.gaugeOf({ room: 'store', thing: 'size', unit: 'bytes', help: 'Help.' }, () => 5)
    const { contentType, body } = await metrics.text()
    assert.match(contentType, /^text\/plain/)
    assert.match(body, /^realm_kms_requests_total\{outcome="done"\} 1$/m)
    assert.match(body, /^realm_kms_received_bytes_total\{outcome="done"\} 7$/m)
    assert.match(body, /^realm_kms_request_seconds_count\{outcome="done"\} 1$/m)
    assert.match(body, /^realm_links_waiting_count 3$/m)
    assert.match(body, /^realm_store_size_bytes 5$/m)
  })

  test('count a label value from outside its closed set as other', async () => {
    const metrics = createMetrics({ process: 'ignored', prefix: 'core' })
    const counter = metrics.counter({
      room: 'relay',
      thing: 'posts',
      unit: 'count',
      help: 'Help.',
      labels: { outcome: ['done'] },
    })
    Reflect.apply(counter.add, counter, [{ outcome: 'alice@example.test', user: 'alice' }])
    Reflect.apply(counter.add, counter, [{}])
    const { body } = await metrics.text()
    assert.match(body, /^core_relay_posts_total\{outcome="other"\} 2$/m)
    assert.ok(!body.includes('alice'))
  })

  test('refuse a name that is not words in lower case', () => {
    const metrics = createMetrics({ process: 'ignored' })
    const name = { room: 'kms', thing: 'Odd-Name', unit: 'count', help: 'Help.' } as const
    assert.throws(() => metrics.counter(name), TypeError)
  })

  test('measure the process when asked', async () => {
    const { body } = await createMetrics({ process: 'measured' }).text()
    assert.match(body, /^nodejs_eventloop_lag_p99_seconds /m)
    assert.match(body, /^process_resident_memory_bytes /m)
  })

  test('of two registries do not meet', async () => {
    const name = { room: 'kms', thing: 'a', unit: 'count', help: 'Help.' } as const
    createMetrics({ process: 'ignored' }).counter(name).add({})
    assert.equal((await createMetrics({ process: 'ignored' }).text()).body.trim(), '')
  })
})
