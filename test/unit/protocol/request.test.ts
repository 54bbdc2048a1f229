import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isUnparsed, parseRequest, urisOf } from '../../../src/protocol/index.ts'

const uris = urisOf('kms.acme.example')
const ID = '0d9a1b2c-51c7-4d92-a6be-3f7d20c9e114'
const USER = '7d2f6a3e-51c7-4d92-a6be-3f7d20c9e114'
const OTHER = '8e306a3e-51c7-4d92-a6be-3f7d20c9e114'
const CLIENT = {
  clientId: 'https://core.example/devices/1',
  credential: { userId: USER, bearer: 'e.y.J' },
}

type Json = Readonly<Record<string, unknown>>

const parse = (method: string, uri: string, fields: Json = {}) =>
  parseRequest({ requestId: 'r', method, uri, client: CLIENT, ...fields }, uris)
const operation = (method: string, uri: string, fields: Json = {}) => {
  const parsed = parse(method, uri, fields)
  assert.ok(!isUnparsed(parsed), JSON.stringify(parsed))
  return parsed.operation
}
const code = (raw: unknown) => {
  const parsed = parseRequest(raw, uris)
  return isUnparsed(parsed) ? parsed.refusal.refused : undefined
}

describe('an operation', () => {
  const nobody = { authIds: [], anonymous: 0, role: 'participant', ttlSeconds: 0 }
  const rows: readonly [string, string, Json, Json][] = [
    ['update', '/ping', {}, { name: 'ping' }],
    ['create', '/ecdhe', { jwk: { kty: 'EC' } }, { name: 'create-session', rawJwk: { kty: 'EC' } }],
    ['delete', `/ecdhe/${ID}`, {}, { name: 'delete-session', uri: uris.session(ID) }],
    ['create', '/keys', { count: 1000 }, { name: 'create-keys', count: 1000 }],
    ['retrieve', `/keys/${ID}`, {}, { name: 'retrieve-key', uri: uris.key(ID) }],
    [
      'update',
      `/keys/${ID}`,
      { resourceUri: `/resources/${ID}` },
      { name: 'bind-key', uri: uris.key(ID), resourceUri: uris.resource(ID) },
    ],
    ['create', '/resources', {}, { name: 'create-resource', keyUris: [], ...nobody }],
    ['retrieve', `/resources/${ID}`, {}, { name: 'retrieve-resource', uri: uris.resource(ID) }],
    [
      'retrieve',
      `/resources/${ID}/keys`,
      { count: 1, boundAfter: '2026-01-01T00:00:00Z' },
      {
        name: 'retrieve-keys',
        uri: uris.resource(ID),
        filter: { count: 1, boundAfter: Date.UTC(2026, 0, 1) },
      },
    ],
    [
      'create',
      '/authorizations',
      {
        resourceUri: `/resources/${ID}`,
        userIds: [USER],
        authIds: [OTHER, USER],
        roleUri: '/roles/agent',
        ttl: 5,
        anonymous: 2,
      },
      {
        name: 'create-authorizations',
        resourceUri: uris.resource(ID),
        authIds: [USER, OTHER],
        anonymous: 2,
        role: 'agent',
        ttlSeconds: 5,
      },
    ],
    [
      'retrieve',
      `/resources/${ID}/authorizations`,
      {},
      { name: 'retrieve-authorizations', uri: uris.resource(ID) },
    ],
    [
      'retrieve',
      `/resources/${ID}/authorizations?authId=${USER}`,
      {},
      { name: 'retrieve-authorizations', uri: uris.resource(ID), authId: USER },
    ],
    [
      'retrieve',
      `/authorizations/${ID}`,
      {},
      { name: 'retrieve-authorization', uri: uris.authorization(ID) },
    ],
    [
      'delete',
      `/authorizations/${ID}`,
      {},
      { name: 'delete-authorization', uri: uris.authorization(ID) },
    ],
    [
      'delete',
      `/resources/${ID}/authorizations?authId=${USER}`,
      {},
      { name: 'delete-authorizations', uri: uris.resource(ID), authIds: [USER] },
    ],
    [
      'delete',
      '/authorizations',
      { resourceUri: `/resources/${ID}`, userIds: [USER], authIds: [OTHER] },
      { name: 'delete-authorizations', uri: uris.resource(ID), authIds: [USER, OTHER] },
    ],
    ['create', '/cmk', { anything: [1], assignedOrgId: ID }, { name: 'customer-key' }],
  ]
  for (const [method, uri, fields, expected] of rows) {
    test(`${expected['name']} is ${method} ${uri.replaceAll(ID, '…').replaceAll(USER, '…')}`, () => {
      assert.deepEqual(operation(method, uri, fields), expected)
    })
  }

  test('carries no member that it does not know', () => {
    for (const [method, uri, fields, expected] of rows) {
      if (expected['name'] === 'customer-key') continue
      const raw = { requestId: 'r', method, uri, client: CLIENT, ...fields, keyUri: 1 }
      assert.equal(code(raw), 'request.unknown-member', `${method} ${uri}`)
    }
  })

  test('is known by method and URI together, or refused', () => {
    const pairs = new Set(rows.map(([method, uri]) => `${method} ${uri}`))
    for (const method of ['create', 'retrieve', 'update', 'delete']) {
      for (const [, uri] of rows.filter(
        ([, , , expected]) => expected['name'] !== 'customer-key',
      )) {
        if (pairs.has(`${method} ${uri}`)) continue
        const parsed = parse(method, uri)
        const refused = isUnparsed(parsed) ? parsed.refusal.refused : parsed.operation.name
        assert.equal(refused, 'request.unknown-operation', `${method} ${uri}`)
      }
    }
  })

  const counts: readonly unknown[] = [
    0,
    -1,
    -0,
    1.5,
    1001,
    1e308,
    2 ** 53,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '1',
    [1],
    {},
    true,
    null,
    undefined,
  ]
  for (const count of counts) {
    test(`does not make ${String(count)} keys`, () => {
      assert.equal(
        code({ requestId: 'r', method: 'create', uri: '/keys', client: CLIENT, count }),
        'request.invalid-count',
      )
    })
  }

  test('names at most 1,000 keys and 2,000 people', () => {
    const keyUris = (length: number) => Array.from({ length }, () => `/keys/${ID}`)
    const people = (length: number, prefix = '7d2f') =>
      Array.from(
        { length },
        (_, index) => `${prefix}${String(index).padStart(4, '0')}${USER.slice(8)}`,
      )
    const ask = (fields: Json) => {
      const parsed = parse('create', '/resources', fields)
      return isUnparsed(parsed) ? parsed.refusal.refused : 'fine'
    }
    const most = { keyUris: keyUris(1000), userIds: people(2000), authIds: people(2000) }
    assert.equal(ask(most), 'fine')
    assert.equal(ask({ keyUris: keyUris(1001) }), 'request.invalid-count')
    assert.equal(ask({ userIds: people(2001) }), 'request.invalid-count')
    assert.equal(ask({ authIds: people(2001) }), 'request.invalid-count')
    const apart = { userIds: people(1001), authIds: people(1000, '8e30') }
    assert.equal(ask(apart), 'request.invalid-count')
  })
})

describe('a request', () => {
  test('keeps what it needs of its client and nothing of what the client claims to be', () => {
    const parsed = parse('update', '/ping')
    assert.deepEqual(parsed, {
      requestId: 'r',
      method: 'update',
      uri: '/ping',
      clientId: CLIENT.clientId,
      bearer: 'e.y.J',
      onBehalfOf: undefined,
      operation: { name: 'ping' },
      home: uris.home,
    })
  })

  test('may have its token behind the word Bearer, or null or an empty text for none', () => {
    const bearerOf = (bearer: unknown) => {
      const parsed = parse('update', '/ping', { client: { credential: { bearer } } })
      return isUnparsed(parsed) ? parsed.refusal.refused : parsed.bearer
    }
    assert.equal(bearerOf('Bearer a.b.c'), 'a.b.c')
    for (const none of [undefined, null, '']) assert.equal(bearerOf(none), undefined)
    for (const bad of [7, {}, ['a'], true]) assert.equal(bearerOf(bad), 'request.invalid')
  })

  test('may say that it is on behalf of nobody by null', () => {
    const client = (onBehalfOf: unknown) => ({ client: { credential: { onBehalfOf } } })
    for (const none of [undefined, null]) {
      const parsed = parse('update', '/ping', client(none))
      assert.equal(isUnparsed(parsed) ? '' : parsed.onBehalfOf, undefined)
    }
    for (const bad of ['', 'bob', 7, false]) {
      const parsed = parse('update', '/ping', client(bad))
      assert.equal(isUnparsed(parsed) && parsed.refusal.refused, 'request.invalid-id')
    }
  })

  test('that is refused still gives as much as was understood', () => {
    assert.deepEqual(parse('update', '/pong'), {
      refusal: { refused: 'request.invalid-uri' },
      requestId: 'r',
      method: 'update',
      uri: '/pong',
    })
    assert.deepEqual(parseRequest(null, uris), {
      refusal: { refused: 'request.invalid', about: 'requestId' },
      requestId: undefined,
      method: undefined,
      uri: undefined,
    })
  })

  test('names an unknown member in print, and never its value', () => {
    const parsed = parse('update', '/ping', { 'päss word\n': 'hunter2' })
    assert.deepEqual(isUnparsed(parsed) && parsed.refusal, {
      refused: 'request.unknown-member',
      about: 'p?ss?word?',
    })
  })

  test('is not fooled by members that every object inherits', () => {
    assert.equal(code(Object.create({ requestId: 'r' })), 'request.invalid')
    assert.equal(
      code({ requestId: 'r', method: 'toString', uri: '/ping', client: CLIENT }),
      'request.invalid',
    )
  })
})
