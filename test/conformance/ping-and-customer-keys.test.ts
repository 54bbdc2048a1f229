// Ping (draft §4.7.12), and customer main keys, which are understood and not supported. The requests are
// those of the real administration client.

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { Json } from '../support/device.ts'
import { HOME, PEOPLE, World } from '../support/world.ts'

const world = await World.open()
after(() => world.close())
const alice = await world.signedIn('alice')
const ORGANIZATION = PEOPLE.carol

describe('ping', () => {
  test('answers 200, the requestId, and nothing else', async () => {
    const answer = await alice.ask('update', '/ping')
    assert.deepEqual({ ...answer, requestId: '' }, { status: 200, requestId: '' })
    assert.equal((await alice.ask('update', `${HOME}/ping`))['status'], 200)
  })

  test('is an update and no other method', async () => {
    for (const method of ['create', 'retrieve', 'delete']) {
      await world.refused(await alice.ask(method, '/ping'), 405, 'request.unknown-operation')
    }
  })

  test('carries nothing', async () => {
    const answer = await alice.ask('update', '/ping', { count: 1 })
    await world.refused(answer, 400, 'request.unknown-member')
  })
})

describe('customer main keys', () => {
  const id = '00000000-0000-4000-8000-000000000000'
  const requests: readonly [string, string, Json][] = [
    ['retrieve', '/publicKey', {}],
    ['create', '/cmk', { customerMasterKey: 'AA', customerMasterKeyBackup: 'AA' }],
    ['create', '/awsKmsCmk', { customerMasterKey: 'arn:x', customerMasterKeyRole: 'arn:y' }],
    ['retrieve', '/cmk', {}],
    ['retrieve', '/awsKmsCmk', {}],
    ['update', `${HOME}/cmk/${id}`, { keyState: 'ACTIVE' }],
    ['update', `${HOME}/awsKmsCmk/${id}`, { keyState: 'REVOKED' }],
    ['update', 'default', { keyState: 'ACTIVE' }],
    ['delete', '/cmk', {}],
    ['delete', '/awsKmsCmk', {}],
  ]
  for (const [method, uri, fields] of requests) {
    test(`${method} ${uri.replace(HOME, '')} is answered 501 and recorded`, async () => {
      const answer = await alice.ask(method, uri, { assignedOrgId: ORGANIZATION, ...fields })
      await world.refused(answer, 501, 'request.not-supported')
      const { type, actor } = await world.lastEntry()
      assert.equal(type, 'CUSTOMER_KEY')
      assert.deepEqual(actor, { kind: 'person', id: await world.pseudonymOf('alice') })
    })
  }

  test('asked for again under the same requestId are answered the same', async () => {
    const request = alice.request({
      method: 'retrieve',
      uri: '/cmk',
      requestId: 'fixed by the payload',
    })
    assert.deepEqual(await alice.askRaw(request), await alice.askRaw(request))
  })

  test('need a good token like everything else', async () => {
    const client = alice.client({ bearer: undefined })
    const answer = await alice.ask('retrieve', '/cmk', { client })
    await world.refused(answer, 403, 'identity.token-missing')
  })
})
