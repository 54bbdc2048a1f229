// Content keys: creation and retrieval (draft §4.7.5, §4.7.7), and what an unbound key is.

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { aRoom, HOME, keyOf, keysOf, PEOPLE, World } from '../support/world.ts'

const world = await World.open({ settings: { keysPerRequest: 5, unboundPerUser: 30 } })
after(() => world.close())
const alice = await world.signedIn('alice')
const bob = await world.signedIn('bob')
const phone = await world.signedIn('alice', {}, 'phone')
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
const NO_KEY = `${HOME}/keys/00000000-0000-4000-8000-000000000000`

const aKey = async (device = alice) => {
  const [key] = keysOf(await device.ask('create', '/keys', { count: 1 }))
  assert.ok(key)
  return key
}

describe('creating keys', () => {
  test('answers 201 with as many different keys as asked, each of 32 bytes', async () => {
    const answer = await alice.ask('create', '/keys', { count: 3 })
    assert.equal(answer['status'], 201)
    const keys = keysOf(answer)
    assert.equal(keys.length, 3)
    assert.equal(new Set(keys.map((key) => key.jwk.k)).size, 3)
    for (const { jwk } of keys) assert.equal(Buffer.from(jwk.k, 'base64url').length, 32)
  })

  test('names every key by its absolute URI, also as the kid of its JWK', async () => {
    const key = await aKey()
    assert.match(key.uri, new RegExp(`^${HOME}/keys/${UUID}$`))
    assert.equal(key.jwk.kid, key.uri)
  })

  test('gives a JWK of kty, kid and k and no other member, or real clients cannot encrypt', async () => {
    assert.deepEqual(Object.keys((await aKey()).jwk), ['kty', 'kid', 'k'])
  })

  test('says who made the key, on which device, when, and until when it must be bound', async () => {
    const { userId, clientId, createDate, expirationDate } = await aKey()
    const now = world.now()
    assert.deepEqual(
      { userId, clientId, createDate, expirationDate },
      {
        userId: PEOPLE.alice,
        clientId: alice.who.clientId,
        createDate: new Date(now).toISOString(),
        expirationDate: new Date(now + 30 * 24 * 3600 * 1000).toISOString(),
      },
    )
  })

  test('works by the absolute URI of the collection too', async () => {
    assert.equal((await alice.ask('create', `${HOME}/keys`, { count: 1 }))['status'], 201)
  })

  for (const count of [0, -1, 1.5, '1', null, undefined, 1e9, 6]) {
    test(`refuses a count of ${JSON.stringify(count)} and makes none`, async () => {
      const answer = await alice.ask('create', '/keys', { count })
      await world.refused(answer, 400, 'request.invalid-count')
    })
  }

  test('refuses more unbound keys than one user may hold, also within one post', async () => {
    const carol = await world.signedIn('carol')
    const posts = Array.from({ length: 8 }, () =>
      carol.seal(carol.request({ method: 'create', uri: '/keys', count: 5 })),
    )
    const answers = await carol.post(await Promise.all(posts))
    const opened = await Promise.all(answers.map((one) => carol.open(one.kmsMessage)))
    assert.deepEqual(
      opened.map((answer) => answer['status']),
      [201, 201, 201, 201, 201, 201, 429, 429],
    )
    const over = await carol.ask('create', '/keys', { count: 1 })
    await world.refused(over, 429, 'kms.too-many-keys')
    const [key] = opened.flatMap(keysOf)
    await carol.ask('create', '/resources', { keyUris: [key?.uri] })
    assert.equal((await carol.ask('create', '/keys', { count: 1 }))['status'], 201)
  })
})

describe('an unbound key', () => {
  test('is read by its creator', async () => {
    const key = await aKey()
    const answer = await alice.ask('retrieve', key.uri)
    assert.equal(answer['status'], 200)
    assert.deepEqual(keyOf(answer), key)
  })

  test('is read by its creator from another device', async () => {
    const key = await aKey()
    assert.deepEqual(keyOf(await phone.ask('retrieve', key.uri)), key)
  })

  test('is read by its relative URI and answered with the absolute one', async () => {
    const key = await aKey()
    const answer = await alice.ask('retrieve', key.uri.slice(HOME.length))
    assert.equal(keyOf(answer).uri, key.uri)
  })

  test('is not read by anybody else', async () => {
    const key = await aKey()
    await world.refused(await bob.ask('retrieve', key.uri), 403, 'kms.not-key-creator')
  })
})

describe('a bound key', () => {
  test('is read by everyone authorised, with the same JWK, its bind date and its resource', async () => {
    const { key, resource } = await aRoom(alice, [PEOPLE.bob])
    const [mine, hers] = [await alice.ask('retrieve', key.uri), await bob.ask('retrieve', key.uri)]
    assert.deepEqual(keyOf(mine), keyOf(hers))
    assert.deepEqual(keyOf(hers).jwk, key.jwk)
    assert.equal(keyOf(hers)['resourceUri'], resource.uri)
    assert.equal(keyOf(hers)['bindDate'], new Date(world.now()).toISOString())
    assert.equal('expirationDate' in keyOf(hers), false)
  })

  test('is not read by a stranger, and the answer does not say whether it exists', async () => {
    const { key } = await aRoom(alice)
    const known = await bob.ask('retrieve', key.uri)
    await world.refused(known, 403, 'kms.not-authorized')
    const unknown = await bob.ask('retrieve', NO_KEY)
    await world.refused(unknown, 403, 'kms.unknown-key')
    assert.deepEqual({ ...known, requestId: '' }, { ...unknown, requestId: '' })
  })

  test('is not read by its creator once the creator is not authorised any more', async () => {
    const { key, resource } = await aRoom(alice, [PEOPLE.bob])
    await alice.ask('delete', `${resource.uri}/authorizations?authId=${PEOPLE.alice}`)
    await world.refused(await alice.ask('retrieve', key.uri), 403, 'kms.not-authorized')
  })
})

describe('URIs of keys', () => {
  const cases = [
    [
      'another host',
      'kms://kms.globex.example/keys/00000000-0000-4000-8000-000000000000',
      404,
      'request.foreign-host',
    ],
    [
      'a port',
      `${HOME}:443/keys/00000000-0000-4000-8000-000000000000`,
      404,
      'request.foreign-host',
    ],
    ['no UUID', `${HOME}/keys/1`, 400, 'request.invalid-id'],
    [
      'a UUID in upper case',
      `${HOME}/keys/ABCDEF00-0000-4000-8000-000000000000`,
      400,
      'request.invalid-id',
    ],
    ['a fragment', `${NO_KEY}#x`, 400, 'request.invalid-uri'],
    ['a query', `${NO_KEY}?x=1`, 400, 'request.invalid-uri'],
    ['one segment too many', `${NO_KEY}/x`, 400, 'request.invalid-uri'],
    ['another scheme', NO_KEY.replace('kms:', 'https:'), 400, 'request.invalid-uri'],
    ['nothing', '', 400, 'request.invalid-uri'],
  ] as const
  for (const [what, uri, status, code] of cases) {
    test(`refuse ${what}`, async () => {
      await world.refused(await bob.ask('retrieve', uri), status, code)
    })
  }

  test('accept the host in upper case, and print it in lower case', async () => {
    const key = await aKey()
    const answer = await alice.ask('retrieve', key.uri.replace(HOME, HOME.toUpperCase()))
    assert.equal(keyOf(answer).uri, key.uri)
  })
})

test('a method that does not apply to keys is refused', async () => {
  await world.refused(await bob.ask('delete', NO_KEY), 405, 'request.unknown-operation')
  await world.refused(await bob.ask('retrieve', '/keys'), 405, 'request.unknown-operation')
})
