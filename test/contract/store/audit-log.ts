// AuditStore: numbered from 1 without gaps, extended only at its head, by one transaction at a time.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { OpenStore } from '../../../src/store/index.ts'
import { type Implementation, openFor, openFresh } from './implementations.ts'
import { entriesAfter, NOW } from './make.ts'

const extend = (store: OpenStore, count = 1) =>
  store.transact(async (tx) => {
    const entries = entriesAfter(await tx.audit.head(), count)
    await tx.audit.append(entries, NOW)
    return entries
  })

/** Each entry says which head it was made for: no two may have been made for the same. */
const assertOneLog = async (store: OpenStore, length: number): Promise<void> => {
  const entries = await store.read((tx) => tx.audit.read(0, length + 1))
  assert.deepEqual(
    entries.map((entry) => entry.sequence),
    Array.from({ length }, (_, index) => index + 1),
  )
  const heads = entries.map((entry) => JSON.parse(entry.body)).filter(({ index }) => index === 0)
  assert.equal(new Set(heads.map(({ after }) => after)).size, heads.length)
  const head = await store.read((tx) => tx.audit.head())
  assert.deepEqual(head, { sequence: length, recordedAt: length === 0 ? 0 : NOW })
}

export const auditLogContract = (on: Implementation): void => {
  describe('the audit log', () => {
    test('starts empty', async () => {
      const store = await openFresh(on)
      await assertOneLog(store, 0)
    })

    test('is read in order, in pieces', async () => {
      const store = await openFresh(on)
      const entries = [...(await extend(store, 3)), ...(await extend(store, 4))]
      const read = (after: number, limit: number) => store.read((tx) => tx.audit.read(after, limit))
      assert.deepEqual(await read(0, 100), entries)
      assert.deepEqual(await read(2, 3), entries.slice(2, 5))
      assert.deepEqual(await read(7, 3), [])
      await assertOneLog(store, 7)
    })

    test('tells the new head in the transaction that moved it', async () => {
      const store = await openFresh(on)
      await store.transact(async (tx) => {
        const entries = entriesAfter(await tx.audit.head(), 2)
        await tx.audit.append(entries, NOW)
        assert.deepEqual(await tx.audit.head(), { sequence: 2, recordedAt: NOW })
        await tx.audit.append(entriesAfter(await tx.audit.head(), 1), NOW)
        await tx.audit.append([], NOW)
      })
      await assertOneLog(store, 3)
    })

    test('refuses entries that do not follow its head', async () => {
      const store = await openFresh(on)
      const [entry] = await extend(store)
      if (entry === undefined) throw new Error('no entry')
      const head = { sequence: 1 }
      const [second, third] = entriesAfter(head, 2)
      if (second === undefined || third === undefined) throw new Error('no entries')
      for (const wrong of [
        [third],
        [entry],
        [second, second],
        [third, second],
        [second, { ...third, sequence: 4 }],
      ]) {
        await assert.rejects(
          store.transact((tx) => tx.audit.append(wrong, NOW)),
          { code: 'store.audit-out-of-order' },
        )
      }
      await assertOneLog(store, 1)
    })

    test('stays one chain under fifty transactions at once', async () => {
      const store = await openFresh(on)
      await Promise.all(Array.from({ length: 50 }, () => extend(store, 2)))
      await assertOneLog(store, 100)
    })

    test('stays one chain when two processes write it', async () => {
      const settings = await on.fresh()
      const stores = await Promise.all([openFor(settings), openFor(settings)])
      await Promise.all(stores.flatMap((store) => Array.from({ length: 40 }, () => extend(store))))
      for (const store of stores) await assertOneLog(store, 80)
    })

    test('keeps entries of every length and letter', async () => {
      const store = await openFresh(on)
      const body = JSON.stringify({ text: `☃ "quotes" \\ 𝄞 \n ${'x'.repeat(100_000)}` })
      const entry = { sequence: 1, body }
      await store.transact((tx) => tx.audit.append([entry], NOW))
      assert.deepEqual(await store.read((tx) => tx.audit.read(0, 1)), [entry])
    })
  })
}
