// WitnessStore and the keys of a purpose: what others co-signed of this log, and what this realm has seen of others'.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SeenLog, WitnessState } from '../../../src/audit/index.ts'
import type { LogKey } from '../../../src/kms/index.ts'
import { type Implementation, openFor, openFresh } from './implementations.ts'
import { at, wrapped } from './make.ts'

const aState = (changes: Partial<WitnessState> = {}): WitnessState => ({
  witness: 'w.example/witness+01020304',
  generation: 1,
  size: 300,
  line: '— w.example/witness AAAA\n',
  cosignedAt: at(1),
  failures: 0,
  code: '',
  claimedSize: 0,
  triedAt: at(1),
  ...changes,
})

const aLog = (size: number, changes: Partial<SeenLog> = {}): SeenLog => ({
  origin: 'a.example/log',
  size,
  root: new Uint8Array(32).fill(size),
  note: `a.example/log\n${size}\n`,
  seenAt: at(size),
  ...changes,
})

export const witnessesContract = (on: Implementation): void => {
  describe('witnesses', () => {
    test('have a state each, of which the last is kept', async () => {
      const store = await openFresh(on)
      const other = aState({ witness: 'v.example/witness+00000000', code: 'witness.timed-out' })
      const later = aState({ size: 301, failures: 2, code: 'witness.ahead', claimedSize: 900 })
      for (const state of [aState(), other, later]) {
        await store.transact((tx) => tx.witnesses.put(state))
      }
      assert.deepEqual(await store.read((tx) => tx.witnesses.states()), [other, later])
    })

    test('together vouch for one note, the newest', async () => {
      const store = await openFresh(on)
      assert.equal(await store.read((tx) => tx.witnesses.witnessed()), undefined)
      const note = { generation: 1, size: 5, note: 'note\n', witnessedAt: at(1) }
      const newer = { ...note, generation: 2, size: 4, note: 'other\n', witnessedAt: at(2) }
      for (const one of [note, newer]) await store.transact((tx) => tx.witnesses.putWitnessed(one))
      assert.deepEqual(await store.read((tx) => tx.witnesses.witnessed()), newer)
    })
  })

  describe('a log that is witnessed', () => {
    test('moves on only from the size that it was judged against', async () => {
      const store = await openFresh(on)
      const see = (log: SeenLog, before: number | undefined) =>
        store.transact((tx) => tx.witnesses.see(log, before))
      assert.equal(await see(aLog(3), 0), false, 'nothing was seen of it yet')
      assert.equal(await see(aLog(3), undefined), true)
      await assert.rejects(see(aLog(4), undefined), { code: 'store.not-unique' })
      assert.equal(await see(aLog(7), 2), false)
      assert.equal(await see(aLog(7), 3), true)
      const other = aLog(1, { origin: 'b.example/log' })
      assert.equal(await see(other, undefined), true)
      await store.read(async (tx) => {
        assert.deepEqual(await tx.witnesses.seen('a.example/log'), aLog(7))
        assert.equal(await tx.witnesses.seen('c.example/log'), undefined)
        assert.deepEqual(await tx.witnesses.allSeen(), [aLog(7), other])
      })
    })

    test('moves to one place when two processes move it at once', async () => {
      const settings = await on.fresh()
      const stores = await Promise.all([openFor(settings), openFor(settings)])
      await stores[0]?.transact((tx) => tx.witnesses.see(aLog(3), undefined))
      const moved = await Promise.all(
        stores.map((store, index) => store.transact((tx) => tx.witnesses.see(aLog(10 + index), 3))),
      )
      assert.deepEqual(moved.toSorted(), [false, true])
    })
  })

  describe('keys that sign checkpoints', () => {
    test('are found by their purpose', async () => {
      const store = await openFresh(on)
      const aKey = (name: string, purpose: string): LogKey => ({
        name,
        purpose,
        algorithm: 'ed25519',
        publicKey: new Uint8Array(32).fill(7),
        wrapped: wrapped(),
        createdAt: at(1),
      })
      const [own, witness] = [aKey('log-key/1', 'log'), aKey('witness-key/1', 'witness/1')]
      await store.transact(async (tx) => {
        await tx.logKeys.insert(own)
        await tx.logKeys.insert(witness)
      })
      await store.read(async (tx) => {
        assert.deepEqual(await tx.logKeys.all('log'), [own])
        assert.deepEqual(await tx.logKeys.all('witness/1'), [witness])
        assert.deepEqual(await tx.logKeys.all('witness/2'), [])
      })
    })
  })
}
