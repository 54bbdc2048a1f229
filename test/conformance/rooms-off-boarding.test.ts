// Somebody leaves the organisation: from the entry that says so on, nothing is released to them by whatever
// token, session, bearer or repeat they still hold; and the log proves it.

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { UserId } from '../../src/id.ts'
import {
  acknowledgeOffBoarding,
  isProven,
  offBoard,
  pendingOffBoardings,
  reportOffBoarding,
} from '../../src/kms/index.ts'
import { aRoom, authorizationsOf, keysOf, PEOPLE, World } from '../support/world.ts'

const BOB = PEOPLE.bob as UserId
const leave = (world: World, userId: UserId = BOB) => offBoard(world.ledger, world.means, userId)
const report = async (world: World) => {
  const found = await reportOffBoarding(world.store, BOB)
  assert.ok(found)
  return found
}
const open = async () => {
  const world = await World.open()
  after(() => world.close())
  return { world, alice: await world.signedIn('alice'), bob: await world.signedIn('bob') }
}

describe('somebody who was off-boarded', async () => {
  const { world, alice, bob } = await open()
  const rooms = [await aRoom(alice, [PEOPLE.bob]), await aRoom(bob, [PEOPLE.alice])]
  const [room] = rooms
  assert.ok(room)
  const [unbound] = keysOf(await bob.ask('create', '/keys', { count: 1 }))
  const earlier = bob.request({ method: 'retrieve', uri: room.key.uri })
  assert.equal((await bob.askRaw(earlier))['status'], 200)
  const shared = { resourceUri: room.resource.uri, anonymous: 1 }
  const [share] = authorizationsOf(await bob.ask('create', '/authorizations', shared))
  await leave(world)

  test('is refused everything, in the session they have', async () => {
    const asked: readonly (readonly [string, string])[] = [
      ['retrieve', room.key.uri],
      ['retrieve', unbound?.uri ?? ''],
      ['update', '/ping'],
    ]
    for (const [method, uri] of asked) {
      await world.refused(await bob.ask(method, uri), 403, 'identity.off-boarded')
    }
    await world.refused(await bob.askRaw(earlier), 403, 'identity.off-boarded')
  })

  test('gets no new session, on no device, also after a restart', async () => {
    await world.restart()
    for (const device of [bob, world.device('bob', {}, 'phone')]) {
      assert.equal((await device.shake())['status'], 403)
      assert.equal((await world.lastEntry())['code'], 'identity.off-boarded')
    }
  })

  test('cannot use the bearer of an anonymous authorization that they made', async () => {
    const holder = world.deviceWith('', share?.bearer ?? '', 'https://core.example/devices/board')
    assert.equal((await holder.shake())['status'], 403)
  })

  test('is authorised nowhere, and what they read is stale', async () => {
    const stale = (await world.store.read((tx) => tx.resources.stale(10))).map(({ uri }) => uri)
    for (const { resource } of rooms) {
      const list = authorizationsOf(await alice.ask('retrieve', `${resource.uri}/authorizations`))
      assert.deepEqual(
        list.map(({ authId }) => authId),
        [PEOPLE.alice],
      )
      assert.ok(stale.some((uri) => uri === resource.uri))
    }
  })

  test('gains nothing by being added again', async () => {
    const fields = { resourceUri: room.resource.uri, userIds: [PEOPLE.bob] }
    await alice.ask('create', '/authorizations', fields)
    assert.equal((await bob.shake())['status'], 403)
    await leave(world)
    const list = await world.store.read((tx) => tx.authorizations.ofUser(BOB, 10))
    assert.equal(list.length, 0)
  })

  test('leaves unbound keys that nobody can bind or read', async () => {
    const found = await world.store.read((tx) =>
      tx.keys.find([...(unbound ? [unbound.uri] : [])] as never),
    )
    assert.equal(found.size, 0)
  })

  test('others go on as before', async () => {
    assert.equal((await alice.ask('retrieve', room.key.uri))['status'], 200)
  })
})

describe('the report on somebody who was off-boarded', () => {
  test('proves from the log that nothing was released since, and counts the refusals', async () => {
    const { world, alice, bob } = await open()
    const { key } = await aRoom(alice, [PEOPLE.bob])
    await bob.ask('retrieve', key.uri)
    await leave(world)
    await bob.ask('retrieve', key.uri)
    await alice.ask('retrieve', key.uri)
    const found = await report(world)
    assert.ok(isProven(found))
    const { releases, deeds, refusals, rooms, isRecorded, brokenAt } = found
    assert.deepEqual(
      { releases, deeds, refusals, rooms, isRecorded, brokenAt },
      { releases: [], deeds: [], refusals: 1, rooms: 1, isRecorded: true, brokenAt: undefined },
    )
    assert.equal(found.pseudonym, await world.pseudonymOf('bob'))
  })

  test('shows a release after it', async () => {
    const { world, bob } = await open()
    await leave(world)
    const pseudonym = (await world.pseudonymOf('bob')) ?? ''
    await world.ledger.commit(async () => ({
      result: undefined,
      acts: [
        {
          action: 'key.released',
          outcome: 'done',
          actor: { kind: 'person', id: pseudonym },
          keys: ['kms://kms.acme.example/keys/k'],
        },
      ],
    }))
    const found = await report(world)
    assert.equal(isProven(found), false)
    assert.deepEqual(found.releases, [found.readTo])
    assert.ok(bob)
  })

  test('shows a log that was changed or cut after it', async () => {
    const { world } = await open()
    await leave(world)
    await world.publish()
    for (const spoil of ['change', 'cut'] as const) {
      const spoiled = await reportOffBoarding(
        {
          transact: (work) => world.store.transact(work),
          read: (work) =>
            world.store.read((tx) =>
              work({
                ...tx,
                audit: {
                  ...tx.audit,
                  read: async (sequence, limit) => {
                    const entries = await tx.audit.read(sequence, limit)
                    const last = entries.length - 1
                    return spoil === 'cut'
                      ? entries.slice(0, Math.max(0, last))
                      : entries.map((entry, index) =>
                          index === last ? { ...entry, body: `${entry.body} ` } : entry,
                        )
                  },
                },
              }),
            ),
        },
        BOB,
      )
      assert.notEqual(spoiled?.brokenAt, undefined, spoil)
      assert.ok(spoiled !== undefined && !isProven(spoiled))
    }
  })

  test('of somebody who was not is none', async () => {
    const { world } = await open()
    assert.equal(await reportOffBoarding(world.store, PEOPLE.alice as UserId), undefined)
  })
})

describe('off-boarding', () => {
  test('works for somebody who was never here', async () => {
    const { world } = await open()
    await leave(world, PEOPLE.carol as UserId)
    const carol = world.device('carol')
    assert.equal((await carol.shake())['status'], 403)
  })

  test('of thousands of rooms refuses at once and removes in batches', async () => {
    const { world, alice } = await open()
    const count = 1201
    await world.store.transact(async (tx) => {
      for (let n = 0; n < count; n += 1) {
        const id = String(n).padStart(12, '0')
        const resourceUri = `kms://kms.acme.example/resources/00000000-0000-4000-8000-${id}`
        const organizationId = world.realm.settings.organizations[0]
        const createdAt = world.now()
        const base = { createdBy: alice.who.userId as UserId, createdAt }
        await tx.resources.insert({ uri: resourceUri as never, organizationId, ...base })
        await tx.authorizations.insert([
          {
            uri: `kms://kms.acme.example/authorizations/00000000-0000-4000-8000-${id}` as never,
            resourceUri: resourceUri as never,
            authId: BOB,
            kind: 'user',
            role: 'participant',
            ...base,
          },
        ])
      }
    })
    await leave(world)
    const { rooms, offBoarding } = await report(world)
    assert.equal(rooms, count)
    assert.notEqual(offBoarding.finishedAt, undefined)
    assert.equal(await world.store.read((tx) => tx.resources.countStale()), count)
    const removals = (await world.entries()).filter(
      ({ action }) => action === 'authorization.removed',
    )
    assert.equal(removals.length, count)
  })

  test('leaves the rooms of a team too where only the team is named', async () => {
    const { world, alice } = await open()
    const team = (await aRoom(alice, [PEOPLE.bob])).resource
    const room = (await aRoom(alice)).resource
    await aRoom(alice)
    await alice.ask('create', '/authorizations', { resourceUri: room.uri, userIds: [team.uri] })
    await leave(world)
    const [told] = await pendingOffBoardings(world.store, world.ledger, 10)
    assert.deepEqual(new Set(told?.resourceUris), new Set([team.uri, room.uri]))
  })

  test('is said to the core until it is acknowledged, and again when done again', async () => {
    const { world, alice } = await open()
    const { resource } = await aRoom(alice, [PEOPLE.bob])
    const pending = () => pendingOffBoardings(world.store, world.ledger, 10)
    await leave(world)
    for (const _ of ['once', 'twice']) {
      const [told] = await pending()
      assert.deepEqual(told?.resourceUris, [resource.uri])
      assert.equal(told?.offBoarding.userId, BOB)
    }
    await acknowledgeOffBoarding(world.ledger, BOB)
    assert.equal((await world.lastEntry()).action, 'off-boarding.acknowledged')
    assert.deepEqual(await pending(), [])
    const { sequence } = (await report(world)).offBoarding
    await leave(world)
    assert.equal((await pending()).length, 1)
    assert.equal((await report(world)).offBoarding.sequence, sequence)
    await acknowledgeOffBoarding(world.ledger, PEOPLE.alice as UserId)
  })

  test('that a dead process left half done is finished by another', async () => {
    let commits = 0
    let dies = false
    const world = await World.open({
      wrapStore: (store) => ({
        read: (work) => store.read(work),
        transact: (work) => {
          commits += 1
          return dies && commits > 1 ? Promise.reject(new Error('killed')) : store.transact(work)
        },
      }),
    })
    after(() => world.close())
    const alice = await world.signedIn('alice')
    const bob = await world.signedIn('bob')
    const { key, resource } = await aRoom(alice, [PEOPLE.bob])
    await bob.ask('retrieve', key.uri)
    for (let n = 0; n < 500; n += 1) {
      const uri = `kms://kms.acme.example/authorizations/00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
      const made = {
        createdBy: BOB,
        createdAt: world.now(),
        kind: 'anonymous',
        role: 'participant',
      } as const
      await world.store.transact((tx) =>
        tx.authorizations.insert([
          { uri: uri as never, resourceUri: resource.uri as never, authId: uri as never, ...made },
        ]),
      )
    }
    ;[commits, dies] = [0, true]
    await assert.rejects(leave(world))
    dies = false
    await world.refused(await bob.ask('retrieve', key.uri), 403, 'identity.off-boarded')
    const [told] = await pendingOffBoardings(world.store, world.ledger, 10)
    assert.deepEqual(told?.resourceUris, [resource.uri])
    const { offBoarding } = await report(world)
    assert.notEqual(offBoarding.finishedAt, undefined)
    assert.deepEqual(await world.store.read((tx) => tx.authorizations.anonymousBy(BOB, 1)), [])
  })
})
