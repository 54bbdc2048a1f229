// What the store keeps of rooms beyond resources: staleness, drift, machines and their grants, and people who
// left.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import type { Drift, FeatureGrant, MachineAccount } from '../../../src/kms/index.ts'
import type { OpenStore } from '../../../src/store/index.ts'
import { type Implementation, openFresh } from './implementations.ts'
import {
  ALICE,
  anAuthorization,
  anAuthorizationUri,
  anUnboundKey,
  aPerson,
  aResource,
  aResourceUri,
  aSession,
  at,
  aUserId,
  bound,
  NOW,
  ORGANIZATION,
  OTHER_ORGANIZATION,
} from './make.ts'

const keep = (store: OpenStore, ...resources: readonly ReturnType<typeof aResource>[]) =>
  store.transact(async (tx) => {
    for (const resource of resources) await tx.resources.insert(resource)
  })

const staleContract = (on: Implementation): void => {
  describe('stale resources', () => {
    test('are stale since the first mark, until they are renewed', async () => {
      const store = await openFresh(on)
      const [one, other] = [aResource(), aResource()]
      await keep(store, one, other)
      await store.transact((tx) => tx.resources.markStale([one.uri, aResourceUri()], at(5)))
      await store.transact((tx) => tx.resources.markStale([one.uri, other.uri], at(9)))
      const stale = await store.read((tx) => tx.resources.stale(10))
      assert.deepEqual(stale, [
        { ...one, staleSince: at(5) },
        { ...other, staleSince: at(9) },
      ])
      assert.equal((await store.read((tx) => tx.resources.stale(1))).length, 1)
      await store.transact((tx) => tx.resources.markRenewed(one.uri))
      assert.equal(await store.read((tx) => tx.resources.countStale()), 1)
      assert.deepEqual((await store.read((tx) => tx.resources.find([one.uri]))).get(one.uri), one)
    })

    test('remember when their rosters last changed', async () => {
      const store = await openFresh(on)
      const one = aResource()
      await keep(store, one)
      await store.transact((tx) => tx.resources.rosterChanged([one.uri], at(7)))
      await store.transact((tx) => tx.resources.rosterChanged([one.uri], at(8)))
      const found = await store.read((tx) => tx.resources.find([one.uri]))
      assert.equal(found.get(one.uri)?.rosterChangedAt, at(8))
    })
  })

  describe('resources that contain others', () => {
    test('are found however deep, cycles included, and not through what is over', async () => {
      const store = await openFresh(on)
      const [team, room, board, lapsed, stranger] = Array.from({ length: 5 }, () => aResource())
      assert.ok(team && room && board && lapsed && stranger)
      await keep(store, team, room, board, lapsed, stranger)
      const nest = (outer: typeof team, inner: typeof team, change = {}) =>
        anAuthorization({ resourceUri: outer.uri, authId: inner.uri, kind: 'resource', ...change })
      await store.transact((tx) =>
        tx.authorizations.insert([
          nest(room, team),
          nest(board, room),
          nest(team, board),
          nest(lapsed, team, { expiresAt: NOW }),
        ]),
      )
      const containing = await store.read((tx) => tx.authorizations.containing([team.uri], NOW))
      assert.deepEqual(new Set(containing), new Set([team.uri, room.uri, board.uri]))
    })
  })

  describe('authorizations', () => {
    test('are listed by whom they name, by who made anonymous ones, and by resource', async () => {
      const store = await openFresh(on)
      const [one, other] = [aResource(), aResource()]
      await keep(store, one, other)
      const bob = aUserId()
      const named = [one, other].map(({ uri }) =>
        anAuthorization({ resourceUri: uri, authId: bob }),
      )
      const uri = anAuthorizationUri()
      const anonymous = anAuthorization({
        resourceUri: one.uri,
        uri,
        authId: uri,
        kind: 'anonymous',
        createdBy: bob,
      })
      const over = anAuthorization({ resourceUri: one.uri, expiresAt: NOW })
      await store.transact((tx) => tx.authorizations.insert([...named, anonymous, over]))
      await store.read(async (tx) => {
        assert.deepEqual(await tx.authorizations.ofUser(bob, 10), named)
        assert.equal((await tx.authorizations.ofUser(bob, 1)).length, 1)
        assert.deepEqual(await tx.authorizations.anonymousBy(bob, 10), [anonymous])
        assert.deepEqual(await tx.authorizations.anonymousBy(ALICE, 10), [])
        const { resourceUri, authId } = over
        assert.deepEqual(await tx.authorizations.expired(NOW, 10), [{ resourceUri, authId }])
        const all = await tx.authorizations.namedIn([one.uri, other.uri], NOW)
        assert.deepEqual(
          new Set(all.map((pair) => JSON.stringify(pair))),
          new Set(
            [one, other].map((room) => JSON.stringify({ resourceUri: room.uri, authId: bob })),
          ),
        )
      })
    })
  })
}

const driftContract = (on: Implementation): void => {
  describe('drift', () => {
    test('stands until it is removed, each difference by itself', async () => {
      const store = await openFresh(on)
      const resourceUri = aResourceUri()
      const drift = (side: Drift['side'], subject: string) => ({ resourceUri, side, subject })
      const drifts = [
        drift('core-only', 'a'),
        drift('core-only', 'b'),
        drift('realm-only', 'a'),
        drift('stale-key', 'k'),
      ]
      await store.transact((tx) => tx.rosters.insert(drifts.map((one) => ({ ...one, since: NOW }))))
      await store.transact((tx) => tx.rosters.remove(drifts.slice(0, 1)))
      await store.transact((tx) => tx.rosters.remove([]))
      const left = await store.read((tx) => tx.rosters.drifts())
      assert.deepEqual(
        left,
        drifts.slice(1).map((one) => ({ ...one, since: NOW })),
      )
      assert.equal(await store.read((tx) => tx.rosters.countDrifts()), 3)
      assert.equal((await store.read((tx) => tx.rosters.drifts([aResourceUri()]))).length, 0)
      assert.equal((await store.read((tx) => tx.rosters.drifts([resourceUri]))).length, 3)
    })

    test('of the last comparison alone is remembered when that was', async () => {
      const store = await openFresh(on)
      assert.equal(await store.read((tx) => tx.rosters.lastCheck()), undefined)
      await store.transact((tx) => tx.rosters.checked({ checkedAt: at(1), rooms: 3 }))
      await store.transact((tx) => tx.rosters.checked({ checkedAt: at(2), rooms: 4 }))
      const last = await store.read((tx) => tx.rosters.lastCheck())
      assert.deepEqual(last, { checkedAt: at(2), rooms: 4 })
    })
  })
}

const aMachine = (change: Partial<MachineAccount> = {}): MachineAccount => ({
  userId: aUserId(),
  name: randomUUID(),
  organizationId: ORGANIZATION,
  createdAt: at(0),
  ...change,
})

const aGrant = ({ userId }: MachineAccount, change: Partial<FeatureGrant> = {}): FeatureGrant => ({
  uri: anAuthorizationUri(),
  userId,
  feature: 'read-keys',
  scope: 'all',
  createdAt: at(0),
  ...change,
})

const machineContract = (on: Implementation): void => {
  describe('machine accounts', () => {
    test('come back as they went in, one of a name and one of a user', async () => {
      const store = await openFresh(on)
      const [one, other] = [aMachine({ name: 'a' }), aMachine({ name: 'b' })]
      await store.transact(async (tx) => {
        await tx.machines.insert(other)
        await tx.machines.insert(one)
      })
      for (const clash of [aMachine({ name: 'a' }), aMachine({ userId: one.userId })]) {
        await assert.rejects(
          store.transact((tx) => tx.machines.insert(clash)),
          { code: 'store.not-unique' },
        )
      }
      await store.transact((tx) => tx.machines.disable(one.userId, at(3)))
      await store.transact((tx) => tx.machines.disable(one.userId, at(4)))
      await store.read(async (tx) => {
        const disabled = { ...one, disabledAt: at(3) }
        assert.deepEqual(await tx.machines.all(), [disabled, other])
        assert.deepEqual(await tx.machines.byName('a'), disabled)
        assert.equal(await tx.machines.byName('c'), undefined)
        const among = await tx.machines.among([one.userId, aUserId()])
        assert.deepEqual(among, new Set([one.userId]))
      })
    })

    test('are granted a feature of a scope once, until it is revoked', async () => {
      const store = await openFresh(on)
      const machine = aMachine()
      const grant = aGrant(machine)
      await store.transact((tx) => tx.machines.insert(machine))
      const give = (given: FeatureGrant) => store.transact((tx) => tx.machines.grant(given))
      assert.equal(await give(grant), true)
      assert.equal(await give(aGrant(machine)), false)
      assert.equal(await give(aGrant(machine, { feature: 'authorize' })), true)
      assert.deepEqual((await store.read((tx) => tx.machines.grants())).length, 2)
      const revoke = () =>
        store.transact((tx) => tx.machines.revoke(machine.userId, 'read-keys', 'all'))
      assert.deepEqual([await revoke(), await revoke()], [true, false])
    })

    test('reach what they were granted: a room, or all of their organisation', async () => {
      const store = await openFresh(on)
      const [all, some, off] = [aMachine(), aMachine(), aMachine({ disabledAt: at(1) })]
      const [own, foreign, over] = [
        aResource(),
        aResource({ organizationId: OTHER_ORGANIZATION }),
        aResource({ expiresAt: NOW }),
      ]
      await keep(store, own, foreign, over)
      await store.transact(async (tx) => {
        for (const machine of [all, some, off]) await tx.machines.insert(machine)
        await tx.machines.grant(aGrant(all))
        await tx.machines.grant(aGrant(off))
        await tx.machines.grant(aGrant(some, { scope: foreign.uri }))
      })
      const asked = [all, some, off].flatMap(({ userId }) =>
        [own, foreign, over].map(({ uri }) => ({
          userId,
          feature: 'read-keys' as const,
          resourceUri: uri,
        })),
      )
      const granted = await store.read((tx) => tx.machines.granted(asked, NOW))
      assert.deepEqual(granted, [true, false, false, false, true, false, false, false, false])
      const other = asked.map((question) => ({ ...question, feature: 'authorize' as const }))
      assert.ok((await store.read((tx) => tx.machines.granted(other, NOW))).every((one) => !one))
      const agents = async (uri: typeof own.uri) =>
        (await store.read((tx) => tx.machines.agentsOf(uri))).map(({ userId }) => userId)
      assert.deepEqual(await agents(own.uri), [all.userId])
      assert.deepEqual(await agents(foreign.uri), [some.userId])
    })

    test('and people who left are what is known of a caller', async () => {
      const store = await openFresh(on)
      const [machine, bare, off] = [aMachine(), aMachine(), aMachine({ disabledAt: at(1) })]
      const [gone, here] = [aPerson(), aPerson()]
      await store.transact(async (tx) => {
        for (const one of [machine, bare, off]) await tx.machines.insert(one)
        await tx.machines.grant(aGrant(machine))
        await tx.machines.grant(aGrant(machine, { scope: aResourceUri() }))
        await tx.machines.grant(aGrant(machine, { feature: 'authorize' }))
        await tx.people.remember([gone, here])
        await tx.people.markOffBoarded(gone.userId, at(1))
        await tx.people.markOffBoarded(gone.userId, at(2))
      })
      const ids = [machine, bare, off, gone, here].map(({ userId }) => userId)
      const known = await store.read((tx) => tx.machines.standing([...ids, aUserId()]))
      const standing = (features: readonly string[], isDisabled: boolean) => ({
        isOffBoarded: false,
        machine: { organizationId: ORGANIZATION, isDisabled, features: new Set(features) },
      })
      assert.deepEqual(
        known,
        new Map<string, unknown>([
          [machine.userId, standing(['read-keys', 'authorize'], false)],
          [bare.userId, standing([], false)],
          [off.userId, standing([], true)],
          [gone.userId, { isOffBoarded: true }],
        ]),
      )
      const found = await store.read((tx) => tx.people.find([gone.userId]))
      assert.equal(found.get(gone.userId)?.offBoardedAt, at(1))
    })
  })
}

const leavingContract = (on: Implementation): void => {
  describe('off-boardings', () => {
    test('are pending until acknowledged, and begin again with their first sequence', async () => {
      const store = await openFresh(on)
      const person = aPerson()
      const { userId } = person
      const rooms = [aResourceUri(), aResourceUri()].sort()
      const begun = { userId, sequence: 7, offBoardedAt: at(1) }
      const pending = () => store.read((tx) => tx.offBoardings.pending(10))
      await store.transact(async (tx) => {
        await tx.people.remember([person])
        await tx.offBoardings.begin(begun)
        await tx.offBoardings.addRooms(userId, [...rooms, ...rooms])
        await tx.offBoardings.addRooms(userId, rooms)
      })
      assert.deepEqual(await pending(), [begun])
      await store.transact((tx) => tx.offBoardings.acknowledge(userId, at(2)))
      assert.deepEqual(await pending(), [begun], 'what is not finished cannot be acknowledged')
      await store.transact((tx) => tx.offBoardings.finish(userId, at(3)))
      await store.transact((tx) => tx.offBoardings.acknowledge(userId, at(4)))
      assert.deepEqual(await pending(), [])
      await store.read(async (tx) => {
        assert.deepEqual(await tx.offBoardings.rooms(userId), rooms)
        const found = await tx.offBoardings.find(userId)
        assert.deepEqual(found, { ...begun, finishedAt: at(3), acknowledgedAt: at(4) })
        assert.equal(await tx.offBoardings.find(aUserId()), undefined)
      })
      await store.transact((tx) =>
        tx.offBoardings.begin({ userId, sequence: 9, offBoardedAt: at(5) }),
      )
      assert.deepEqual(await pending(), [begun])
    })

    test('end all sessions of one principal, and of no other', async () => {
      const store = await openFresh(on)
      const sessions = [aSession(), aSession(), aSession({ principalId: aUserId() })]
      await store.transact(async (tx) => {
        for (const session of sessions) await tx.sessions.insert(session)
      })
      const end = () => store.transact((tx) => tx.sessions.endAll(ALICE))
      assert.deepEqual([await end(), await end()], [2, 0])
      const swept = await store.transact((tx) => tx.sessions.sweepExpired(at(0), 10))
      assert.deepEqual(new Set(swept), new Set(sessions.slice(0, 2).map(({ uri }) => uri)))
    })

    test('destroy the unbound keys of one person, and nothing that is bound', async () => {
      const store = await openFresh(on)
      const resource = aResource()
      await keep(store, resource)
      const [unbound, kept, foreign] = [
        anUnboundKey(),
        anUnboundKey(),
        anUnboundKey({ createdBy: aUserId() }),
      ]
      await store.transact(async (tx) => {
        await tx.keys.insert([unbound, kept, foreign])
        await tx.keys.bind([bound(kept, resource.uri)])
      })
      const destroyed = await store.transact((tx) => tx.keys.destroyUnbound(ALICE))
      assert.deepEqual(destroyed, [unbound.uri])
      const left = await store.read((tx) => tx.keys.find([unbound.uri, kept.uri, foreign.uri]))
      assert.deepEqual(new Set(left.keys()), new Set([kept.uri, foreign.uri]))
    })
  })
}

export const roomsContract = (on: Implementation): void => {
  staleContract(on)
  driftContract(on)
  machineContract(on)
  leavingContract(on)
}
