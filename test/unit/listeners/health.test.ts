import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createHealthApp, type HealthOptions } from '../../../src/listeners/index.ts'
import { createMetrics } from '../../../src/runtime/index.ts'
import { milliseconds } from '../../../src/time.ts'
import { appOptions } from './world.ts'

const anApp = (parts: HealthOptions['parts'], answerWithinMs = 1000) =>
  createHealthApp({
    ...appOptions().options,
    metrics: createMetrics({ process: 'measured' }),
    parts,
    answerWithin: milliseconds(answerWithinMs),
    version: { version: '0.1.0', programSha256: 'ab' },
  })

const ok = { part: 'store', state: 'ok' } as const

const askReady = async (parts: HealthOptions['parts'], answerWithinMs?: number) => {
  const answer = await anApp(parts, answerWithinMs).request('/readyz')
  const body: unknown = await answer.json()
  return { status: answer.status, body }
}

describe('health', () => {
  test('what runs is told to whoever compares it', async () => {
    const app = anApp(() => Promise.resolve([ok]))
    const answer = await app.request('/version')
    assert.deepEqual(await answer.json(), { version: '0.1.0', programSha256: 'ab' })
    assert.equal((await app.request('/version', { method: 'POST' })).status, 405)
  })

  test('the process is alive even when nothing else is', async () => {
    const answer = await anApp(() => Promise.reject(new Error('gone'))).request('/healthz')
    assert.equal(answer.status, 200)
    assert.deepEqual(await answer.json(), { status: 'live' })
  })

  test('it is ready when every part is', async () => {
    assert.deepEqual(await askReady(async () => [ok, { part: 'link', state: 'ok' }]), {
      status: 200,
      body: { status: 'ready', parts: { store: 'ok', link: 'ok' } },
    })
  })

  test('locked is alive and not ready, and says so', async () => {
    assert.deepEqual(await askReady(async () => [ok, { part: 'keys', state: 'locked' }]), {
      status: 503,
      body: { status: 'not-ready', parts: { store: 'ok', keys: 'locked' } },
    })
  })

  test('an alarm is said and takes nothing out of service', async () => {
    assert.deepEqual(await askReady(async () => [ok, { part: 'shipping', state: 'alarm' }]), {
      status: 200,
      body: { status: 'ready', parts: { store: 'ok', shipping: 'alarm' } },
    })
  })

  test('a failed part, a part that throws and a part that hangs are not ready', async () => {
    const failed = await askReady(async () => [{ part: 'link', state: 'failed' }])
    assert.deepEqual(failed.body, { status: 'not-ready', parts: { link: 'failed' } })
    const none = { status: 503, body: { status: 'not-ready', parts: {} } }
    assert.deepEqual(await askReady(() => Promise.reject(new Error('gone'))), none)
    assert.deepEqual(await askReady(() => new Promise(() => undefined), 10), none)
  })

  test('metrics are Prometheus text', async () => {
    const answer = await anApp(async () => []).request('/metrics')
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
    assert.match(await answer.text(), /^process_resident_memory_bytes /m)
  })

  test('nothing here can be changed', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      const answer = await anApp(async () => []).request(path, { method: 'POST' })
      assert.equal(answer.status, 405)
      assert.equal(answer.headers.get('allow'), 'GET, HEAD')
    }
  })
})
