// Operations that core and realm apply together: the realm acts only if the core's part and the sealed part
// say the same, each operation ends once and for good, and one that was withdrawn in time never happens.

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { CorePart } from '../../src/boundary/index.ts'
import {
  type OperationAnswer,
  operationAnswer,
  sweep,
  sweepOperations,
  withdrawOperation,
} from '../../src/kms/index.ts'
import { seconds } from '../../src/time.ts'
import { type Device, type Json, newOperationId } from '../support/device.ts'
import {
  aRoom,
  authorizationsOf,
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

type Part = Omit<CorePart, 'user'> & Partial<CorePart>

const DAY = 24 * 3600
const clearOf = ({ answers, declined }: OperationAnswer) => ({
  ...(declined === undefined ? {} : { declined }),
  ...(answers[0]?.clear === undefined ? {} : { clear: answers[0].clear }),
})
const opened = async (device: Device, { answers }: OperationAnswer): Promise<Json> =>
  device.open(answers[0]?.kmsMessage ?? '')
const authIds = async (resourceUri: string, by = alice): Promise<readonly string[]> =>
  authorizationsOf(await by.ask('retrieve', `${resourceUri}/authorizations`)).map(
    ({ authId }) => authId,
  )
const addition = (resourceUri: string, ...userIds: readonly string[]) => ({
  request: { method: 'create', uri: '/authorizations', resourceUri, userIds },
  part: { operation: 'create-authorizations', resourceUri, subjects: userIds } satisfies Part,
})
const removal = (resourceUri: string, authId: string) => ({
  request: { method: 'delete', uri: `${resourceUri}/authorizations?authId=${authId}` },
  part: { operation: 'delete-authorizations', resourceUri, subjects: [authId] } satisfies Part,
})
const aKey = async (device: Device) => {
  const [key] = keysOf(await device.ask('create', '/keys', { count: 1 }))
  assert.ok(key)
  return key
}
const operate = async (
  device: Device,
  { request, part }: { readonly request: Json; readonly part?: Part },
  changes: Parameters<Device['operate']>[2] = {},
) => device.operate(await device.seal(device.request(request)), part, changes)

describe('an operation of which both parts agree', () => {
  test('makes a room, and tells the core its resource', async () => {
    const key = await aKey(alice)
    const answer = await operate(alice, {
      request: {
        method: 'create',
        uri: '/resources',
        keyUris: [key.uri],
        userIds: [alice.who.userId, PEOPLE.bob],
      },
      // The creator is authorised whether the core names them or not.
      part: { operation: 'create-resource', keyUris: [key.uri], subjects: [PEOPLE.bob] },
    })
    const { uri } = resourceOf(await opened(alice, answer))
    assert.deepEqual(clearOf(answer), { clear: { status: 201, resourceUri: uri } })
    assert.deepEqual(await authIds(uri), [alice.who.userId, PEOPLE.bob])
  })

  test('adds, removes, and binds a new key', async () => {
    const { resource } = await aRoom(alice)
    const added = await operate(alice, addition(resource.uri, PEOPLE.bob))
    assert.deepEqual(clearOf(added), { clear: { status: 201, resourceUri: resource.uri } })
    assert.deepEqual(await authIds(resource.uri), [alice.who.userId, PEOPLE.bob])
    const removed = await operate(alice, removal(resource.uri, PEOPLE.bob))
    assert.deepEqual(clearOf(removed), { clear: { status: 200, resourceUri: resource.uri } })
    assert.deepEqual(await authIds(resource.uri), [alice.who.userId])
    const key = await aKey(alice)
    const bound = await operate(alice, {
      request: { method: 'update', uri: key.uri, resourceUri: resource.uri },
      part: { operation: 'bind-key', resourceUri: resource.uri, keyUris: [key.uri] },
    })
    assert.equal(clearOf(bound).clear?.status, 200)
    assert.equal(keyOf(await opened(alice, bound)).jwk.k, key.jwk.k)
  })

  test('is recorded under the id that the core gave it', async () => {
    const { resource } = await aRoom(alice)
    const id = newOperationId()
    await operate(alice, addition(resource.uri, PEOPLE.bob), { id })
    const { action, details } = await world.lastEntry()
    assert.deepEqual(
      { action, details },
      { action: 'authorization.created', details: { operation: id } },
    )
  })

  test('still needs a sender who may', async () => {
    const { resource } = await aRoom(alice)
    const answer = await operate(bob, addition(resource.uri, PEOPLE.bob))
    assert.deepEqual(clearOf(answer), { clear: { status: 403 } })
    await world.refused(await opened(bob, answer), 403, 'kms.not-authorized')
  })
})

describe('an operation of which the parts disagree does nothing', async () => {
  const { resource, key } = await aRoom(alice)
  const { resource: other } = await aRoom(alice)
  const { request, part } = addition(resource.uri, PEOPLE.bob)
  const creation = async () => {
    const fresh = await aKey(alice)
    const userIds = [alice.who.userId, PEOPLE.bob]
    return {
      request: { method: 'create', uri: '/resources', keyUris: [fresh.uri], userIds },
      part: {
        operation: 'create-resource',
        keyUris: [fresh.uri],
        subjects: userIds,
      } satisfies Part,
    }
  }
  const { request: creating, part: created } = await creation()
  const unbound = await aKey(alice)
  const binding = { method: 'update', uri: unbound.uri, resourceUri: resource.uri }
  const bound = {
    operation: 'bind-key',
    resourceUri: resource.uri,
    keyUris: [unbound.uri],
  } as const
  const cases: readonly (readonly [string, string, Json, Part | undefined])[] = [
    ['says nothing of its own part', 'part', request, undefined],
    ['swaps the room', 'resourceUri', request, { ...part, resourceUri: other.uri }],
    [
      'names no room',
      'resourceUri',
      request,
      { operation: part.operation, subjects: part.subjects },
    ],
    ['swaps whom to add', 'subjects', request, { ...part, subjects: [PEOPLE.carol] }],
    ['adds more people', 'subjects', request, { ...part, subjects: [PEOPLE.bob, PEOPLE.carol] }],
    ['names nobody', 'subjects', request, { ...part, subjects: [] }],
    ['knows nothing of a bearer token', 'anonymous', { ...request, anonymous: 1 }, part],
    ['hands out a bearer token', 'anonymous', request, { ...part, anonymous: 1 }],
    [
      'swaps adding for removing',
      'operation',
      request,
      { ...part, operation: 'delete-authorizations' },
    ],
    ['names another sender', 'httpUser user', request, { ...part, user: PEOPLE.bob }],
    ['stores a key that is not meant', 'keyUris', request, { ...part, keyUris: [key.uri] }],
    [
      'makes a room of other people',
      'subjects',
      creating,
      { ...created, subjects: [PEOPLE.carol] },
    ],
    ['makes a room with another key', 'keyUris', creating, { ...created, keyUris: [key.uri] }],
    [
      'makes of a new room an old one',
      'resourceUri',
      creating,
      { ...created, resourceUri: other.uri },
    ],
    ['binds another key', 'keyUris', binding, { ...bound, keyUris: [key.uri] }],
    ['binds it to another room', 'resourceUri', binding, { ...bound, resourceUri: other.uri }],
    [
      'waits for something that is no operation',
      'operation',
      { method: 'retrieve', uri: key.uri },
      part,
    ],
  ]
  for (const [what, differs, asked, told] of cases) {
    test(`when the core ${what}`, async () => {
      const before = [await authIds(resource.uri), await authIds(other.uri)]
      const answer = await operate(
        alice,
        told === undefined ? { request: asked } : { request: asked, part: told },
      )
      const entry = await world.lastEntry()
      assert.deepEqual(clearOf(answer), { clear: { status: 403 } })
      await world.refused(await opened(alice, answer), 403, 'rooms.parts-disagree')
      assert.equal((entry['details'] as Json)['differs'], differs)
      assert.doesNotMatch(JSON.stringify(entry['details']), /[0-9a-f]{8}-[0-9a-f]{4}/)
      assert.deepEqual([await authIds(resource.uri), await authIds(other.uri)], before)
    })
  }

  test('when the core lends one user the session of another', async () => {
    const { answers } = await alice.operate(await alice.seal(alice.request(request)), part, {
      httpUser: PEOPLE.bob,
    })
    assert.equal(answers[0]?.clear?.status, 403)
    assert.equal((await world.lastEntry())['code'], 'rooms.parts-disagree')
  })

  test('and the message is dead: not even the right part revives it', async () => {
    const sealed = await alice.seal(alice.request(request))
    await alice.operate(sealed, { ...part, subjects: [PEOPLE.carol] })
    const again = await alice.operate(sealed, part)
    assert.deepEqual(clearOf(again), { clear: { status: 403 } })
    assert.deepEqual(await authIds(resource.uri), [alice.who.userId])
  })

  test('when several messages come as one operation', async () => {
    const kmsMessages = [
      await alice.seal(alice.request(request)),
      await alice.seal(alice.request(request)),
    ]
    const answer = await alice.operate('', part, { kmsMessages })
    assert.deepEqual(answer, { answers: [{ n: 0, clear: { status: 403 } }] })
    assert.deepEqual(await authIds(resource.uri), [alice.who.userId])
  })
})

describe('a message that cannot be opened ends the operation all the same', () => {
  test('when it is noise', async () => {
    const { part } = addition('kms://kms.acme.example/resources/none', PEOPLE.bob)
    const answer = await alice.operate('not.a.jwe', part)
    assert.deepEqual(answer, { answers: [{ n: 0, clear: { status: 499 } }] })
  })

  test('when it is a handshake, of which the client hears nothing', async () => {
    const stranger = world.device('carol')
    const sealed = await stranger.sealHandshake(
      stranger.request({ method: 'create', uri: '/ecdhe', jwk: { kty: 'EC' } }),
    )
    const { answers } = await stranger.operate(sealed, { operation: 'create-resource' })
    assert.equal(answers[0]?.kmsMessage, undefined)
    assert.ok((answers[0]?.clear?.status ?? 0) >= 400)
  })

  test('when its session is over: with the reset', async () => {
    const own = await World.open()
    const device = await own.signedIn('alice')
    const { resource } = await aRoom(device)
    const { request, part } = addition(resource.uri, PEOPLE.bob)
    const sealed = await device.seal(device.request(request))
    own.advance(seconds(2 * 3600))
    const answer = await device.operate(sealed, part)
    assert.deepEqual(clearOf(answer), { clear: { status: 499 } })
    assert.equal((await device.verify(answer.answers[0]?.kmsMessage ?? ''))['status'], 499)
    await own.close()
  })
})

describe('an operation asked again under its id', () => {
  test('gets the same outcome, and nothing is done twice', async () => {
    const { resource } = await aRoom(alice)
    const { request, part } = addition(resource.uri, PEOPLE.bob)
    const sealed = await alice.seal(alice.request(request))
    const id = newOperationId()
    const first = await alice.operate(sealed, part, { id })
    await operate(alice, removal(resource.uri, PEOPLE.bob))
    const again = await alice.operate(sealed, part, { id })
    assert.deepEqual(clearOf(again), clearOf(first))
    assert.deepEqual(await opened(alice, again), await opened(alice, first))
    assert.deepEqual(await authIds(resource.uri), [alice.who.userId])
  })

  test('gets it after the process died, and twice at the same moment', async () => {
    const own = await World.open()
    const device = await own.signedIn('alice')
    const { resource } = await aRoom(device)
    const { request, part } = addition(resource.uri, PEOPLE.bob)
    const sealed = await device.seal(device.request(request))
    const ask = () => device.operate(sealed, part, { id: 'one' })
    const [first, second] = await Promise.all([ask(), ask()])
    await own.restart()
    const third = await ask()
    assert.deepEqual(clearOf(first), { clear: { status: 201, resourceUri: resource.uri } })
    for (const again of [second, third]) {
      assert.deepEqual(clearOf(again), clearOf(first))
      assert.deepEqual(await opened(device, again), await opened(device, first))
    }
    await own.close()
  })

  test('gets it in clear alone after its session ended', async () => {
    const own = await World.open()
    const device = await own.signedIn('alice')
    const { resource } = await aRoom(device)
    const { request, part } = addition(resource.uri, PEOPLE.bob)
    const sealed = await device.seal(device.request(request))
    const first = await device.operate(sealed, part, { id: 'one' })
    own.advance(seconds(3 * 3600))
    await sweep(own.ledger, own.realm.channels, own.realm.settings.sessionGrace, 100)
    const again = await device.operate(sealed, part, { id: 'one' })
    assert.deepEqual(clearOf(again), clearOf(first))
    const ended = operationAnswer(await withdrawOperation(own.ledger, 'one'))
    assert.deepEqual(ended, { answers: [{ n: 0, clear: first.answers[0]?.clear }] })
    await own.close()
  })

  test('with another message gets the old outcome, and the other message is not let in', async () => {
    const { resource } = await aRoom(alice)
    const id = newOperationId()
    const first = await operate(alice, addition(resource.uri, PEOPLE.bob), { id })
    const other = await operate(alice, addition(resource.uri, PEOPLE.carol), { id })
    assert.deepEqual(clearOf(other), clearOf(first))
    await world.refused(await opened(alice, other), 409, 'rooms.repeated')
    assert.deepEqual(await authIds(resource.uri), [alice.who.userId, PEOPLE.bob])
  })

  test('is refused again if it was refused, even if it would be granted by now', async () => {
    const { resource } = await aRoom(alice)
    const { request, part } = addition(resource.uri, PEOPLE.carol)
    const sealed = await bob.seal(bob.request(request))
    const id = newOperationId()
    const first = await bob.operate(sealed, part, { id })
    await operate(alice, addition(resource.uri, PEOPLE.bob))
    assert.deepEqual(clearOf(await bob.operate(sealed, part, { id })), clearOf(first))
    assert.deepEqual(await authIds(resource.uri), [alice.who.userId, PEOPLE.bob])
  })
})

describe('a captured message under a new operation id', () => {
  test('has no effect, and neither core nor client is told that it had', async () => {
    const { resource } = await aRoom(alice)
    const { request, part } = addition(resource.uri, PEOPLE.bob)
    const sealed = await alice.seal(alice.request(request))
    await alice.operate(sealed, part)
    await operate(alice, removal(resource.uri, PEOPLE.bob))
    const replayed = await alice.operate(sealed, part)
    assert.deepEqual(clearOf(replayed), { clear: { status: 409 } })
    await world.refused(await opened(alice, replayed), 409, 'rooms.repeated')
    assert.deepEqual(await authIds(resource.uri), [alice.who.userId])
  })

  test('nor if it came by the plain way before', async () => {
    const { resource } = await aRoom(alice)
    const { request, part } = addition(resource.uri, PEOPLE.bob)
    const sealed = await alice.seal(alice.request(request))
    await alice.post([sealed])
    assert.deepEqual(clearOf(await alice.operate(sealed, part)), { clear: { status: 409 } })
  })

  test('by the plain way gets the stored answer, and has no effect', async () => {
    const { resource } = await aRoom(alice)
    const { request, part } = addition(resource.uri, PEOPLE.bob)
    const sealed = await alice.seal(alice.request(request))
    const first = await opened(alice, await alice.operate(sealed, part))
    await operate(alice, removal(resource.uri, PEOPLE.bob))
    const [again] = await alice.post([sealed])
    assert.deepEqual(await alice.open(again?.kmsMessage ?? ''), first)
    assert.deepEqual(await authIds(resource.uri), [alice.who.userId])
  })
})

describe('an operation that is withdrawn', () => {
  test('before it was applied never is, even if it arrives afterwards', async () => {
    const own = await World.open()
    const device = await own.signedIn('alice')
    const { resource } = await aRoom(device)
    const { request, part } = addition(resource.uri, PEOPLE.bob)
    const sealed = await device.seal(device.request(request))
    const declined = { answers: [], declined: 'rooms.withdrawn' }
    assert.deepEqual(operationAnswer(await withdrawOperation(own.ledger, 'late')), declined)
    assert.equal((await own.lastEntry()).action, 'operation.withdrawn')
    assert.deepEqual(await device.operate(sealed, part, { id: 'late' }), declined)
    assert.equal((await own.lastEntry())['code'], 'rooms.withdrawn')
    await own.restart()
    assert.deepEqual(await device.operate(sealed, part, { id: 'late' }), declined)
    assert.deepEqual(operationAnswer(await withdrawOperation(own.ledger, 'late')), declined)
    assert.deepEqual(await authIds(resource.uri, device), [device.who.userId])
    await own.close()
  })

  test('after it was applied has that outcome, even while the realm is locked', async () => {
    const own = await World.open()
    const device = await own.signedIn('alice')
    const { resource } = await aRoom(device)
    const applied = await operate(device, addition(resource.uri, PEOPLE.bob), { id: 'done' })
    own.realm.keyring.lock()
    const ended = operationAnswer(await withdrawOperation(own.ledger, 'done'))
    assert.deepEqual(ended, { answers: [{ n: 0, clear: applied.answers[0]?.clear }] })
    await own.close()
  })

  test('while it is being asked ends one way for both', async () => {
    const { resource } = await aRoom(alice)
    const { request, part } = addition(resource.uri, PEOPLE.bob)
    const sealed = await alice.seal(alice.request(request))
    for (const id of ['race-1', 'race-2', 'race-3']) {
      const [asked, withdrawn] = await Promise.all([
        alice.operate(sealed, part, { id }),
        withdrawOperation(world.ledger, id),
      ])
      assert.deepEqual(clearOf(asked), clearOf(operationAnswer(withdrawn)))
    }
  })
})

describe('operations are remembered', () => {
  test('for as long as the core may ask, and then swept', async () => {
    const own = await World.open()
    const sweepOnce = () => sweepOperations(own.ledger, seconds(30 * DAY), 2)
    for (const id of ['a', 'b', 'c']) await withdrawOperation(own.ledger, id)
    own.advance(seconds(30 * DAY))
    assert.equal(await sweepOnce(), 0)
    own.advance(seconds(1))
    assert.deepEqual([await sweepOnce(), await sweepOnce(), await sweepOnce()], [2, 1, 0])
    await own.close()
  })
})

describe('an operation whose process was killed', () => {
  for (const moment of ['before', 'after'] as const) {
    for (const next of ['asks again', 'withdraws'] as const) {
      test(`${moment} its commit ends one way when the core ${next}`, async () => {
        let kills = false
        const own = await World.open({
          wrapStore: (store) => ({
            read: (work) => store.read(work),
            transact: async (work) => {
              if (kills && moment === 'before') throw new Error('killed')
              const result = await store.transact(work)
              if (kills) throw new Error('killed')
              return result
            },
          }),
        })
        const device = await own.signedIn('alice')
        const { resource } = await aRoom(device)
        const { request, part } = addition(resource.uri, PEOPLE.bob)
        const sealed = await device.seal(device.request(request))
        const ask = () => device.operate(sealed, part, { id: 'killed' })
        kills = true
        assert.equal((await ask()).declined, 'realm.fault')
        kills = false
        await own.restart()
        const withdraw = async () => operationAnswer(await withdrawOperation(own.ledger, 'killed'))
        const end = clearOf(await (next === 'asks again' ? ask() : withdraw()))
        const isApplied = moment === 'after' || next === 'asks again'
        const applied = { clear: { status: 201, resourceUri: resource.uri } }
        assert.deepEqual(end, isApplied ? applied : { declined: 'rooms.withdrawn' })
        assert.equal((await authIds(resource.uri, device)).includes(PEOPLE.bob), isApplied)
        // And whatever comes later changes nothing.
        assert.deepEqual([clearOf(await ask()), clearOf(await withdraw())], [end, end])
        await own.close()
      })
    }
  }
})

describe('a fault in an operation', () => {
  test('says nothing of its outcome, so that the core withdraws it', async () => {
    let isBroken = false
    const own = await World.open({
      wrapStore: (store) => ({
        read: (work) => store.read(work),
        transact: (work) =>
          isBroken ? Promise.reject(new Error('disk gone')) : store.transact(work),
      }),
    })
    const device = await own.signedIn('alice')
    const { resource } = await aRoom(device)
    isBroken = true
    const answer = await operate(device, addition(resource.uri, PEOPLE.bob), { id: 'x' })
    assert.deepEqual(answer, { answers: [], declined: 'realm.fault' })
    assert.equal(own.realm.faults.length, 1)
    isBroken = false
    assert.equal((await withdrawOperation(own.ledger, 'x')).state, 'withdrawn')
    await own.close()
  })
})
