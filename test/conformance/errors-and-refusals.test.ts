// What is wrong with a request, and how it is told: sealed, with a status, a reason and the requestId verbatim
// (draft §4.6.3). Every request here is sealed under a good session.

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { RefusalCode } from '../../src/refusal.ts'
import type { Json } from '../support/device.ts'
import { HOME, PEOPLE, World } from '../support/world.ts'

const world = await World.open()
after(() => world.close())
const alice = await world.signedIn('alice')
const PING = { method: 'update', uri: '/ping' }

describe('an answer', () => {
  const ids = [
    'x',
    'with "quotes" \\ and / slashes',
    'ünïcødé 日本 🔑',
    '0'.repeat(256),
    '{"a":1}',
    'null',
  ]
  for (const requestId of ids) {
    test(`repeats the requestId ${JSON.stringify(requestId.slice(0, 32))} verbatim, of a refusal too`, async () => {
      const good = await alice.ask('update', '/ping', { requestId })
      assert.equal(good['requestId'], requestId)
      const bad = await alice.ask('retrieve', `${HOME}/keys/1`, { requestId })
      assert.equal(bad['requestId'], requestId)
      assert.equal(bad['status'], 400)
    })
  }

  test('to a refusal has a status, a reason, the requestId and no more', async () => {
    const answer = await alice.ask('create', '/ping', { requestId: 'r' })
    assert.deepEqual(Object.keys(answer), ['status', 'reason', 'requestId'])
  })

  test('never says what the realm knows: no URI, no user, no code of ours', async () => {
    const uri = `${HOME}/keys/00000000-0000-4000-8000-000000000000`
    const { reason } = await alice.ask('retrieve', uri)
    assert.equal(String(reason).includes('kms.'), false)
    assert.equal(String(reason).includes(PEOPLE.alice), false)
  })

  test('goes to the device of the session, one per request, in their order', async () => {
    const ids = Array.from({ length: 50 }, (_, index) => `in order ${index}`)
    const requests = ids.map((requestId, index) =>
      alice.seal(
        alice.request({
          requestId,
          ...(index % 3 === 0 ? { method: 'create', uri: '/keys', count: 1 } : PING),
        }),
      ),
    )
    const answers = await alice.post(await Promise.all(requests), { httpDevice: undefined })
    const opened = await Promise.all(answers.map((one) => alice.open(one.kmsMessage)))
    assert.deepEqual(
      opened.map((answer) => answer['requestId']),
      ids,
    )
    assert.ok(answers.every((answer) => answer.deliverTo === alice.who.clientId))
  })

  test('that would be longer than the line to the core carries is a refusal instead', async () => {
    const narrow = await World.open({ settings: { sealedAnswerMaxChars: 2000 } })
    const device = await narrow.signedIn('alice')
    const answer = await device.ask('create', '/keys', { count: 50, requestId: 'long' })
    assert.equal(answer['status'], 413)
    assert.equal(answer['requestId'], 'long')
    assert.equal((await device.ask('create', '/keys', { count: 1 }))['status'], 201)
    await narrow.close()
  })

  test('tells the core the status of a refusal where the core waits for it, and no resource', async () => {
    const request = alice.request({ method: 'retrieve', uri: `${HOME}/resources/1` })
    const part = { operation: 'create-resource' } as const
    const { answers } = await alice.operate(await alice.seal(request), part)
    assert.deepEqual(answers[0]?.clear, { status: 400 })
  })
})

describe('a request is refused', () => {
  const token = () => ({ bearer: alice.who.bearer })
  const client = (changes: Json = {}) => ({ clientId: alice.who.clientId, ...changes })
  const ask = (fields: Json) => alice.askRaw(alice.request({ ...PING, ...fields }))

  const cases: readonly [string, Json, number, RefusalCode][] = [
    ['without a method', { method: undefined }, 400, 'request.invalid'],
    ['with a method in upper case', { method: 'UPDATE' }, 400, 'request.invalid'],
    ['with a method of HTTP', { method: 'POST' }, 400, 'request.invalid'],
    ['without a URI', { uri: undefined }, 400, 'request.invalid-uri'],
    ['with a list for a URI', { uri: ['/ping'] }, 400, 'request.invalid-uri'],
    ['with a URI of no collection', { uri: '/pong' }, 400, 'request.invalid-uri'],
    [
      'with a URI named like a property of objects',
      { uri: '/constructor' },
      400,
      'request.invalid-uri',
    ],
    ['with a URI that leads upwards', { uri: '/keys/../ping' }, 400, 'request.invalid-id'],
    ['with a URI that ends in a slash', { uri: '/ping/' }, 400, 'request.invalid-id'],
    ['with a line break in its URI', { uri: '/ping\n' }, 400, 'request.invalid-uri'],
    [
      'with a URI of 3,000 characters',
      { uri: `/ping?${'x'.repeat(3000)}` },
      400,
      'request.invalid-uri',
    ],
    [
      'with the URI of another realm',
      { uri: 'kms://kms.globex.example/ping' },
      404,
      'request.foreign-host',
    ],
    [
      'with a user in the host',
      { uri: HOME.replace('//', '//x@').concat('/ping') },
      404,
      'request.foreign-host',
    ],
    ['with an unknown member', { hurry: true }, 400, 'request.unknown-member'],
    [
      'with a member named __proto__',
      JSON.parse('{"__proto__":{"count":1}}'),
      400,
      'request.unknown-member',
    ],
    ['without a client', { client: undefined }, 400, 'request.invalid'],
    ['with null for a client', { client: null }, 400, 'request.invalid'],
    ['with a list for a client', { client: [] }, 400, 'request.invalid'],
    [
      'with an unknown member of its client',
      { client: client({ name: 'x' }) },
      400,
      'request.unknown-member',
    ],
    [
      'with a credential that is no object',
      { client: client({ credential: 'x' }) },
      400,
      'request.invalid',
    ],
    [
      'with an unknown member of its credential',
      { client: client({ credential: { jwk: {} } }) },
      400,
      'request.unknown-member',
    ],
    [
      'with a token that is no text',
      { client: client({ credential: { bearer: 7 } }) },
      400,
      'request.invalid',
    ],
    [
      'with a token of 70,000 characters',
      { client: client({ credential: { bearer: 'x'.repeat(70_000) } }) },
      400,
      'request.invalid',
    ],
    [
      'with a device that is no text',
      { client: { clientId: 7, credential: token() } },
      400,
      'request.invalid',
    ],
    [
      'with a blank in its device',
      { client: { clientId: 'a b', credential: token() } },
      400,
      'request.invalid',
    ],
    [
      'with a device of 2,000 characters',
      { client: { clientId: 'x'.repeat(2000), credential: token() } },
      400,
      'request.invalid',
    ],
    ['without a credential', { client: client() }, 403, 'identity.token-missing'],
    [
      'with an empty credential',
      { client: client({ credential: {} }) },
      403,
      'identity.token-missing',
    ],
    [
      'with null for a token',
      { client: client({ credential: { bearer: null } }) },
      403,
      'identity.token-missing',
    ],
    [
      'with words for a token',
      { client: client({ credential: { bearer: 'let me in' } }) },
      403,
      'identity.token-malformed',
    ],
  ]
  for (const [what, fields, status, code] of cases) {
    test(what, async () => world.refused(await ask(fields), status, code))
  }

  test('with a bad token: 403 in the words that real clients look for', async () => {
    const answer = await ask({
      client: alice.client({ bearer: world.token(PEOPLE.alice, { exp: 1 }) }),
    })
    assert.equal(answer['status'], 403)
    const words = 'Failed to resolve authorization token in KmsMessage request for user'
    assert.ok(String(answer['reason']).includes(words))
  })

  for (const requestId of [
    undefined,
    '',
    7,
    null,
    'x'.repeat(257),
    'a\u0000b',
    'line\nbreak',
    '\ud800',
  ]) {
    test(`with ${JSON.stringify(requestId)?.slice(0, 20)} for a requestId, and then without one in the answer`, async () => {
      const answer = await ask({ requestId })
      assert.deepEqual(Object.keys(answer), ['status', 'reason'])
      assert.equal(answer['status'], 400)
      assert.equal((await world.lastEntry())['code'], 'request.invalid')
    })
  }

  const texts: readonly [string, string, RefusalCode][] = [
    ['that is empty', '', 'request.not-json'],
    ['that is no JSON', '{"method":', 'request.not-json'],
    ['with a comma too many', '{"method":"update",}', 'request.not-json'],
    ['behind a byte order mark', '\ufeff{}', 'request.not-json'],
    ['that is two values', '{}{}', 'request.not-json'],
    ['that is a number', '7', 'request.invalid'],
    ['that is null', 'null', 'request.invalid'],
    ['that is a list', '[{}]', 'request.invalid'],
    ['nested 80,000 levels deep', '['.repeat(80_000) + ']'.repeat(80_000), 'request.too-deep'],
    ['nested 13 levels deep', `${'{"a":'.repeat(12)}{}${'}'.repeat(12)}`, 'request.too-deep'],
    [
      'with a member named twice',
      '{"method":"update","method":"delete"}',
      'request.duplicate-member',
    ],
    [
      'with a member named twice, once in disguise',
      '{"uri":"/ping","\\u0075ri":"/keys"}',
      'request.duplicate-member',
    ],
    [
      'with a member of a member named twice',
      '{"client":{"clientId":"a","clientId":"b"}}',
      'request.duplicate-member',
    ],
  ]
  for (const [what, text, code] of texts) {
    test(`${what}, without a requestId in the answer`, async () => {
      const answer = await alice.askRaw(text)
      assert.deepEqual(Object.keys(answer), ['status', 'reason'])
      assert.equal(answer['status'], 400)
      assert.equal((await world.lastEntry())['code'], code)
    })
  }
})

test('a fault of ours is answered 500 and explained to nobody', async () => {
  let isBroken = false
  const broken = await World.open({
    wrapStore: (store) => ({
      read: (work) => store.read(work),
      transact: (work) =>
        store.transact((tx) => {
          const keys = { ...tx.keys, find: () => Promise.reject(new Error('disk: kms://secret')) }
          return work(isBroken ? { ...tx, keys } : tx)
        }),
    }),
  })
  const device = await broken.signedIn('alice')
  isBroken = true
  const requestId = 'of a fault'
  const uri = `${HOME}/keys/00000000-0000-4000-8000-000000000000`
  const answer = await device.ask('retrieve', uri, { requestId })
  assert.deepEqual(answer, { status: 500, reason: 'Internal error', requestId })
  assert.equal(broken.realm.faults.length, 1)
  const { action, outcome, code } = await broken.lastEntry()
  assert.deepEqual(
    { action, outcome, code },
    { action: 'request.failed', outcome: 'failed', code: 'kms.unexpected' },
  )
  isBroken = false
  const again = await device.ask('retrieve', uri, { requestId })
  assert.equal(again['status'], 403, 'what failed has not been answered: it may be asked again')
  await broken.close()
})
