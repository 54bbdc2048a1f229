import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  parseAuthId,
  parseKeyUri,
  parseResourceUri,
  parseTarget,
  urisOf,
} from '../../../src/protocol/uri.ts'
import { codeOf } from '../identity/world.ts'

const uris = urisOf('kms.acme.example')
const { home } = uris
const ID = '0d9a1b2c-51c7-4d92-a6be-3f7d20c9e114'
const USER = '7d2f6a3e-51c7-4d92-a6be-3f7d20c9e114'

describe('a KMS URI', () => {
  const named: readonly [string, unknown][] = [
    ['/ping', { kind: 'ping' }],
    ['/keys', { kind: 'keys' }],
    ['/resources', { kind: 'resources' }],
    ['/authorizations', { kind: 'authorizations' }],
    ['/ecdhe', { kind: 'sessions' }],
    [`/keys/${ID}`, { kind: 'key', uri: uris.key(ID) }],
    [`/resources/${ID}`, { kind: 'resource', uri: uris.resource(ID) }],
    [`/resources/${ID}/keys`, { kind: 'keys-of-resource', uri: uris.resource(ID) }],
    [
      `/resources/${ID}/authorizations`,
      { kind: 'authorizations-of-resource', uri: uris.resource(ID) },
    ],
    [
      `/resources/${ID}/authorizations?authId=${USER}`,
      { kind: 'authorizations-of-resource', uri: uris.resource(ID), authId: USER },
    ],
    [`/authorizations/${ID}`, { kind: 'authorization', uri: uris.authorization(ID) }],
    [`/ecdhe/${ID}`, { kind: 'session', uri: uris.session(ID) }],
    ['/publicKey', { kind: 'customer-key' }],
    ['/cmk', { kind: 'customer-key' }],
    [`/cmk/${ID}`, { kind: 'customer-key' }],
    ['/awsKmsCmk', { kind: 'customer-key' }],
    [`/awsKmsCmk/${ID}`, { kind: 'customer-key' }],
  ]
  for (const [path, target] of named) {
    test(`${path} is read relative, absolute, and with its host in any case`, () => {
      for (const raw of [path, `${home}${path}`, `KMS://Kms.Acme.Example${path}`]) {
        assert.deepEqual(parseTarget(raw, uris), target)
      }
    })
  }

  test('may be the bare word that real clients send for customer keys, and no other word', () => {
    assert.deepEqual(parseTarget('default', uris), { kind: 'customer-key' })
    assert.equal(codeOf(parseTarget('Default', uris)), 'request.invalid-uri')
    assert.equal(codeOf(parseTarget(`${home}/default`, uris)), 'request.invalid-uri')
  })

  const refused: readonly [unknown, string][] = [
    [undefined, 'request.invalid-uri'],
    [null, 'request.invalid-uri'],
    [7, 'request.invalid-uri'],
    [['/ping'], 'request.invalid-uri'],
    ['', 'request.invalid-uri'],
    ['/', 'request.invalid-uri'],
    ['ping', 'request.invalid-uri'],
    ['//kms.acme.example/ping', 'request.invalid-uri'],
    ['kms:/ping', 'request.invalid-uri'],
    [home, 'request.invalid-uri'],
    [`${home}?ping`, 'request.invalid-uri'],
    ['http://kms.acme.example/ping', 'request.invalid-uri'],
    ['/ping#', 'request.invalid-uri'],
    ['/ping?', 'request.invalid-uri'],
    ['/ping?x', 'request.invalid-uri'],
    ['/Ping', 'request.invalid-uri'],
    ['/keys?count=1', 'request.invalid-uri'],
    ['/__proto__', 'request.invalid-uri'],
    ['/toString', 'request.invalid-uri'],
    [`/statickeys/${ID}`, 'request.invalid-uri'],
    [`/ping/${ID}`, 'request.invalid-uri'],
    [`/publicKey/${ID}`, 'request.invalid-uri'],
    [`/keys/${ID}/keys`, 'request.invalid-uri'],
    [`/resources/${ID}/`, 'request.invalid-uri'],
    [`/resources/${ID}/keys/`, 'request.invalid-uri'],
    [`/resources/${ID}/keys?count=1`, 'request.invalid-uri'],
    [`/resources/${ID}/authorizations?`, 'request.invalid-uri'],
    [`/resources/${ID}/authorizations?authId=`, 'request.invalid-uri'],
    [`/resources/${ID}/authorizations?authId=${USER}&authId=${USER}`, 'request.invalid-uri'],
    [`/resources/${ID}/authorizations?authId=%zz`, 'request.invalid-uri'],
    [`/keys/${ID} `, 'request.invalid-uri'],
    [`/keys/${ID}\u0000`, 'request.invalid-uri'],
    [`/kéys/${ID}`, 'request.invalid-uri'],
    ['/keys/', 'request.invalid-id'],
    ['/keys/.', 'request.invalid-id'],
    ['/keys/..', 'request.invalid-id'],
    ['/keys/1', 'request.invalid-id'],
    [`/keys/${ID.toUpperCase()}`, 'request.invalid-id'],
    [`/keys/{${ID}}`, 'request.invalid-id'],
    [`/keys/%30${ID.slice(1)}`, 'request.invalid-id'],
    [`/resources/${ID}/authorizations?authId=bob`, 'request.invalid-id'],
    [
      `/resources/${ID}/authorizations?authId=${encodeURIComponent(uris.key(ID))}`,
      'request.invalid-id',
    ],
    [
      `/resources/${ID}/authorizations?authId=${encodeURIComponent('kms://other/resources/x')}`,
      'request.foreign-host',
    ],
    ['kms:///ping', 'request.foreign-host'],
    ['kms://kms.acme.example:443/ping', 'request.foreign-host'],
    ['kms://kms.acme.example./ping', 'request.foreign-host'],
    ['kms://x@kms.acme.example/ping', 'request.foreign-host'],
    ['kms://evil.kms.acme.example/ping', 'request.foreign-host'],
    ['kms://kms.acme.example.evil/ping', 'request.foreign-host'],
  ]
  for (const [raw, code] of refused) {
    test(`${JSON.stringify(raw)} is refused as ${code}`, () => {
      assert.equal(codeOf(parseTarget(raw, uris)), code)
    })
  }

  test('longer than 2,048 characters is refused', () => {
    const query = `/resources/${ID}/authorizations?authId=`
    assert.equal(
      codeOf(parseTarget(query + 'a'.repeat(2049 - query.length), uris)),
      'request.invalid-uri',
    )
    assert.equal(
      codeOf(parseTarget(query + 'a'.repeat(2048 - query.length), uris)),
      'request.invalid-id',
    )
  })
})

describe('a URI of one kind', () => {
  test('is not taken for another', () => {
    assert.equal(parseKeyUri(`/keys/${ID}`, uris), uris.key(ID))
    assert.equal(parseResourceUri(`/resources/${ID}`, uris), uris.resource(ID))
    for (const raw of ['/keys', `/resources/${ID}`, `/resources/${ID}/keys`]) {
      assert.equal(codeOf(parseKeyUri(raw, uris)), 'request.invalid-uri')
    }
    for (const raw of ['/resources', `/keys/${ID}`, `/resources/${ID}/authorizations`]) {
      assert.equal(codeOf(parseResourceUri(raw, uris)), 'request.invalid-uri')
    }
  })
})

describe('an authId', () => {
  test('is a user, a resource or an authorization, the last two printed absolute', () => {
    assert.equal(parseAuthId(USER, uris), USER)
    assert.equal(parseAuthId(`/resources/${ID}`, uris), uris.resource(ID))
    assert.equal(parseAuthId(uris.authorization(ID), uris), uris.authorization(ID))
  })

  test('is nothing else', () => {
    for (const raw of [
      undefined,
      null,
      7,
      '',
      'bob',
      USER.toUpperCase(),
      'default',
      `/keys/${ID}`,
      `/ecdhe/${ID}`,
    ]) {
      assert.equal(codeOf(parseAuthId(raw, uris)), 'request.invalid-id', String(raw))
    }
    assert.equal(codeOf(parseAuthId('kms://other/resources/x', uris)), 'request.foreign-host')
  })
})
