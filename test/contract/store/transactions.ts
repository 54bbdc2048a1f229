// Store: everything or nothing, one writer at a time, readers beside it, errors with stable codes.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Transaction } from '../../../src/kms/index.ts'
import { openStore } from '../../../src/store/index.ts'
import { type Implementation, openFor, openFresh } from './implementations.ts'
import {
  anAnswer,
  anUnboundKey,
  aPerson,
  aResource,
  aSession,
  bound,
  entriesAfter,
  NOW,
} from './make.ts'

export const transactionsContract = (on: Implementation): void => {
  describe('transactions', () => {
    test('leave nothing behind when they fail', async () => {
      const store = await openFresh(on)
      const [key, resource, session, person] = [anUnboundKey(), aResource(), aSession(), aPerson()]
      const answer = anAnswer({ sessionUri: session.uri })
      const failure = new Error('a decision went wrong')
      const failing = store.transact(async (tx) => {
        await tx.resources.insert(resource)
        await tx.keys.insert([key])
        await tx.keys.bind([bound(key, resource.uri)])
        await tx.sessions.insert(session)
        await tx.answers.insert([answer])
        await tx.people.remember([person])
        await tx.audit.append(entriesAfter(await tx.audit.head(), 3), NOW)
        throw failure
      })
      await assert.rejects(failing, failure)
      await store.read(async (tx) => {
        assert.equal((await tx.keys.find([key.uri])).size, 0)
        assert.equal((await tx.resources.find([resource.uri])).size, 0)
        assert.equal(await tx.sessions.find(session.uri), undefined)
        assert.deepEqual(await tx.answers.find([answer]), [undefined])
        assert.equal((await tx.people.find([person.userId])).size, 0)
        assert.equal((await tx.audit.head()).sequence, 0)
      })
      await store.transact((tx) => tx.keys.insert([key]))
    })

    test('do not commit after a failure that their caller swallowed', async () => {
      const store = await openFresh(on)
      const [first, second] = [anUnboundKey(), anUnboundKey()]
      await store.transact((tx) => tx.keys.insert([first]))
      const careless = store.transact(async (tx) => {
        await tx.keys.insert([second])
        await tx.keys.insert([first]).catch(() => undefined)
      })
      await assert.rejects(careless, { code: 'store.not-unique' })
      assert.equal((await store.read((tx) => tx.keys.find([second.uri]))).size, 0)
    })

    test('commit only what was asked before they ended', async () => {
      const store = await openFresh(on)
      let kept: Transaction | undefined
      await store.transact(async (tx) => {
        kept = tx
      })
      await assert.rejects(async () => kept?.keys.insert([anUnboundKey()]), {
        code: 'store.transaction-over',
      })
    })

    test('see each other’s writes, and their own, and answer with a value', async () => {
      const store = await openFresh(on)
      const key = anUnboundKey()
      const answer = await store.transact(async (tx) => {
        await tx.keys.insert([key])
        return (await tx.keys.find([key.uri])).size
      })
      assert.equal(answer, 1)
      assert.equal((await store.read((tx) => tx.keys.find([key.uri]))).size, 1)
      assert.equal((await store.transact((tx) => tx.keys.find([key.uri]))).size, 1)
    })

    test('run one after the other when ten come at once', async () => {
      const store = await openFresh(on)
      const seen = await Promise.all(
        Array.from({ length: 10 }, () =>
          store.transact(async (tx) => {
            const { length } = await tx.audit.read(0, 100)
            await tx.audit.append(entriesAfter(await tx.audit.head(), 1), NOW)
            return length
          }),
        ),
      )
      assert.deepEqual(
        seen.toSorted((a, b) => a - b),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
      )
    })

    test('may ask several things at once', async () => {
      const store = await openFresh(on)
      const [key, resource] = [anUnboundKey(), aResource()]
      const [keys, head] = await store.transact(async (tx) => {
        await Promise.all([tx.keys.insert([key]), tx.resources.insert(resource)])
        return await Promise.all([tx.keys.find([key.uri]), tx.audit.head()])
      })
      assert.equal(keys.size, 1)
      assert.equal(head.sequence, 0)
    })

    reading(on)
    closing(on)
  })
}

const reading = (on: Implementation): void => {
  test('that only read see what was committed, at once, and nothing that was not', async () => {
    const store = await openFresh(on)
    const beside = await openFor(await on.fresh())
    assert.equal((await beside.read((tx) => tx.audit.head())).sequence, 0)
    const key = anUnboundKey()
    const count = () => store.read(async (tx) => (await tx.keys.find([key.uri])).size)
    await store.transact(async (tx) => {
      await tx.keys.insert([key])
      assert.equal(await count(), 0, 'not committed yet')
    })
    assert.equal(await count(), 1)
  })

  test('that only read see one moment throughout', async () => {
    const store = await openFresh(on)
    const extend = () =>
      store.transact(async (tx) => tx.audit.append(entriesAfter(await tx.audit.head(), 1), NOW))
    await extend()
    const lengths = await store.read(async (tx) => {
      const before = await tx.audit.read(0, 10)
      await extend()
      return [before.length, (await tx.audit.read(0, 10)).length]
    })
    assert.deepEqual(lengths, [1, 1])
  })

  test('that only read cannot write', async () => {
    const store = await openFresh(on)
    await assert.rejects(
      store.read((tx) => tx.keys.insert([anUnboundKey()])),
      { name: 'Fault', code: 'store.read-only' },
    )
  })
}

const closing = (on: Implementation): void => {
  test('under way are finished before the store closes, later ones are refused', async () => {
    const settings = await on.fresh()
    const store = await openStore(settings)
    const extend = () =>
      store.transact(async (tx) => tx.audit.append(entriesAfter(await tx.audit.head(), 1), NOW))
    const underWay = Promise.all([extend(), extend(), extend()])
    await Promise.all([underWay, store.close()])
    const refused = { code: 'store.closed' }
    await assert.rejects(extend(), refused)
    await assert.rejects(
      store.read((tx) => tx.audit.head()),
      refused,
    )
    await assert.rejects(store.check(), refused)
    await store.close()
    const again = await openFor(settings)
    assert.equal((await again.read((tx) => tx.audit.head())).sequence, 3)
  })

  test('are possible while the store says so', async () => {
    const store = await openFresh(on)
    await store.check()
  })
}
