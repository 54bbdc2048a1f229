// The indexer dies at each of its calls to the store, before and after it, and another one goes on: nothing is lost from
// the index, nothing is in it twice, and no hash is ever used again.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { IndexedStore, IndexTransaction } from '../../src/indexer/index.ts'
import { seconds } from '../../src/time.ts'
import type { Device } from '../support/device.ts'
import {
  anIndexer,
  aSearchKey,
  IndexWorld,
  type Key,
  letIndex,
  roomOf,
} from '../support/index-world.ts'
import { PEOPLE, World } from '../support/world.ts'

/** What a killed process does: from some point on, nothing more. */
class Death {
  left: number
  reached = 0
  constructor(left: number) {
    this.left = left
  }
  point(): void {
    this.reached += 1
    if (this.reached > this.left) throw new Error('dead')
  }
}

let death = new Death(Number.POSITIVE_INFINITY)

const mortal = <Part extends object>(part: Part): Part =>
  new Proxy(part, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return async (...values: unknown[]) => {
        death.point()
        const result: unknown = await Reflect.apply(member, target, values)
        death.point()
        return result
      }
    },
  })

const mortalTransaction = (tx: IndexTransaction): IndexTransaction => ({
  ...tx,
  keys: mortal(tx.keys),
  searchKeys: mortal(tx.searchKeys),
  index: mortal(tx.index),
  audit: mortal(tx.audit),
})

const mortalStore = (store: IndexedStore): IndexedStore => ({
  read: (work) => store.read((tx) => work(mortalTransaction(tx))),
  transact: async (work) => {
    death.point()
    const result = await store.transact(async (tx) => {
      const done = await work(mortalTransaction(tx))
      death.point()
      return done
    })
    // Committed, and nobody is told.
    death.point()
    return result
  },
})

let world: World
let alice: Device
let key: Key

before(async () => {
  world = await World.open({ wrapStore: mortalStore })
  alice = await world.signedIn('alice')
  key = await aSearchKey(alice)
  await letIndex(world, await anIndexer(world), 'all')
})
after(() => world.close())

/** One life of the indexer, ended by its death or by the end of its work. */
const live = async (index: IndexWorld, left: number): Promise<number> => {
  death = new Death(left)
  await index.settle().catch((error: unknown) => {
    if (!(error instanceof Error) || error.message !== 'dead') throw error
  })
  const { reached } = death
  death = new Death(Number.POSITIVE_INFINITY)
  return reached
}

/** Three messages and an edit, indexed by a first life that ends after so many points and by a second one. */
const indexWith = async (left: number, core?: IndexWorld['core']) => {
  const store = mortalStore(world.store)
  const options = core === undefined ? { store } : { store, core }
  const first = new IndexWorld(world, options)
  const room = await roomOf(alice)
  const names = [1, 2, 3].map((each) =>
    first.post(room.uri, room.key, 'harvest moon', `${room.uri.slice(-12)}-${each}`),
  )
  first.edit(room.uri, room.key, names[2] ?? '', 2, 'harvest sun')
  world.advance(seconds(6))
  const reached = await live(first, left)
  const second = new IndexWorld(world, { store, core: first.core })
  world.advance(seconds(6))
  await live(second, Number.POSITIVE_INFINITY)
  return { room, names, reached, index: second }
}

describe('an indexer that is killed', () => {
  test('at any point loses no message and uses no hash twice', async () => {
    const whole = await indexWith(Number.POSITIVE_INFINITY)
    const { core } = whole.index
    assert.ok(whole.reached > 40, `${whole.reached} points`)
    for (let left = 0; left < whole.reached; left += 1) {
      const { room, names, index } = await indexWith(left, core)
      const found = await index.finds(PEOPLE.alice, key, 'harvest', { resourceUris: [room.uri] })
      assert.ok(Array.isArray(found))
      assert.deepEqual(
        names.filter((name) => !found.includes(name)),
        [],
        `killed after ${left}`,
      )
      assert.equal(core.kept.get(room.uri)?.size, 3)
      const all = core.allHashes()
      assert.equal(new Set(all).size, all.length, `killed after ${left}`)
      assert.equal(await world.store.read((tx) => tx.index.countOutgoing()), 0)
    }
  })
})
