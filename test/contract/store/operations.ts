// OperationStore: how the core's operations ended; one id, one end.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { CoreOperation } from '../../../src/kms/index.ts'
import { type Implementation, openFresh } from './implementations.ts'
import { aResourceUri, aSessionUri, at } from './make.ts'

const settled: CoreOperation = {
  state: 'settled',
  id: 'applied',
  status: 201,
  resourceUri: aResourceUri(),
  sessionUri: aSessionUri(),
  requestId: 'r-1',
  answeredAt: at(1),
}
const bare: CoreOperation = { state: 'settled', id: 'refused', status: 403, answeredAt: at(2) }
const withdrawn: CoreOperation = { state: 'withdrawn', id: 'withdrawn', answeredAt: at(3) }
const forwarded: CoreOperation = {
  ...{ state: 'settled', id: 'abroad', status: 200, answeredAt: at(4) },
  forwarded: { peer: 'kms.globex.example', meant: '["a"]', answer: '{"status":200,"members":{}}' },
}
const all = [settled, bare, withdrawn]
const ids = all.map(({ id }) => id)

export const operationsContract = (on: Implementation): void => {
  describe('operations of the core', () => {
    test('come back as they ended', async () => {
      const store = await openFresh(on)
      const kept = [...all, forwarded]
      await store.transact((tx) => tx.operations.insert(kept))
      const found = await store.read((tx) => tx.operations.find([...ids, 'abroad', 'unknown']))
      assert.deepEqual(found, new Map(kept.map((one) => [one.id, one])))
      assert.equal((await store.read((tx) => tx.operations.find([]))).size, 0)
    })

    test('end once: a second end is a fault, and changes nothing', async () => {
      const store = await openFresh(on)
      await store.transact((tx) => tx.operations.insert([withdrawn]))
      const second = store.transact((tx) =>
        tx.operations.insert([{ ...settled, id: withdrawn.id }]),
      )
      await assert.rejects(second, { code: 'store.not-unique' })
      const found = await store.read((tx) => tx.operations.find(ids))
      assert.deepEqual([...found.values()], [withdrawn])
    })

    test('are forgotten oldest first, in batches', async () => {
      const store = await openFresh(on)
      await store.transact((tx) => tx.operations.insert(all))
      const sweep = () => store.transact((tx) => tx.operations.sweepBefore(at(3), 1))
      const left = async () => [...(await store.read((tx) => tx.operations.find(ids))).values()]
      assert.equal(await sweep(), 1)
      assert.deepEqual(new Set(await left()), new Set([bare, withdrawn]))
      assert.equal(await sweep(), 1)
      assert.equal(await sweep(), 0)
      assert.deepEqual(await left(), [withdrawn])
    })
  })
}
