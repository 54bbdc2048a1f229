import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { PROBLEM_CODES, problem, toProblemResponse } from '../../../../src/core/http/problem.ts'

test('every code has a test that produces it', () => {
  const root = join(import.meta.dirname, '../../..')
  const files = globSync('{unit,system}/core/**/*.test.ts', { cwd: root })
  const tests = files.map((file) => readFileSync(join(root, file), 'utf8')).join('\n')
  const untested = PROBLEM_CODES.filter((code) => !tests.includes(`'${code}'`))
  assert.deepEqual(untested, [])
})

test('a problem is told as RFC 9457 says, with its code and tracking id', async () => {
  const answer = toProblemResponse(problem('core.body-invalid', 'target.id'), 't1')
  assert.equal(answer.status, 400)
  assert.equal(answer.headers.get('content-type'), 'application/problem+json')
  assert.deepEqual(await answer.json(), {
    type: 'urn:keyrealm:problem:core.body-invalid',
    title: 'A member of the body is missing, unknown or of the wrong form',
    status: 400,
    code: 'core.body-invalid',
    about: 'target.id',
    trackingId: 't1',
  })
})

test('a problem that may pass says when to come back', () => {
  assert.equal(toProblemResponse(problem('kms.locked'), 't').headers.get('retry-after'), '2')
})
