// ShippingStore: one holder at a time for each destination, and a cursor that only its holder moves, only forward.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ShippingStore } from '../../../src/audit/index.ts'
import type { OpenStore } from '../../../src/store/index.ts'
import { type Implementation, openFor, openFresh } from './implementations.ts'
import { at } from './make.ts'

const on = <Result>(store: OpenStore, work: (shipping: ShippingStore) => Promise<Result>) =>
  store.transact((tx) => work(tx.shipping))

const claim = (store: OpenStore, holder: string, now: number, destination = 'siem') =>
  on(store, (shipping) =>
    shipping.claim({ destination, holder, now: at(now), until: at(now + 1000) }),
  )

const cursors = (store: OpenStore) => store.read((tx) => tx.shipping.cursors())

export const shippingContract = (implementation: Implementation): void => {
  describe('cursors of shipping', () => {
    test('begin at 0 with the first claim, and are listed by name', async () => {
      const store = await openFresh(implementation)
      assert.deepEqual(await cursors(store), [])
      const siem = { destination: 'siem', sequence: 0, holder: 'a', leaseUntil: at(1000) }
      assert.deepEqual(await claim(store, 'a', 0), siem)
      await claim(store, 'a', 5, 'archive')
      assert.deepEqual(await cursors(store), [
        { destination: 'archive', sequence: 0, holder: 'a', leaseUntil: at(1005) },
        siem,
      ])
    })

    test('are held by one until its lease ends, and renewed by whoever holds them', async () => {
      const store = await openFresh(implementation)
      await claim(store, 'a', 0)
      assert.equal(await claim(store, 'b', 999), undefined)
      assert.equal((await claim(store, 'a', 500))?.leaseUntil, at(1500))
      assert.equal(await claim(store, 'b', 1499), undefined)
      assert.equal((await claim(store, 'b', 1500))?.holder, 'b')
      assert.equal(await claim(store, 'a', 1501), undefined)
    })

    test('are free while their lease ends later than one that begins now would', async () => {
      const store = await openFresh(implementation)
      await claim(store, 'a', 86_400_000)
      assert.equal((await claim(store, 'b', 0))?.holder, 'b')
    })

    test('are free as soon as they were moved', async () => {
      const store = await openFresh(implementation)
      await claim(store, 'a', 0)
      await on(store, (shipping) => shipping.advance('siem', 'a', 3))
      const next = { destination: 'siem', sequence: 3, holder: 'b', leaseUntil: at(1010) }
      assert.deepEqual(await claim(store, 'b', 10), next)
    })

    test('are moved by their holder alone, and never back', async () => {
      const store = await openFresh(implementation)
      const advance = (holder: string, to: number) =>
        on(store, (shipping) => shipping.advance('siem', holder, to))
      assert.equal(await advance('a', 1), false)
      await claim(store, 'a', 0)
      assert.equal(await advance('a', 7), true)
      assert.equal(await advance('b', 8), false)
      assert.equal(await advance('a', 6), false)
      await claim(store, 'b', 1000)
      assert.equal(await advance('a', 9), false)
      assert.equal((await claim(store, 'b', 1001))?.sequence, 7)
    })

    test('are free at once when they are released, by their holder alone', async () => {
      const store = await openFresh(implementation)
      await claim(store, 'a', 0)
      await on(store, (shipping) => shipping.release('siem', 'b'))
      assert.equal(await claim(store, 'b', 10), undefined)
      await on(store, (shipping) => shipping.release('siem', 'a'))
      assert.equal((await claim(store, 'b', 10))?.holder, 'b')
    })

    test('go to one of many that claim at once, in two processes', async () => {
      const settings = await implementation.fresh()
      const stores = await Promise.all([openFor(settings), openFor(settings)])
      const claims = Array.from({ length: 20 }, (_, index) =>
        claim(stores[index % 2] ?? stores[0], `holder-${index}`, 0),
      )
      const won = (await Promise.all(claims)).filter((cursor) => cursor !== undefined)
      assert.equal(won.length, 1)
    })
  })
}
