// ResourceStore: found, unique, swept with their authorizations.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Implementation, openFresh } from './implementations.ts'
import { anAuthorization, anUnboundKey, aResource, at, bound, NOW } from './make.ts'

export const resourcesContract = (on: Implementation): void => {
  describe('resources', () => {
    test('come back as they went in', async () => {
      const store = await openFresh(on)
      const [lasting, passing] = [aResource(), aResource({ expiresAt: at(5) })]
      await store.transact(async (tx) => {
        await tx.resources.insert(lasting)
        await tx.resources.insert(passing)
      })
      const found = await store.read((tx) =>
        tx.resources.find([lasting.uri, passing.uri, aResource().uri]),
      )
      assert.deepEqual(found, new Map([lasting, passing].map((one) => [one.uri, one])))
    })

    test('are never stored twice under one URI', async () => {
      const store = await openFresh(on)
      const resource = aResource()
      await store.transact((tx) => tx.resources.insert(resource))
      await assert.rejects(
        store.transact((tx) => tx.resources.insert(resource)),
        {
          code: 'store.not-unique',
        },
      )
    })

    test('that end together are swept as they were said to be', async () => {
      const store = await openFresh(on)
      const together = Array.from({ length: 7 }, () => aResource({ expiresAt: NOW }))
      await store.transact(async (tx) => {
        for (const resource of together) await tx.resources.insert(resource)
      })
      for (const count of [3, 3, 1]) {
        const [next, swept] = await store.transact(async (tx) => [
          await tx.resources.expired(NOW, 3),
          await tx.resources.sweepExpired(NOW, 3),
        ])
        assert.equal(swept?.length, count)
        assert.deepEqual(new Set(next), new Set(swept))
      }
    })

    test('whose time has passed are swept, at most so many, with their authorizations', async () => {
      const store = await openFresh(on)
      const [first, second] = [aResource({ expiresAt: at(1) }), aResource({ expiresAt: NOW })]
      const kept = [aResource(), aResource({ expiresAt: at(1001) })]
      const gone = anAuthorization({ resourceUri: first.uri })
      const stays = anAuthorization({ resourceUri: aResource().uri })
      const key = anUnboundKey()
      await store.transact(async (tx) => {
        for (const resource of [first, second, ...kept]) await tx.resources.insert(resource)
        await tx.authorizations.insert([gone, { ...stays, resourceUri: kept[0]?.uri ?? first.uri }])
        await tx.keys.insert([key])
        await tx.keys.bind([bound(key, first.uri)])
      })
      const sweep = () =>
        store.transact(async (tx) => {
          const next = await tx.resources.expired(NOW, 1)
          const swept = await tx.resources.sweepExpired(NOW, 1)
          assert.deepEqual(next, swept)
          return swept
        })
      assert.deepEqual(await sweep(), [first.uri])
      assert.deepEqual(await sweep(), [second.uri])
      assert.deepEqual(await sweep(), [])
      await store.read(async (tx) => {
        const authorizations = await tx.authorizations.find([gone.uri, stays.uri])
        assert.deepEqual([...authorizations.keys()], [stays.uri])
        assert.equal((await tx.keys.find([key.uri])).size, 1, 'its keys are evidence and stay')
        assert.equal((await tx.resources.find(kept.map((one) => one.uri))).size, 2)
      })
    })
  })
}
