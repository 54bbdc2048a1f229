// KeyStore: unbound once, bound once, never back.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Key } from '../../../src/kms/index.ts'
import { type Implementation, openFresh } from './implementations.ts'
import { ALICE, aKeyUri, anUnboundKey, aResourceUri, at, aUserId, bound, NOW } from './make.ts'

export const keysContract = (on: Implementation): void => {
  describe('keys', () => {
    test('come back as they went in, unbound and bound', async () => {
      const store = await openFresh(on)
      const [one, two] = [anUnboundKey(), anUnboundKey()]
      const boundTwo = bound(two, aResourceUri())
      await store.transact((tx) => tx.keys.insert([one, two]))
      await store.transact((tx) => tx.keys.bind([boundTwo]))
      const found = await store.read((tx) => tx.keys.find([one.uri, two.uri, aKeyUri()]))
      assert.deepEqual(
        found,
        new Map<string, Key>([
          [one.uri, one],
          [two.uri, boundTwo],
        ]),
      )
    })

    test('are found five hundred at a time', async () => {
      const store = await openFresh(on)
      const keys = Array.from({ length: 500 }, () => anUnboundKey())
      await store.transact((tx) => tx.keys.insert(keys))
      const found = await store.read((tx) => tx.keys.find(keys.map((key) => key.uri)))
      assert.deepEqual([...found.values()].length, 500)
      for (const key of keys) assert.deepEqual(found.get(key.uri), key)
    })

    test('none are found when none are asked for', async () => {
      const store = await openFresh(on)
      assert.equal((await store.read((tx) => tx.keys.find([]))).size, 0)
      await store.transact((tx) => tx.keys.insert([]))
      await store.transact((tx) => tx.keys.bind([]))
    })

    test('are never stored twice under one URI', async () => {
      const store = await openFresh(on)
      const key = anUnboundKey()
      await store.transact((tx) => tx.keys.insert([key]))
      await assert.rejects(
        store.transact((tx) => tx.keys.insert([anUnboundKey(), anUnboundKey({ uri: key.uri })])),
        { name: 'Fault', code: 'store.not-unique' },
      )
      const found = await store.read((tx) => tx.keys.find([key.uri]))
      assert.deepEqual(found.get(key.uri), key)
    })

    test('are never wrapped under a key-encryption key that does not exist', async () => {
      const store = await openFresh(on)
      const key = anUnboundKey()
      const stray = { ...key, wrapped: { ...key.wrapped, keyEncryptionKeyId: 'unknown' } }
      await assert.rejects(
        store.transact((tx) => tx.keys.insert([stray])),
        {
          code: 'store.constraint',
        },
      )
    })

    bindings(on)
    lists(on)
    sweeps(on)
  })
}

const bindings = (on: Implementation): void => {
  const refused = { name: 'Fault', code: 'store.key-not-unbound' }

  test('a bound key is never bound again, not even to the same resource', async () => {
    const store = await openFresh(on)
    const key = anUnboundKey()
    const resource = aResourceUri()
    await store.transact((tx) => tx.keys.insert([key]))
    await store.transact((tx) => tx.keys.bind([bound(key, resource)]))
    for (const target of [resource, aResourceUri()]) {
      await assert.rejects(
        store.transact((tx) => tx.keys.bind([bound(key, target)])),
        refused,
      )
    }
    const found = await store.read((tx) => tx.keys.find([key.uri]))
    assert.deepEqual(found.get(key.uri), bound(key, resource))
  })

  test('one key that is not unbound rolls back everything bound with it', async () => {
    const store = await openFresh(on)
    const [free, taken] = [anUnboundKey(), anUnboundKey()]
    await store.transact((tx) => tx.keys.insert([free, taken]))
    await store.transact((tx) => tx.keys.bind([bound(taken, aResourceUri())]))
    const resource = aResourceUri()
    const late = anUnboundKey()
    await assert.rejects(
      store.transact(async (tx) => {
        await tx.keys.insert([late])
        await tx.keys.bind([bound(free, resource), bound(taken, resource)])
      }),
      refused,
    )
    const found = await store.read((tx) => tx.keys.find([free.uri, late.uri]))
    assert.deepEqual([...found.values()], [free])
  })

  test('a key that does not exist cannot be bound, nor one twice in one list', async () => {
    const store = await openFresh(on)
    const key = anUnboundKey()
    await store.transact((tx) => tx.keys.insert([key]))
    const twice = [bound(key, aResourceUri()), bound(key, aResourceUri())]
    await assert.rejects(
      store.transact((tx) => tx.keys.bind(twice)),
      refused,
    )
    const unknown = [bound(anUnboundKey(), aResourceUri())]
    await assert.rejects(
      store.transact((tx) => tx.keys.bind(unknown)),
      refused,
    )
  })
}

const lists = (on: Implementation): void => {
  test('of a resource come oldest bind first, within the bounds asked for', async () => {
    const store = await openFresh(on)
    const resource = aResourceUri()
    const keys = [3, 1, 5, 2, 4].map((moment) => bound(anUnboundKey(), resource, at(moment)))
    const other = bound(anUnboundKey(), aResourceUri(), at(3))
    const unbound = [...keys, other].map((key) =>
      anUnboundKey({ uri: key.uri, wrapped: key.wrapped }),
    )
    await store.transact(async (tx) => {
      await tx.keys.insert(unbound)
      await tx.keys.bind([...keys, other])
    })
    const moments = async (
      filter: Parameters<Parameters<Parameters<typeof store.read>[0]>[0]['keys']['ofResource']>[1],
    ) => {
      const found = await store.read((tx) => tx.keys.ofResource(resource, filter))
      return found.map((key) => key.boundAt - at(0))
    }
    assert.deepEqual(await moments({}), [1, 2, 3, 4, 5])
    assert.deepEqual(await moments({ boundAfter: at(2) }), [2, 3, 4, 5], 'inclusive')
    assert.deepEqual(await moments({ boundBefore: at(4) }), [1, 2, 3], 'exclusive')
    assert.deepEqual(await moments({ count: 2 }), [4, 5], 'those bound last')
    assert.deepEqual(await moments({ boundAfter: at(1), boundBefore: at(5), count: 2 }), [3, 4])
    assert.deepEqual(await moments({ boundAfter: at(6) }), [])
    const [oldest] = await store.read((tx) => tx.keys.ofResource(resource, {}))
    assert.deepEqual(oldest, keys[1])
  })
}

const sweeps = (on: Implementation): void => {
  test('unbound are counted by creator while they live', async () => {
    const store = await openFresh(on)
    const bob = aUserId()
    const taken = anUnboundKey()
    await store.transact(async (tx) => {
      await tx.keys.insert([
        anUnboundKey(),
        anUnboundKey({ bindBy: NOW }),
        anUnboundKey({ bindBy: at(1001) }),
        anUnboundKey({ createdBy: bob }),
        taken,
      ])
      await tx.keys.bind([bound(taken, aResourceUri())])
    })
    const count = (by: typeof bob) => store.read((tx) => tx.keys.countUnbound(by, NOW))
    assert.equal(await count(ALICE), 2)
    assert.equal(await count(bob), 1)
    assert.equal(await count(aUserId()), 0)
  })

  test('unbound and overdue are swept, longest overdue first, at most so many', async () => {
    const store = await openFresh(on)
    const overdue = [3, 1, 2].map((moment) => anUnboundKey({ bindBy: at(moment) }))
    const live = anUnboundKey({ bindBy: at(1001) })
    const saved = anUnboundKey({ bindBy: at(1) })
    await store.transact(async (tx) => {
      await tx.keys.insert([...overdue, live, saved])
      await tx.keys.bind([bound(saved, aResourceUri())])
    })
    const sweep = (limit: number) => store.transact((tx) => tx.keys.sweepUnbound(NOW, limit))
    assert.deepEqual(new Set(await sweep(2)), new Set([overdue[1]?.uri, overdue[2]?.uri]))
    assert.deepEqual(await sweep(2), [overdue[0]?.uri])
    assert.deepEqual(await sweep(2), [])
    const left = await store.read((tx) => tx.keys.find([live.uri, saved.uri]))
    assert.equal(left.size, 2)
  })
}
