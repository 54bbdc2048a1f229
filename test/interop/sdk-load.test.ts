// Many requests at once through the SDK's batcher, which posts at most fifty per request.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type KmsKey, type Sdk, secretOf, signIn } from './sdk.ts'
import { CASTS, user } from './world.ts'

function times<Result>(count: number, act: (index: number) => Promise<Result>): Promise<Result[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => act(index)))
}

for (const { where, cast } of CASTS)
  describe(where, () => {
    let alice: Sdk
    let bob: Sdk

    before(async () => {
      alice = await signIn(user(cast[0]))
      bob = await signIn(user(cast[1]))
    })

    after(async () => {
      await alice[Symbol.asyncDispose]()
      await bob[Symbol.asyncDispose]()
    })

    for (const count of [60, 120]) {
      test(`${count} concurrent pings are each answered once`, { timeout: 30_000 }, async () => {
        const answers = await times(count, () => alice.kms.ping())
        assert(answers.every(({ status }) => status === 200))
        assert.equal(new Set(answers.map(({ requestId }) => requestId)).size, count)
      })

      test(`${count} keys are created, bound and fetched at once`, {
        timeout: 60_000,
      }, async () => {
        const { kro } = await alice.room(bob.user)
        const keys = (await times(count, () => alice.newKey())) as KmsKey[]
        assert.equal(new Set(keys.map(({ uri }) => uri)).size, count)
        const bound = await Promise.all(keys.map((key) => alice.kms.bindKey({ kro, key })))
        assert(bound.every(({ resourceUri }) => resourceUri === kro.uri))
        const fetched = await Promise.all(keys.map(({ uri }) => bob.kms.fetchKey({ uri })))
        assert.deepEqual(fetched.map(secretOf), keys.map(secretOf))
      })
    }

    test('two clients asking at once get each their own answers', { timeout: 30_000 }, async () => {
      const ask = (sdk: Sdk) => times(60, () => sdk.newKey())
      const [hers, his] = await Promise.all([ask(alice), ask(bob)])
      assert(hers.every(({ userId }) => userId === alice.user.id))
      assert(his.every(({ userId }) => userId === bob.user.id))
    })
  })
