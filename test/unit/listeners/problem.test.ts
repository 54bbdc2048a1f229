import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createApp } from '../../../src/listeners/app.ts'
import { PROBLEM_CODES, problem } from '../../../src/listeners/index.ts'
import { appOptions } from './world.ts'

describe('problem details', () => {
  test('are RFC 9457 with a stable code', async () => {
    const answer = problem('http.not-found')
    assert.equal(answer.status, 404)
    assert.equal(answer.headers.get('content-type'), 'application/problem+json')
    assert.deepEqual(await answer.json(), {
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail: 'There is nothing at this address.',
      code: 'http.not-found',
    })
  })

  test('have codes of the form surface.reason', () => {
    for (const code of PROBLEM_CODES)
      assert.match(code, /^(?:http|admin|erasure|witness)\.[a-z]+(?:-[a-z]+)*$/)
  })

  test('of a fault show a correlation id and nothing else; the log has the rest', async () => {
    const { options, lines } = appOptions()
    const app = createApp(options)
    app.get('/', () => {
      throw new Error('hunter2')
    })
    const answer = await app.request('/')
    const text = await answer.text()
    assert.equal(answer.status, 500)
    assert.match(text, /"code":"http.fault","correlationId":"correlation-1"/)
    assert.ok(!`${text}${lines}`.includes('hunter2'))
    assert.match(lines[0] ?? '', /"correlationId":"correlation-1".*"event":"listener.fault"/)
  })

  test('of a missing address do not repeat it', async () => {
    const answer = await createApp(appOptions().options).request('/%3Cscript%3E')
    assert.equal(answer.status, 404)
    assert.ok(!(await answer.text()).includes('script'))
  })
})
