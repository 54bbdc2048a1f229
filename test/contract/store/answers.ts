// AnswerStore: one answer a request of a session, kept as long as the session.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Implementation, openFresh } from './implementations.ts'
import { anAnswer, aSession, aSessionUri } from './make.ts'

const openWithSession = async (on: Implementation) => {
  const store = await openFresh(on)
  const session = aSession()
  await store.transact((tx) => tx.sessions.insert(session))
  return { store, sessionUri: session.uri }
}

export const answersContract = (on: Implementation): void => {
  describe('answers', () => {
    test('come back in the order asked for, with nothing where there is none', async () => {
      const { store, sessionUri } = await openWithSession(on)
      const one = anAnswer({ sessionUri, requestId: `a "quoted" ☃ id, it's \\ opaque` })
      const two = anAnswer({ sessionUri, body: '{"status":200,"reason":"ünïcode"}' })
      await store.transact((tx) => tx.answers.insert([one, two]))
      const unknown = anAnswer({ sessionUri })
      const elsewhere = { ...one, sessionUri: aSessionUri() }
      const found = await store.read((tx) => tx.answers.find([two, unknown, one, elsewhere, two]))
      assert.deepEqual(found, [two, undefined, one, undefined, two])
      assert.deepEqual(await store.read((tx) => tx.answers.find([])), [])
    })

    test('are kept five hundred at a time', async () => {
      const { store, sessionUri } = await openWithSession(on)
      const many = Array.from({ length: 500 }, () => anAnswer({ sessionUri }))
      await store.transact((tx) => tx.answers.insert(many))
      assert.deepEqual(await store.read((tx) => tx.answers.find(many)), many)
    })

    test('are given once per requestId of a session', async () => {
      const { store, sessionUri } = await openWithSession(on)
      const first = anAnswer({ sessionUri })
      await store.transact((tx) => tx.answers.insert([first]))
      const refused = { code: 'store.not-unique' }
      const second = { ...first, body: '{"status":500}' }
      await assert.rejects(
        store.transact((tx) => tx.answers.insert([second])),
        refused,
      )
      const twin = anAnswer({ sessionUri })
      await assert.rejects(
        store.transact((tx) => tx.answers.insert([twin, twin])),
        refused,
      )
      assert.deepEqual(await store.read((tx) => tx.answers.find([first, twin])), [first, undefined])
    })

    test('for one requestId on two sessions are two answers', async () => {
      const { store, sessionUri } = await openWithSession(on)
      const other = aSession()
      await store.transact((tx) => tx.sessions.insert(other))
      const one = anAnswer({ sessionUri, requestId: 'same' })
      const two = anAnswer({ sessionUri: other.uri, requestId: 'same', body: '{}' })
      await store.transact((tx) => tx.answers.insert([one, two]))
      assert.deepEqual(await store.read((tx) => tx.answers.find([one, two])), [one, two])
    })

    test('for a session that is gone are not kept', async () => {
      const { store, sessionUri } = await openWithSession(on)
      const [kept, lost] = [anAnswer({ sessionUri }), anAnswer({ sessionUri: aSessionUri() })]
      await store.transact((tx) => tx.answers.insert([lost, kept]))
      assert.deepEqual(await store.read((tx) => tx.answers.find([lost, kept])), [undefined, kept])
    })
  })
}
