// TreeStore: tree and checkpoint move on together, from exactly the size a step was made for, by one node at a time.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TreeHead, TreeStep } from '../../../src/audit/index.ts'
import type { OpenStore } from '../../../src/store/index.ts'
import { type Implementation, openFor } from './implementations.ts'
import { at } from './make.ts'

const hashes = (count: number, fill: number) => new Uint8Array(32 * count).fill(fill)

const aHead = (size: number, changes: Partial<TreeHead> = {}): TreeHead => ({
  ...{ size, generation: 1, keyEpoch: 1, checkpoint: `note of ${size}`, publishedAt: at(size) },
  ...{ holder: 'node-1', heldUntil: at(5000) },
  ...changes,
})
const aStep = (before: number, size: number, changes: Partial<TreeHead> = {}): TreeStep => ({
  before,
  tiles: [{ level: 0, index: 0, hashes: hashes(size, size) }],
  head: aHead(size, changes),
})
const take = (store: OpenStore, step: TreeStep, now = at(0)) =>
  store.transact((tx) => tx.tree.advance(step, now))
const headOf = (store: OpenStore) => store.read((tx) => tx.tree.head())
const tileOf = (store: OpenStore, level: number, index: number) =>
  store.read((tx) => tx.tree.tile(level, index))

export const logTreeContract = (on: Implementation): void => {
  describe('the tree over the log', () => {
    test('begins empty, unsigned, and held by nobody', async () => {
      const store = await openFor(await on.fresh())
      const { size, generation, checkpoint, holder } = await headOf(store)
      assert.deepEqual([size, generation, checkpoint, holder], [0, 1, '', ''])
      assert.equal(await tileOf(store, 0, 0), undefined)
    })

    test('keeps a step whole: its head, its tiles, wider ones in place of narrower', async () => {
      const store = await openFor(await on.fresh())
      assert.equal(await take(store, aStep(0, 3)), true)
      assert.deepEqual(await headOf(store), aHead(3))
      assert.deepEqual(await tileOf(store, 0, 0), hashes(3, 3))
      const step = aStep(3, 7)
      const above = { level: 1, index: 2, hashes: hashes(1, 9) }
      assert.equal(await take(store, { ...step, tiles: [...step.tiles, above] }), true)
      assert.deepEqual(await tileOf(store, 0, 0), hashes(7, 7))
      assert.deepEqual(await tileOf(store, 1, 2), hashes(1, 9))
      assert.equal(await tileOf(store, 2, 1), undefined)
    })

    test('refuses a step from another size or of another log, and changes nothing', async () => {
      const store = await openFor(await on.fresh())
      await take(store, aStep(0, 3))
      const others = [{ generation: 2 }, { keyEpoch: 2 }].map((one) => aStep(3, 9, one))
      for (const step of [aStep(2, 9), aStep(4, 9), ...others]) {
        assert.equal(await take(store, step), false)
        assert.deepEqual(await headOf(store), aHead(3))
        assert.deepEqual(await tileOf(store, 0, 0), hashes(3, 3))
      }
    })

    test('is moved by its holder alone, until the hold is over', async () => {
      const store = await openFor(await on.fresh())
      await take(store, aStep(0, 3))
      const other = aStep(3, 5, { holder: 'node-2', heldUntil: at(9000) })
      assert.equal(await take(store, other, at(4999)), false)
      assert.equal(await take(store, other, at(5000)), true)
      assert.equal(await take(store, aStep(5, 6, { heldUntil: at(11_000) }), at(6000)), false)
      assert.equal((await headOf(store)).holder, 'node-2')
    })

    test('is free while its hold ends later than one that begins now would', async () => {
      const store = await openFor(await on.fresh())
      await take(store, aStep(0, 3, { holder: 'node-2', heldUntil: at(86_400_000) }))
      assert.equal(await take(store, aStep(3, 5), at(0)), true)
    })

    test('of two nodes that step from the same size at once, one does', async () => {
      const store = await openFor(await on.fresh())
      const steps = ['node-1', 'node-2'].map((holder) => take(store, aStep(0, 4, { holder })))
      assert.deepEqual((await Promise.all(steps)).sort(), [false, true])
    })

    test('is as it was after a transaction that failed', async () => {
      const store = await openFor(await on.fresh())
      await take(store, aStep(0, 3))
      const failing = store.transact(async (tx) => {
        assert.equal(await tx.tree.advance(aStep(3, 5), at(0)), true)
        throw new Error('the power went')
      })
      await assert.rejects(failing, /the power went/)
      assert.deepEqual(await headOf(store), aHead(3))
      assert.deepEqual(await tileOf(store, 0, 0), hashes(3, 3))
    })

    test('is moved by the keys of now alone', async () => {
      const store = await openFor(await on.fresh())
      await take(store, aStep(0, 3))
      await store.transact((tx) => tx.tree.changeKeys())
      assert.deepEqual(await headOf(store), aHead(3, { keyEpoch: 2 }))
      assert.equal(await take(store, aStep(3, 5)), false)
      assert.equal(await take(store, aStep(3, 5, { keyEpoch: 2 })), true)
    })

    test('remembers who vouched for new keys', async () => {
      const store = await openFor(await on.fresh())
      const rotations = () => store.read((tx) => tx.tree.rotations())
      assert.deepEqual(await rotations(), [])
      const [second, first] = [9, 4].map((sequence) => ({ sequence, generation: 1, note: '' }))
      assert.ok(first && second)
      for (const one of [second, first]) await store.transact((tx) => tx.tree.putRotation(one))
      const known = { ...first, generation: 2, note: 'the last one that the old keys signed' }
      await store.transact((tx) => tx.tree.putRotation(known))
      assert.deepEqual(await rotations(), [known, second])
    })

    test('begins again as another log of the same size, unsigned and free', async () => {
      const store = await openFor(await on.fresh())
      await take(store, aStep(0, 3))
      const again = await store.transact((tx) => tx.tree.beginAgain())
      assert.deepEqual([again.size, again.generation, again.checkpoint], [3, 2, ''])
      assert.deepEqual(await headOf(store), again)
      assert.equal(await take(store, aStep(3, 4)), false, 'a step of the old log')
      assert.equal(await take(store, aStep(3, 4, { generation: 2, holder: 'node-2' })), true)
      const later = await store.transact((tx) => tx.tree.beginAgain(7))
      assert.equal(later.generation, 8)
    })
  })
}
