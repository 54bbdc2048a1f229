import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHttpApp } from '../../../../src/core/http/http.ts'
import type { Tokens } from '../../../../src/core/http/tokens.ts'
import { parseOrganizationId, parseUserId } from '../../../../src/id.ts'
import { instant } from '../../../../src/time.ts'
import { makeSurroundings } from '../surroundings.ts'

const id = '0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114'
const userId = parseUserId(id)
const organizationId = parseOrganizationId(id)
assert.ok(userId !== undefined && organizationId !== undefined)
const caller = { userId, organizationId, roles: [], expiresAt: instant(1e15) }
const tokens: Tokens = { callerOf: async () => caller }

const codeFrom = async (answer: () => Promise<Response>, isStopping = () => false) => {
  const route = { method: 'GET', path: '/x', name: 'unknown', answer } as const
  const { surroundings } = makeSurroundings()
  const rules = { tokens, body: { bytes: 1, withinMs: 1 }, surroundings, isStopping }
  const told = await createHttpApp([route], rules).request('/x')
  return [told.status, ((await told.json()) as { code?: string }).code, told]
}

test('something that breaks is told as a fault, without a word about it', async () => {
  const [status, code] = await codeFrom(() => Promise.reject(new Error('secret detail')))
  assert.equal(status, 500)
  assert.equal(code, 'core.fault')
})

test('a core that stops begins nothing new', async () => {
  const answer = () => assert.fail('nothing is begun')
  const [status, code] = await codeFrom(answer, () => true)
  assert.equal(status, 503)
  assert.equal(code, 'core.stopping')
})
