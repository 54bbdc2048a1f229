// What the store keeps for search: search keys and who reaches them, rooms left out of a grant, and what the indexer
// remembers between messages.

import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import type { ResourceUri } from '../../../src/id.ts'
import type { NewRange, Posting } from '../../../src/indexer/index.ts'
import type { SearchKey } from '../../../src/kms/index.ts'
import type { OpenStore } from '../../../src/store/index.ts'
import { type Implementation, openFresh } from './implementations.ts'
import {
  anAuthorization,
  anAuthorizationUri,
  aResource,
  aResourceUri,
  at,
  aUserId,
  keyEncryptionKey,
  NOW,
  ORGANIZATION,
} from './make.ts'

const someWrapped = () => ({
  keyEncryptionKeyId: keyEncryptionKey.id,
  bytes: new Uint8Array(randomBytes(60)),
  version: 1,
})

const aSearchKey = (id: number, resourceUri: ResourceUri): SearchKey => ({
  id,
  uri: `${resourceUri}/search-keys/${randomUUID()}`,
  resourceUri,
  organizationId: ORGANIZATION,
  wordsVersion: '1-a',
  language: 'english',
  createdAt: NOW,
  wrapped: someWrapped(),
})

const fresh = (on: Implementation): Promise<OpenStore> => openFresh(on)

const keep = (store: OpenStore, ...keys: readonly SearchKey[]) =>
  store.transact(async (tx) => {
    for (const key of keys) await tx.searchKeys.insert(key)
  })

const searchKeysContract = (on: Implementation): void => {
  describe('search keys', () => {
    test('are found by room, the newest first, and by number', async () => {
      const store = await fresh(on)
      const room = aResourceUri()
      const [old, young] = [aSearchKey(1, room), aSearchKey(2, room)]
      await keep(store, old, young)
      await store.read(async (tx) => {
        assert.deepEqual((await tx.searchKeys.ofRooms([room])).get(room), [young, old])
        assert.deepEqual(await tx.searchKeys.find([1, 7]), new Map([[1, old]]))
        assert.equal(await tx.searchKeys.nextId(), 3)
      })
    })

    test('are retired once', async () => {
      const store = await fresh(on)
      const room = aResourceUri()
      await keep(store, aSearchKey(1, room), aSearchKey(2, aResourceUri()))
      await store.transact((tx) => tx.searchKeys.retire([room], at(5)))
      await store.transact((tx) => tx.searchKeys.retire([room], at(9)))
      const found = await store.read((tx) => tx.searchKeys.find([1, 2]))
      assert.deepEqual([found.get(1)?.retiredAt, found.get(2)?.retiredAt], [at(5), undefined])
    })

    test('are gone when destroyed, and their numbers are not given again', async () => {
      const store = await fresh(on)
      const room = aResourceUri()
      await keep(store, aSearchKey(1, room), aSearchKey(2, room))
      await store.transact((tx) => tx.searchKeys.destroy([2], NOW))
      await store.read(async (tx) => {
        assert.deepEqual([...(await tx.searchKeys.find([1, 2])).keys()], [1])
        assert.equal(await tx.searchKeys.nextId(), 3)
        assert.deepEqual(
          (await tx.searchKeys.places()).map(({ id }) => id),
          [1],
        )
      })
    })

    test('are reached directly and through others, and not where that has lapsed', async () => {
      const store = await fresh(on)
      const [user, stranger] = [aUserId(), aUserId()]
      const rooms = [aResource(), aResource(), aResource({ expiresAt: at(10) })] as const
      const [team, child, over] = rooms
      await store.transact(async (tx) => {
        for (const room of rooms) await tx.resources.insert(room)
        await tx.authorizations.insert([
          anAuthorization({ resourceUri: team.uri, authId: user }),
          anAuthorization({ resourceUri: child.uri, authId: team.uri, kind: 'resource' }),
          anAuthorization({ resourceUri: team.uri, authId: child.uri, kind: 'resource' }),
          anAuthorization({ resourceUri: over.uri, authId: user }),
        ])
      })
      await keep(store, ...rooms.map(({ uri }, index) => aSearchKey(index + 1, uri)))
      await store.read(async (tx) => {
        const reached = await tx.searchKeys.reachedBy(user, at(20))
        assert.deepEqual(
          reached.map(({ resourceUri }) => resourceUri),
          [child.uri, team.uri],
        )
        assert.equal((await tx.searchKeys.reachedBy(user, at(5))).length, 3)
        assert.deepEqual(await tx.searchKeys.reachedBy(stranger, at(5)), [])
      })
    })

    test('of rooms that are no more, and of other rules, are told', async () => {
      const store = await fresh(on)
      const room = aResource()
      await store.transact((tx) => tx.resources.insert(room))
      const orphan = aResourceUri()
      await keep(store, aSearchKey(1, room.uri), aSearchKey(2, orphan))
      await store.read(async (tx) => {
        assert.deepEqual(await tx.searchKeys.orphans(), [orphan])
        const same = { wordsVersion: '1-a', language: 'english' }
        assert.deepEqual(await tx.searchKeys.outdated(same, 9), [])
        const other = await tx.searchKeys.outdated({ ...same, language: 'german' }, 9)
        assert.deepEqual(other, [room.uri, orphan].toSorted())
      })
    })
  })
}

const exclusionsContract = (on: Implementation): void => {
  test('a room left out is not granted and has no agent, until it is let in again', async () => {
    const store = await fresh(on)
    const room = aResource()
    const userId = aUserId()
    const where = { userId, feature: 'index', resourceUri: room.uri } as const
    await store.transact(async (tx) => {
      await tx.resources.insert(room)
      await tx.machines.insert({
        ...{ userId, name: 'bot', organizationId: room.organizationId, createdAt: NOW },
      })
      await tx.machines.grant({
        ...{ uri: anAuthorizationUri(), userId, feature: 'index', scope: 'all', createdAt: NOW },
      })
      assert.deepEqual(await tx.machines.granted([where], NOW), [true])
      assert.equal(await tx.machines.exclude({ ...where, createdAt: NOW }), true)
      assert.equal(await tx.machines.exclude({ ...where, createdAt: NOW }), false)
      assert.deepEqual(await tx.machines.granted([where], NOW), [false])
      assert.deepEqual(await tx.machines.agentsOf(room.uri), [])
      const policy = await tx.machines.policyOf('index')
      assert.deepEqual(policy.exclusions, [{ userId, resourceUri: room.uri }])
      assert.deepEqual(
        policy.grants.map(({ scope }) => scope),
        ['all'],
      )
      assert.equal(await tx.machines.readmit(userId, 'index', room.uri), true)
      assert.equal(await tx.machines.readmit(userId, 'index', room.uri), false)
      assert.deepEqual(await tx.machines.granted([where], NOW), [true])
      await tx.machines.disable(userId, NOW)
      assert.deepEqual((await tx.machines.policyOf('index')).grants, [])
    })
  })
}

const aRange = (more: Partial<NewRange> = {}): NewRange => ({
  reason: 'joined',
  startAfter: 0,
  readTo: 0,
  upTo: 9,
  dueAt: at(5),
  attempts: 0,
  createdAt: NOW,
  ...more,
})

const aPosting = (messageId: string, revision: number, more: Partial<Posting> = {}): Posting => ({
  resourceUri: 'kms://kms.acme.example/resources/1' as ResourceUri,
  messageId,
  revision,
  hashes: new Uint8Array(randomBytes(20)),
  ...more,
})

const queueContract = (on: Implementation): void => {
  describe('the indexer’s memory', () => {
    test('keeps how far it is', async () => {
      const store = await fresh(on)
      const empty = { readTo: 0, head: 0, indexed: 0, skipped: 0 }
      const some = { readTo: 2 ** 40, head: 2 ** 41, indexed: 7, skipped: 1 }
      assert.deepEqual(await store.read((tx) => tx.index.progress()), empty)
      await store.transact((tx) => tx.index.saveProgress({ ...empty, readTo: 1 }))
      await store.transact((tx) => tx.index.saveProgress(some))
      assert.deepEqual(await store.read((tx) => tx.index.progress()), some)
    })

    test('keeps ranges in the order in which they are due', async () => {
      const store = await fresh(on)
      const resourceUri = aResourceUri()
      const late = aRange({ dueAt: at(9), reason: 'rekeyed', resourceUri, searchKeyId: 4 })
      await store.transact(async (tx) => {
        await tx.index.insertRange(late)
        await tx.index.insertRange(aRange())
      })
      const [first, second] = await store.read((tx) => tx.index.ranges())
      assert.ok(first && second)
      assert.deepEqual(
        [first, second],
        [
          { ...aRange(), id: first.id },
          { ...late, id: second.id },
        ],
      )
      await store.transact((tx) =>
        tx.index.moveRange({ id: first.id, readTo: 4, dueAt: at(20), attempts: 2 }),
      )
      await store.transact((tx) => tx.index.removeRange(second.id))
      assert.deepEqual(await store.read((tx) => tx.index.ranges()), [
        { ...first, readTo: 4, dueAt: at(20), attempts: 2 },
      ])
    })

    test('keeps one list a message, the highest revision, until just that is delivered', async () => {
      const store = await fresh(on)
      const [one, newer, older] = [aPosting('m', 2), aPosting('m', 2 ** 52), aPosting('m', 1)]
      await store.transact((tx) => tx.index.enqueue([one, aPosting('n', 1)]))
      const [sent] = await store.read((tx) => tx.index.outgoing(1))
      assert.ok(sent)
      assert.deepEqual(sent, { ...one, id: sent.id })
      await store.transact((tx) => tx.index.enqueue([newer]))
      await store.transact((tx) => tx.index.enqueue([older]))
      await store.transact((tx) => tx.index.delivered([sent]))
      const left = await store.read((tx) => tx.index.outgoing(9))
      assert.deepEqual(left[0], { ...newer, id: sent.id })
      assert.equal(await store.read((tx) => tx.index.countOutgoing()), 2)
      await store.transact((tx) => tx.index.delivered(left))
      assert.equal(await store.read((tx) => tx.index.waitsIn(one.resourceUri)), false)
    })

    test('keeps drops until they are told', async () => {
      const store = await fresh(on)
      const [one, other] = [aResourceUri(), aResourceUri()]
      await store.transact(async (tx) => {
        await tx.index.drop(one, at(1))
        await tx.index.drop(one, at(3))
        await tx.index.drop(other, at(2))
      })
      assert.deepEqual(await store.read((tx) => tx.index.drops()), [one, other])
      await store.transact((tx) => tx.index.dropped(one))
      assert.deepEqual(await store.read((tx) => tx.index.drops()), [other])
    })

    test('remembers grants', async () => {
      const store = await fresh(on)
      const [one, other] = [anAuthorizationUri(), anAuthorizationUri()]
      await store.transact((tx) => tx.index.seeGrants([one, other]))
      await store.transact((tx) => tx.index.seeGrants([one]))
      await store.transact((tx) => tx.index.unseeGrants([other]))
      assert.deepEqual(await store.read((tx) => tx.index.seenGrants()), new Set([one]))
    })

    test('keeps pieces of counters in order, and forgets a room with all that is its', async () => {
      const store = await fresh(on)
      const resourceUri = aResourceUri()
      await keep(store, aSearchKey(1, resourceUri), aSearchKey(2, aResourceUri()))
      const parts = [1, 2, 1].map((searchKeyId) => ({
        ...{ searchKeyId, uri: randomUUID(), wrapped: someWrapped() },
      }))
      await store.transact(async (tx) => {
        await tx.index.addCounters(parts)
        await tx.index.countMessages([{ resourceUri, messages: 3 }], NOW)
        await tx.index.countMessages([{ resourceUri, messages: 2 }], NOW)
        await tx.index.enqueue([aPosting('m', 1, { resourceUri })])
        await tx.index.insertRange(aRange({ resourceUri }))
      })
      assert.deepEqual(await store.read((tx) => tx.index.counters([1])), [parts[0], parts[2]])
      assert.deepEqual(await store.read((tx) => tx.index.rooms()), [resourceUri])
      await store.transact((tx) => tx.index.forgetRoom(resourceUri))
      await store.read(async (tx) => {
        assert.deepEqual(await tx.index.counters([1]), [])
        assert.equal((await tx.index.counters([2])).length, 1)
        assert.equal(await tx.index.countRooms(), 0)
        assert.deepEqual(await tx.index.ranges(), [])
        assert.equal(await tx.index.countOutgoing(), 0)
      })
      await store.transact((tx) => tx.index.removeCounters([2]))
      assert.deepEqual(await store.read((tx) => tx.index.counters([2])), [])
    })
  })
}

export const searchContract = (on: Implementation): void => {
  searchKeysContract(on)
  exclusionsContract(on)
  queueContract(on)
}
