// AuthorizationStore but for `reach`: once per resource and authId, in order, alive or not.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Authorization } from '../../../src/kms/index.ts'
import { type Implementation, openFresh } from './implementations.ts'
import { anAuthorization, anAuthorizationUri, aResource, at, aUserId, NOW } from './make.ts'

const openWithResource = async (on: Implementation) => {
  const store = await openFresh(on)
  const resource = aResource()
  await store.transact((tx) => tx.resources.insert(resource))
  const insert = (...authorizations: Authorization[]) =>
    store.transact((tx) => tx.authorizations.insert(authorizations))
  return { store, insert, resourceUri: resource.uri }
}

export const authorizationsContract = (on: Implementation): void => {
  describe('authorizations', () => {
    test('come back as they went in, of every kind and role', async () => {
      const { store, insert, resourceUri } = await openWithResource(on)
      const uri = anAuthorizationUri()
      const all = [
        anAuthorization({ resourceUri }),
        anAuthorization({ resourceUri, role: 'moderator', expiresAt: at(5000) }),
        anAuthorization({ resourceUri, kind: 'resource', authId: aResource().uri, role: 'agent' }),
        anAuthorization({ resourceUri, kind: 'anonymous', uri, authId: uri }),
      ]
      await insert(...all)
      const found = await store.read((tx) => tx.authorizations.find(all.map((one) => one.uri)))
      assert.deepEqual(found, new Map(all.map((one) => [one.uri, one])))
    })

    test('of a resource are the live ones in order of creation', async () => {
      const { store, insert, resourceUri } = await openWithResource(on)
      const old = anAuthorization({ resourceUri, createdAt: at(1) })
      const batch = Array.from({ length: 20 }, () =>
        anAuthorization({ resourceUri, createdAt: at(2) }),
      )
      const over = anAuthorization({ resourceUri, createdAt: at(1), expiresAt: NOW })
      await insert(...batch.slice(0, 10), over)
      await insert(...batch.slice(10))
      await insert(old)
      const uris = async (authIds?: Authorization['authId'][]) => {
        const found = await store.read((tx) =>
          tx.authorizations.ofResource(resourceUri, NOW, authIds),
        )
        return found.map((one) => one.uri)
      }
      assert.deepEqual(
        await uris(),
        [old, ...batch].map((one) => one.uri),
      )
      const [, second, third] = batch
      const asked = [third, second, over].flatMap((one) => (one === undefined ? [] : [one.authId]))
      assert.deepEqual(await uris([...asked, aUserId()]), [second?.uri, third?.uri])
      assert.deepEqual(await uris([]), [])
    })

    test('authorise an authId on a resource once', async () => {
      const { store, insert, resourceUri } = await openWithResource(on)
      const one = anAuthorization({ resourceUri })
      await insert(one)
      const refused = { code: 'store.not-unique' }
      await assert.rejects(insert(anAuthorization({ resourceUri, authId: one.authId })), refused)
      await assert.rejects(insert(anAuthorization({ resourceUri, uri: one.uri })), refused)
      const same = anAuthorization({ resourceUri })
      await assert.rejects(insert(same, { ...same, uri: anAuthorizationUri() }), refused)
      const found = await store.read((tx) => tx.authorizations.ofResource(resourceUri, NOW))
      assert.deepEqual(found, [one])
    })

    test('that are over give their place to a new one', async () => {
      const { store, insert, resourceUri } = await openWithResource(on)
      const over = anAuthorization({ resourceUri, expiresAt: at(5) })
      const fresh = anAuthorization({ resourceUri, authId: over.authId, createdAt: at(5) })
      await insert(over)
      await insert(fresh)
      const found = await store.read((tx) => tx.authorizations.find([over.uri, fresh.uri]))
      assert.deepEqual([...found.values()], [fresh])
    })

    test('are on a resource that exists', async () => {
      const { insert } = await openWithResource(on)
      await assert.rejects(insert(anAuthorization({ resourceUri: aResource().uri })), {
        code: 'store.constraint',
      })
    })

    test('are removed, all that are named and no other', async () => {
      const { store, insert, resourceUri } = await openWithResource(on)
      const [one, two, three] = [0, 1, 2].map(() => anAuthorization({ resourceUri }))
      if (one === undefined || two === undefined || three === undefined) throw new Error('three')
      await insert(one, two, three)
      await store.transact((tx) =>
        tx.authorizations.remove([one.uri, three.uri, anAuthorizationUri()]),
      )
      const left = await store.read((tx) => tx.authorizations.ofResource(resourceUri, NOW))
      assert.deepEqual(left, [two])
    })

    test('that end together are swept as they were said to be', async () => {
      const { store, insert, resourceUri } = await openWithResource(on)
      const over = () => anAuthorization({ resourceUri, expiresAt: at(5) })
      const together = Array.from({ length: 7 }, over)
      await insert(...together)
      const nameOf = new Map(together.map(({ uri, authId }) => [uri, authId]))
      for (const count of [3, 3, 1]) {
        const { next, swept } = await store.transact(async (tx) => ({
          next: await tx.authorizations.expired(NOW, 3),
          swept: await tx.authorizations.sweepExpired(NOW, 3),
        }))
        assert.equal(swept.length, count)
        const names = new Set(swept.map((uri) => nameOf.get(uri)))
        assert.deepEqual(new Set(next.map(({ authId }) => authId)), names)
      }
    })

    test('that are over are swept, at most so many', async () => {
      const { store, insert, resourceUri } = await openWithResource(on)
      const over = [2, 1, 1000].map((end) => anAuthorization({ resourceUri, expiresAt: at(end) }))
      const live = [
        anAuthorization({ resourceUri }),
        anAuthorization({ resourceUri, expiresAt: at(1001) }),
      ]
      await insert(...over, ...live)
      const sweep = () => store.transact((tx) => tx.authorizations.sweepExpired(NOW, 2))
      assert.deepEqual(new Set(await sweep()), new Set([over[0]?.uri, over[1]?.uri]))
      assert.deepEqual(await sweep(), [over[2]?.uri])
      assert.deepEqual(await sweep(), [])
      const left = await store.read((tx) => tx.authorizations.ofResource(resourceUri, at(0)))
      assert.deepEqual(left, live)
    })
  })
}
