// SessionStore: found until removed or swept, counted while they live.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Implementation, openFresh } from './implementations.ts'
import {
  ALICE,
  anAnswer,
  anAuthorizationUri,
  aSession,
  at,
  CLIENT,
  NOW,
  OTHER_CLIENT,
} from './make.ts'

export const sessionsContract = (on: Implementation): void => {
  describe('sessions', () => {
    test('come back as they went in, of people and of anonymous authorizations', async () => {
      const store = await openFresh(on)
      const sessions = [aSession(), aSession({ principalId: anAuthorizationUri() })]
      await store.transact(async (tx) => {
        for (const session of sessions) await tx.sessions.insert(session)
      })
      for (const session of sessions) {
        assert.deepEqual(await store.read((tx) => tx.sessions.find(session.uri)), session)
      }
      assert.equal(await store.read((tx) => tx.sessions.find(aSession().uri)), undefined)
    })

    test('are never stored twice under one URI', async () => {
      const store = await openFresh(on)
      const session = aSession()
      await store.transact((tx) => tx.sessions.insert(session))
      await assert.rejects(
        store.transact((tx) => tx.sessions.insert(session)),
        {
          code: 'store.not-unique',
        },
      )
    })

    test('are counted by principal and by device while they live', async () => {
      const store = await openFresh(on)
      const sessions = [
        aSession(),
        aSession({ expiresAt: at(1001) }),
        aSession({ expiresAt: NOW }),
        aSession({ clientId: OTHER_CLIENT }),
        aSession({ principalId: anAuthorizationUri() }),
      ]
      await store.transact(async (tx) => {
        for (const session of sessions) await tx.sessions.insert(session)
      })
      const live = await store.read((tx) => tx.sessions.countLive(ALICE, CLIENT, NOW))
      assert.deepEqual(live, { ofDevice: 2, ofPrincipal: 3 })
      const none = await store.read((tx) => tx.sessions.countLive('nobody', CLIENT, NOW))
      assert.deepEqual(none, { ofDevice: 0, ofPrincipal: 0 })
    })

    test('that are removed take their answers with them', async () => {
      const store = await openFresh(on)
      const [gone, kept] = [aSession(), aSession()]
      const answers = [gone, kept].map(({ uri }) => anAnswer({ sessionUri: uri }))
      await store.transact(async (tx) => {
        await tx.sessions.insert(gone)
        await tx.sessions.insert(kept)
        await tx.answers.insert(answers)
      })
      await store.transact((tx) => tx.sessions.remove(gone.uri))
      await store.transact((tx) => tx.sessions.remove(gone.uri))
      assert.equal(await store.read((tx) => tx.sessions.find(gone.uri)), undefined)
      const found = await store.read((tx) => tx.answers.find(answers))
      assert.deepEqual(found, [undefined, answers[1]])
    })

    test('that are over are swept with their answers, at most so many', async () => {
      const store = await openFresh(on)
      const over = [1, 2, 1000].map((end) => aSession({ expiresAt: at(end) }))
      const live = aSession({ expiresAt: at(1001) })
      const answers = [...over, live].map(({ uri }) => anAnswer({ sessionUri: uri }))
      await store.transact(async (tx) => {
        for (const session of [...over, live]) await tx.sessions.insert(session)
        await tx.answers.insert(answers)
      })
      const sweep = () => store.transact((tx) => tx.sessions.sweepExpired(NOW, 2))
      assert.deepEqual(new Set(await sweep()), new Set([over[0]?.uri, over[1]?.uri]))
      assert.deepEqual(await sweep(), [over[2]?.uri])
      assert.deepEqual(await sweep(), [])
      const found = await store.read((tx) => tx.answers.find(answers))
      assert.deepEqual(found, [undefined, undefined, undefined, answers[3]])
    })

    test('with very many answers are swept over several sweeps', async () => {
      const store = await openFresh(on)
      const busy = aSession({ expiresAt: at(1) })
      const many = Array.from({ length: 10_001 }, () => anAnswer({ sessionUri: busy.uri }))
      await store.transact(async (tx) => {
        await tx.sessions.insert(busy)
        await tx.answers.insert(many)
      })
      const sweep = () => store.transact((tx) => tx.sessions.sweepExpired(NOW, 10))
      assert.deepEqual(await sweep(), [])
      assert.deepEqual(await sweep(), [busy.uri])
    })
  })
}
