// Anonymous authorizations: whoever holds the token reads the keys of one resource, and does nothing else
// (draft §4.7.8).

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { seconds } from '../../src/time.ts'
import type { Json } from '../support/device.ts'
import {
  aRoom,
  authorizationsOf,
  HOME,
  keyOf,
  keysOf,
  PEOPLE,
  resourceOf,
  World,
} from '../support/world.ts'

const world = await World.open()
after(() => world.close())
const alice = await world.signedIn('alice')
const bob = await world.signedIn('bob')

const claimsOf = (bearer: string): Json =>
  JSON.parse(Buffer.from(bearer.split('.')[1] ?? '', 'base64url').toString())

let injectors = 0
const holderOf = (bearer: string | undefined) => {
  assert.ok(bearer)
  injectors += 1
  return world.deviceWith('', bearer, `https://core.example/devices/injector-${injectors}`)
}

const aShare = async (fields: Json = {}) => {
  const room = await aRoom(alice)
  const { uri: resourceUri } = room.resource
  const answer = await alice.ask('create', '/authorizations', {
    resourceUri,
    anonymous: 1,
    ...fields,
  })
  const authorization = authorizationsOf(answer).find((one) => one.bearer !== undefined)
  assert.ok(authorization)
  const holder = holderOf(authorization.bearer)
  return { ...room, answer, authorization, holder }
}

const aHolder = async () => {
  const share = await aShare()
  assert.equal((await share.holder.shake())['status'], 201)
  return share
}

describe('an anonymous authorization', () => {
  test('comes with a bearer token that names issuer, authorization, resource and expiry', async () => {
    const { answer, authorization, resource } = await aShare({ ttl: 600 })
    assert.equal(answer['status'], 201)
    assert.equal(authorization.authId, authorization.uri)
    const now = Math.floor(world.now() / 1000)
    assert.deepEqual(claimsOf(authorization.bearer ?? ''), {
      iss: HOME,
      sub: authorization.uri,
      resource: resource.uri,
      iat: now,
      exp: now + 600,
    })
  })

  test('comes after those by name, as many as asked, each with its own token', async () => {
    const { answer } = await aShare({ anonymous: 3, userIds: [PEOPLE.bob] })
    const authorizations = authorizationsOf(answer)
    assert.deepEqual(
      authorizations.map((one) => one.bearer === undefined),
      [true, false, false, false],
    )
    assert.equal(new Set(authorizations.map((one) => one.bearer)).size, 4)
  })

  test('is made with its resource too', async () => {
    const [key] = keysOf(await alice.ask('create', '/keys', { count: 1 }))
    const answer = await alice.ask('create', '/resources', { keyUris: [key?.uri], anonymous: 2 })
    const resource = resourceOf(answer)
    const [first, second] = authorizationsOf(answer)
    assert.deepEqual(resource.authorizationUris.slice(1), [first?.uri, second?.uri])
    const holder = holderOf(second?.bearer)
    await holder.shake()
    assert.deepEqual(keyOf(await holder.ask('retrieve', key?.uri ?? '')).jwk, key?.jwk)
  })

  test('is listed with its own URI as authId, and without its token', async () => {
    const { authorization, resource } = await aShare()
    const listed = authorizationsOf(
      await alice.ask('retrieve', `${resource.uri}/authorizations`),
    ).at(-1)
    assert.equal(listed?.authId, authorization.uri)
    assert.equal('bearer' in (listed ?? {}), false)
  })

  test('is traced in the log: the entry of its making names it, and so does every use', async () => {
    const { authorization, holder, key } = await aHolder()
    const entries = await world.entries()
    const made = entries.findLast((entry) => entry.action === 'authorization.created')
    assert.deepEqual(made?.['authorizations'], [authorization.uri])
    await holder.ask('retrieve', key.uri)
    const { actor, keys } = await world.lastEntry()
    assert.deepEqual(actor, { kind: 'anonymous', id: authorization.uri })
    assert.deepEqual(keys, [key.uri])
  })
})

describe('the holder of a bearer token', () => {
  test('makes a session and reads the keys of the resource, old and new', async () => {
    const { holder, key, resource } = await aHolder()
    assert.deepEqual(keyOf(await holder.ask('retrieve', key.uri)).jwk, key.jwk)
    const [later] = keysOf(await alice.ask('create', '/keys', { count: 1 }))
    await alice.ask('update', later?.uri ?? '', { resourceUri: resource.uri })
    const all = keysOf(await holder.ask('retrieve', `${resource.uri}/keys`))
    assert.deepEqual(all.map((one) => one.uri).sort(), [key.uri, later?.uri].sort())
  })

  test('reads no key of another resource', async () => {
    const { holder } = await aHolder()
    const other = await aRoom(alice)
    await world.refused(await holder.ask('retrieve', other.key.uri), 403, 'kms.not-authorized')
  })

  const forbidden: readonly [string, string, string, (uri: string) => Json][] = [
    ['make keys', 'create', '/keys', () => ({ count: 1 })],
    ['make a resource', 'create', '/resources', () => ({})],
    [
      'authorize others',
      'create',
      '/authorizations',
      (resourceUri) => ({ resourceUri, userIds: [PEOPLE.bob] }),
    ],
    [
      'make more tokens',
      'create',
      '/authorizations',
      (resourceUri) => ({ resourceUri, anonymous: 1 }),
    ],
    [
      'remove others',
      'delete',
      '/authorizations',
      (resourceUri) => ({ resourceUri, authIds: [PEOPLE.alice] }),
    ],
  ]
  for (const [what, method, uri, fields] of forbidden) {
    test(`may not ${what}`, async () => {
      const { holder, resource } = await aHolder()
      const answer = await holder.ask(method, uri, fields(resource.uri))
      await world.refused(answer, 403, 'kms.person-not-allowed')
    })
  }

  test('may not learn who else is authorised', async () => {
    const { holder, resource, authorization } = await aHolder()
    const uris = [resource.uri, `${resource.uri}/authorizations`, authorization.uri]
    for (const uri of uris) {
      await world.refused(await holder.ask('retrieve', uri), 403, 'kms.person-not-allowed')
    }
    const itself = `${resource.uri}/authorizations?authId=${encodeURIComponent(authorization.uri)}`
    await world.refused(await holder.ask('delete', itself), 403, 'kms.person-not-allowed')
    await world.refused(
      await holder.ask('delete', authorization.uri),
      403,
      'kms.person-not-allowed',
    )
  })

  test('may not bind a key', async () => {
    const { holder, key, resource } = await aHolder()
    const answer = await holder.ask('update', key.uri, { resourceUri: resource.uri })
    await world.refused(answer, 403, 'kms.person-not-allowed')
  })

  test('acts for nobody', async () => {
    const { holder, key } = await aHolder()
    const client = holder.client({ onBehalfOf: PEOPLE.alice })
    const answer = await holder.ask('retrieve', key.uri, { client })
    await world.refused(answer, 403, 'identity.on-behalf-not-allowed')
  })

  test('may not use the session of somebody else, nor somebody else the holder’s', async () => {
    const { holder, key } = await aHolder()
    const own = holder.who.bearer
    const device = await world.signedIn('bob', {}, 'tablet')
    const before = device.who.bearer
    device.who.bearer = own
    await world.refused(await device.ask('retrieve', key.uri), 403, 'identity.other-user')
    holder.who.bearer = before
    await world.refused(await holder.ask('retrieve', key.uri), 403, 'identity.other-user')
  })

  test('is locked out at once when the authorization is removed by its listed authId', async () => {
    const { holder, key, resource, authorization } = await aHolder()
    const itself = `${resource.uri}/authorizations?authId=${encodeURIComponent(authorization.authId)}`
    const answer = await alice.ask('delete', itself)
    assert.equal(authorizationsOf(answer)[0]?.uri, authorization.uri)
    for (const [method, uri] of [
      ['retrieve', key.uri],
      ['retrieve', `${resource.uri}/keys`],
      ['update', '/ping'],
      ['delete', holder.channel.uri],
    ] as const) {
      await world.refused(await holder.ask(method, uri), 403, 'identity.bearer-withdrawn')
    }
    await world.refused(await holder.shake(), 403, 'identity.bearer-withdrawn')
  })

  test('is locked out when the authorization’s time is over', async () => {
    const { holder, key } = await aShare({ ttl: 60 })
    await holder.shake()
    assert.equal((await holder.ask('retrieve', key.uri))['status'], 200)
    world.advance(seconds(60))
    await world.refused(await holder.ask('retrieve', key.uri), 403, 'identity.token-expired')
  })

  test('is locked out when the resource’s time is over', async () => {
    const answer = await alice.ask('create', '/resources', { anonymous: 1, ttl: 60 })
    const holder = holderOf(authorizationsOf(answer)[0]?.bearer)
    await holder.shake()
    assert.equal((await holder.ask('update', '/ping'))['status'], 200)
    world.advance(seconds(60))
    await world.refused(await holder.ask('update', '/ping'), 403, 'identity.bearer-withdrawn')
  })

  test('keeps the token over a restart of the realm', async () => {
    const { holder, key } = await aHolder()
    await world.restart()
    assert.equal((await holder.ask('retrieve', key.uri))['status'], 200)
    await holder.shake()
    assert.equal((await holder.ask('retrieve', key.uri))['status'], 200)
  })
})

describe('a token that the realm did not make', () => {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

  test('is refused: without signature, with another algorithm, with other claims', async () => {
    const { authorization } = await aShare()
    const [header, payload, signature] = (authorization.bearer ?? '').split('.')
    const claims = claimsOf(authorization.bearer ?? '')
    const other = await aShare()
    const forged = [
      `${encode({ alg: 'none' })}.${payload}.`,
      `${header}.${payload}.`,
      `${encode({ alg: 'RS256', typ: 'JWT' })}.${payload}.${signature}`,
      `${header}.${encode({ ...claims, resource: other.resource.uri })}.${signature}`,
      `${header}.${encode({ ...claims, exp: 9e9 })}.${signature}`,
      `${header}.${payload}.${'A'.repeat(43)}`,
    ]
    for (const bearer of forged) {
      const answer = await holderOf(bearer).shake()
      assert.equal(answer['status'], 403)
      assert.match(
        String((await world.lastEntry())['code']),
        /^identity\.token-(untrusted|malformed)$/,
      )
    }
  })

  test('is refused if an identity provider issued it in the realm’s name', async () => {
    const bearer = world.token(PEOPLE.bob, { iss: HOME })
    await world.refused(await holderOf(bearer).shake(), 403, 'identity.token-untrusted')
    assert.equal((await bob.ask('update', '/ping'))['status'], 200)
  })
})

test('repeating the request under its requestId gives the same token, and makes no second one', async () => {
  const { resource } = await aRoom(alice)
  const request = alice.request({
    method: 'create',
    uri: '/authorizations',
    resourceUri: resource.uri,
    anonymous: 1,
  })
  const [first, again] = [await alice.askRaw(request), await alice.askRaw(request)]
  assert.deepEqual(again, first)
  const listed = authorizationsOf(await alice.ask('retrieve', `${resource.uri}/authorizations`))
  assert.equal(listed.length, 2)
})
