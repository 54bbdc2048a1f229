// Resources: created with keys and authorizations, all or nothing (draft §4.7.3), and read (§4.7.4, §4.7.7).

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { KeyUri, ResourceUri } from '../../src/id.ts'
import { seconds } from '../../src/time.ts'
import type { Device, Json } from '../support/device.ts'
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
const UNKNOWN = '00000000-0000-4000-8000-000000000000'

const someKeys = async (device: Device, count: number) =>
  keysOf(await device.ask('create', '/keys', { count })).map((key) => key.uri)

const create = (device: Device, fields: Json) => device.ask('create', '/resources', fields)

const authIdsOf = async (device: Device, resourceUri: string) =>
  authorizationsOf(await device.ask('retrieve', `${resourceUri}/authorizations`)).map(
    (one) => one.authId,
  )

describe('creating a resource', () => {
  test('answers 201 with absolute URIs of itself, its keys and its authorizations', async () => {
    const keyUris = await someKeys(alice, 2)
    const answer = await create(alice, { keyUris, userIds: [PEOPLE.bob] })
    assert.equal(answer['status'], 201)
    const resource = resourceOf(answer)
    assert.match(resource.uri, new RegExp(`^${HOME}/resources/[0-9a-f-]{36}$`))
    assert.deepEqual(resource.keyUris, keyUris)
    assert.equal(resource.authorizationUris.length, 2)
    for (const uri of resource.authorizationUris)
      assert.ok(uri.startsWith(`${HOME}/authorizations/`))
    assert.equal('expirationDate' in resource, false)
  })

  test('binds its keys, given by relative or absolute URI', async () => {
    const [one, two] = await someKeys(alice, 2)
    const answer = await create(alice, { keyUris: [one?.slice(HOME.length), two] })
    const { uri, keyUris } = resourceOf(answer)
    assert.deepEqual(keyUris, [one, two])
    for (const keyUri of keyUris) {
      assert.equal(keyOf(await alice.ask('retrieve', keyUri))['resourceUri'], uri)
    }
  })

  test('authorizes the caller first, and once even if listed', async () => {
    for (const userIds of [[], [PEOPLE.alice], [PEOPLE.bob, PEOPLE.alice, PEOPLE.alice]]) {
      const { uri } = resourceOf(await create(alice, { userIds }))
      const others = userIds.filter((id) => id !== PEOPLE.alice)
      assert.deepEqual(await authIdsOf(alice, uri), [PEOPLE.alice, ...others])
    }
  })

  test('authorizes everyone named once, in userIds and authIds together', async () => {
    const team = resourceOf(await create(alice, {}))
    const fields = {
      userIds: [PEOPLE.bob, PEOPLE.bob],
      authIds: [PEOPLE.carol, PEOPLE.bob, team.uri, team.uri.slice(HOME.length)],
    }
    const { uri } = resourceOf(await create(alice, fields))
    const expected = [PEOPLE.alice, PEOPLE.bob, PEOPLE.carol, team.uri]
    assert.deepEqual(await authIdsOf(alice, uri), expected)
  })

  test('that hangs on others alone authorises its maker through them, and through nothing else', async () => {
    const room = resourceOf(await create(bob, { userIds: [PEOPLE.alice] }))
    const [key] = await someKeys(alice, 1)
    const board = resourceOf(await create(alice, { keyUris: [key], userIds: [room.uri] }))
    assert.deepEqual(await authIdsOf(alice, board.uri), [room.uri])
    await bob.ask('delete', `${room.uri}/authorizations?authId=${PEOPLE.alice}`)
    const answer = await alice.ask('retrieve', key ?? '')
    await world.refused(answer, 403, 'kms.not-authorized')
  })

  test('that hangs on others where its maker is a stranger authorises the maker by name', async () => {
    const foreign = resourceOf(await create(bob, {}))
    const { uri } = resourceOf(await create(alice, { userIds: [foreign.uri] }))
    assert.deepEqual(await authIdsOf(alice, uri), [PEOPLE.alice, foreign.uri])
  })

  test('takes a key named twice for one', async () => {
    const [key] = await someKeys(alice, 1)
    assert.deepEqual(resourceOf(await create(alice, { keyUris: [key, key] })).keyUris, [key])
  })

  test('works without any key', async () => {
    assert.deepEqual(resourceOf(await create(alice, { keyUris: [] })).keyUris, [])
  })

  const wholes: readonly [
    string,
    () => Promise<string>,
    number,
    'kms.unknown-key' | 'kms.not-key-creator' | 'kms.key-already-bound',
  ][] = [
    ['an unknown key', async () => `${HOME}/keys/${UNKNOWN}`, 403, 'kms.unknown-key'],
    [
      'a key of somebody else',
      async () => (await someKeys(bob, 1))[0] ?? '',
      403,
      'kms.not-key-creator',
    ],
    ['a bound key', async () => (await aRoom(alice)).key.uri, 409, 'kms.key-already-bound'],
  ]
  for (const [what, bad, status, code] of wholes) {
    test(`with ${what} among its keys is refused whole: nothing is bound, nothing is made`, async () => {
      const [good] = await someKeys(alice, 1)
      const keyUris = [good, await bad()]
      const before = (await world.store.read((tx) => tx.resources.newest(1000))).length
      const answer = await create(alice, { keyUris, userIds: [PEOPLE.bob] })
      await world.refused(answer, status, code)
      assert.equal('bindDate' in keyOf(await alice.ask('retrieve', good ?? '')), false)
      assert.equal((await world.store.read((tx) => tx.resources.newest(1000))).length, before)
      assert.equal((await create(alice, { keyUris: [good] }))['status'], 201)
    })
  }

  const malformed: readonly [
    string,
    Json,
    (
      | 'request.invalid'
      | 'request.invalid-id'
      | 'request.invalid-uri'
      | 'request.invalid-count'
      | 'request.unknown-member'
    ),
  ][] = [
    ['userIds that are no list', { userIds: PEOPLE.bob }, 'request.invalid'],
    ['null for userIds', { userIds: null }, 'request.invalid'],
    ['a user id that is no UUID', { userIds: ['bob'] }, 'request.invalid-id'],
    ['a user id in upper case', { userIds: [PEOPLE.alice.toUpperCase()] }, 'request.invalid-id'],
    ['a number as user id', { userIds: [7] }, 'request.invalid-id'],
    [
      'an authorization as authId',
      { authIds: [`${HOME}/authorizations/${UNKNOWN}`] },
      'request.invalid-id',
    ],
    [
      'a resource among its keys',
      { keyUris: [`${HOME}/resources/${UNKNOWN}`] },
      'request.invalid-uri',
    ],
    ['a ttl below zero', { ttl: -1 }, 'request.invalid-count'],
    ['a ttl of half a second', { ttl: 0.5 }, 'request.invalid-count'],
    ['a ttl that no date can hold', { ttl: 1e15 }, 'request.invalid-count'],
    ['too many anonymous ones', { anonymous: 101 }, 'request.invalid-count'],
    [
      'too many people',
      { userIds: Array.from({ length: 2001 }, () => PEOPLE.bob) },
      'request.invalid-count',
    ],
    ['a misspelt member', { userIDs: [PEOPLE.bob] }, 'request.unknown-member'],
    ['an unknown role', { roleUri: `${HOME}/roles/owner` }, 'request.invalid'],
    [
      'a role of another host',
      { roleUri: 'kms://kms.globex.example/roles/agent' },
      'request.invalid',
    ],
    ['a role hidden in a longer text', { roleUri: `par${HOME}/roles/ticipant` }, 'request.invalid'],
    ['a role that is no URI', { roleUri: 'agent' }, 'request.invalid'],
  ]
  for (const [what, fields, code] of malformed) {
    test(`with ${what} is refused`, async () => {
      await world.refused(await create(alice, fields), 400, code)
    })
  }

  test('tells the core its URI where the core waits for it, and nothing else', async () => {
    const message = await alice.seal(alice.request({ method: 'create', uri: '/resources' }))
    const { answers } = await alice.operate(message, { operation: 'create-resource' })
    const [answer] = answers
    assert.ok(answer?.kmsMessage)
    const { uri } = resourceOf(await alice.open(answer.kmsMessage))
    assert.deepEqual(answer.clear, { status: 201, resourceUri: uri })
    const [other] = await alice.post([
      await alice.seal(alice.request({ method: 'create', uri: '/resources' })),
    ])
    assert.equal(other?.clear, undefined)
  })
})

describe('creating a resource again from the same keys under a new requestId', () => {
  test('answers with the resource of a moment ago', async () => {
    const fields = { keyUris: await someKeys(alice, 2), userIds: [PEOPLE.bob] }
    const first = resourceOf(await create(alice, fields))
    world.advance(seconds(30))
    const again = await create(alice, fields)
    assert.equal(again['status'], 201)
    assert.deepEqual(resourceOf(again), first)
    assert.equal((await world.lastEntry()).action, 'answer.repeated')
  })

  const others: readonly [string, (fields: Json) => Json][] = [
    ['more people', (fields) => ({ ...fields, userIds: [PEOPLE.bob, PEOPLE.carol] })],
    ['a time to live', (fields) => ({ ...fields, ttl: 60 })],
    ['an anonymous authorization', (fields) => ({ ...fields, anonymous: 1 })],
  ]
  for (const [what, change] of others) {
    test(`with ${what} is another request and refused: nobody is told what was not done`, async () => {
      const fields = { keyUris: await someKeys(alice, 1), userIds: [PEOPLE.bob] }
      await create(alice, fields)
      await world.refused(await create(alice, change(fields)), 409, 'kms.key-already-bound')
    })
  }

  test('is refused some minutes later', async () => {
    const fields = { keyUris: await someKeys(alice, 1) }
    await create(alice, fields)
    world.advance(seconds(120))
    await world.refused(await create(alice, fields), 409, 'kms.key-already-bound')
  })

  test('is refused with only some of the keys', async () => {
    const keyUris = await someKeys(alice, 2)
    await create(alice, { keyUris })
    const answer = await create(alice, { keyUris: keyUris.slice(1) })
    await world.refused(answer, 409, 'kms.key-already-bound')
  })

  test('is refused to one who was removed from it in between', async () => {
    const fields = { keyUris: await someKeys(alice, 1), userIds: [PEOPLE.bob], anonymous: 1 }
    const { uri } = resourceOf(await create(alice, fields))
    await bob.ask('delete', `${uri}/authorizations?authId=${PEOPLE.alice}`)
    await world.refused(await create(alice, fields), 409, 'kms.key-already-bound')
  })
})

describe('reading a resource', () => {
  test('shows the authorized all its keys and authorizations by absolute URI', async () => {
    const { key, resource } = await aRoom(alice, [PEOPLE.bob])
    const [second] = await someKeys(bob, 1)
    await bob.ask('update', second ?? '', { resourceUri: resource.uri })
    const answer = await bob.ask('retrieve', resource.uri.slice(HOME.length))
    assert.equal(answer['status'], 200)
    assert.deepEqual(resourceOf(answer), { ...resource, keyUris: [key.uri, second].sort() })
  })

  test('is refused to strangers, whether it exists or not, with one answer', async () => {
    const { resource } = await aRoom(alice)
    const known = await bob.ask('retrieve', resource.uri)
    await world.refused(known, 403, 'kms.not-authorized')
    const unknown = await bob.ask('retrieve', `${HOME}/resources/${UNKNOWN}`)
    await world.refused(unknown, 403, 'kms.unknown-resource')
    assert.deepEqual({ ...known, requestId: '' }, { ...unknown, requestId: '' })
  })
})

describe('the keys of a resource', () => {
  /** Four keys, bound a second apart. */
  const aRoomOfFour = async () => {
    const { key, resource } = await aRoom(alice, [PEOPLE.bob])
    const uris = [key.uri]
    const times = [world.now()]
    for (const uri of await someKeys(alice, 3)) {
      world.advance(seconds(1))
      await alice.ask('update', uri, { resourceUri: resource.uri })
      uris.push(uri)
      times.push(world.now())
    }
    const dates = times.map((time) => new Date(time).toISOString())
    const read = async (fields: Json) =>
      keysOf(await bob.ask('retrieve', `${resource.uri}/keys`, fields)).map((one) => one.uri)
    return { uris, dates, read, resource }
  }

  test('come whole, oldest binding first, with their JWKs', async () => {
    const { uris, read, resource } = await aRoomOfFour()
    assert.deepEqual(await read({}), uris)
    const answer = await bob.ask('retrieve', `${resource.uri}/keys`)
    assert.equal(answer['status'], 200)
    for (const key of keysOf(answer)) {
      assert.deepEqual(key, keyOf(await bob.ask('retrieve', key.uri)))
    }
  })

  test('are limited by boundAfter inclusively and by boundBefore exclusively', async () => {
    const { uris, dates, read } = await aRoomOfFour()
    assert.deepEqual(await read({ boundAfter: dates[1] }), uris.slice(1))
    assert.deepEqual(await read({ boundBefore: dates[2] }), uris.slice(0, 2))
    assert.deepEqual(await read({ boundAfter: dates[1], boundBefore: dates[3] }), uris.slice(1, 3))
    assert.deepEqual(await read({ boundAfter: dates[2], boundBefore: dates[2] }), [])
  })

  test('are limited by count to those bound last, also within a range', async () => {
    const { uris, dates, read } = await aRoomOfFour()
    assert.deepEqual(await read({ count: 2 }), uris.slice(2))
    assert.deepEqual(await read({ count: 1, boundBefore: dates[3] }), uris.slice(2, 3))
    assert.deepEqual(await read({ count: 99 }), uris)
  })

  test('are dated in any offset of RFC 3339', async () => {
    const { uris, dates, read } = await aRoomOfFour()
    const shifted = new Date(Date.parse(dates[1] ?? '') + 2 * 3600_000).toISOString()
    assert.deepEqual(await read({ boundAfter: shifted.replace('Z', '+02:00') }), uris.slice(1))
  })

  for (const [fields, code] of [
    [{ count: 0 }, 'request.invalid-count'],
    [{ count: 'all' }, 'request.invalid-count'],
    [{ boundAfter: 'yesterday' }, 'request.invalid'],
    [{ boundBefore: 1_790_000_000_000 }, 'request.invalid'],
    [{ boundAfter: null }, 'request.invalid'],
    [{ boundafter: '2026-01-01T00:00:00Z' }, 'request.unknown-member'],
  ] as const) {
    test(`are not read with ${JSON.stringify(fields)}`, async () => {
      const { resource } = await aRoom(alice)
      const answer = await alice.ask('retrieve', `${resource.uri}/keys`, fields)
      await world.refused(answer, 400, code)
    })
  }

  test('are refused if one answer cannot hold them, not cut', async () => {
    const { resource } = await aRoom(alice)
    await world.store.transact(async (tx) => {
      const uri = resource.uri as ResourceUri
      const [bound] = await tx.keys.ofResource(uri, {})
      assert.ok(bound)
      const copies = Array.from({ length: 2500 }, (_, index) => ({
        ...bound,
        uri: `${HOME}/keys/${String(index).padStart(8, '0')}-0000-4000-8000-000000000000` as KeyUri,
      }))
      await tx.keys.insert(
        copies.map((copy) => ({ ...copy, state: 'unbound', bindBy: world.now() })),
      )
      await tx.keys.bind(copies)
    })
    const all = await alice.ask('retrieve', `${resource.uri}/keys`)
    await world.refused(all, 413, 'kms.answer-too-large')
  })

  test('are refused to strangers', async () => {
    const { resource } = await aRoom(alice)
    await world.refused(
      await bob.ask('retrieve', `${resource.uri}/keys`),
      403,
      'kms.not-authorized',
    )
  })
})
