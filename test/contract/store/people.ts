// PersonStore: met once, placed once, listed by organisation.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Implementation, openFresh } from './implementations.ts'
import { aPerson, at, ORGANIZATION, OTHER_ORGANIZATION } from './make.ts'

export const peopleContract = (on: Implementation): void => {
  describe('people', () => {
    test('come back as they were first met', async () => {
      const store = await openFresh(on)
      const [placed, named] = [aPerson({ organizationId: ORGANIZATION }), aPerson()]
      await store.transact((tx) => tx.people.remember([placed, named]))
      const again = [placed, named].map(({ userId }) => aPerson({ userId, firstSeenAt: at(9999) }))
      await store.transact((tx) => tx.people.remember(again))
      const ids = [placed.userId, named.userId, aPerson().userId]
      const found = await store.read((tx) => tx.people.find(ids))
      assert.deepEqual(found, new Map([placed, named].map((one) => [one.userId, one])))
    })

    test('get an organisation once, and keep it', async () => {
      const store = await openFresh(on)
      const named = aPerson()
      const { userId } = named
      const remember = (organizationId: typeof ORGANIZATION) =>
        store.transact((tx) => tx.people.remember([aPerson({ userId, organizationId })]))
      await store.transact((tx) => tx.people.remember([named]))
      await remember(ORGANIZATION)
      await remember(OTHER_ORGANIZATION)
      const found = await store.read((tx) => tx.people.find([userId]))
      assert.deepEqual(found.get(userId), { ...named, organizationId: ORGANIZATION })
    })

    test('may be named twice in one list', async () => {
      const store = await openFresh(on)
      const named = aPerson()
      const { userId } = named
      const placed = aPerson({ userId, organizationId: ORGANIZATION })
      await store.transact((tx) => tx.people.remember([named, placed, named]))
      const found = await store.read((tx) => tx.people.find([userId]))
      assert.deepEqual(found.get(userId), { ...named, organizationId: ORGANIZATION })
      await store.transact((tx) => tx.people.remember([]))
    })

    test('are listed by organisation', async () => {
      const store = await openFresh(on)
      const ours = [2, 1].map((moment) =>
        aPerson({ organizationId: ORGANIZATION, firstSeenAt: at(moment) }),
      )
      const others = [aPerson({ organizationId: OTHER_ORGANIZATION }), aPerson()]
      await store.transact((tx) => tx.people.remember([...ours, ...others]))
      const listed = await store.read((tx) => tx.people.ofOrganization(ORGANIZATION))
      assert.deepEqual(listed, ours.toReversed())
    })

    test('have a pseudonym of their own', async () => {
      const store = await openFresh(on)
      const one = aPerson()
      await store.transact((tx) => tx.people.remember([one]))
      const impostor = aPerson({ pseudonym: one.pseudonym })
      await assert.rejects(
        store.transact((tx) => tx.people.remember([impostor])),
        {
          code: 'store.not-unique',
        },
      )
    })
  })
}
