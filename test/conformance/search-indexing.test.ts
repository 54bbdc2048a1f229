// Messages become findable: by every member, by nobody else, once, whatever the core does in between.

import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, mock, test } from 'node:test'
import type { ResourceUri } from '../../src/id.ts'
import { rekeyRoom } from '../../src/indexer/index.ts'
import { disableMachine, type MachineAccount } from '../../src/kms/index.ts'
import { seconds } from '../../src/time.ts'
import type { Device } from '../support/device.ts'
import { textPart } from '../support/feed-core.ts'
import {
  anIndexer,
  aSearchKey,
  IndexWorld,
  type Key,
  letIndex,
  roomOf,
  sealed,
  stopIndexing,
} from '../support/index-world.ts'
import { aRoom, HOME, PEOPLE, World } from '../support/world.ts'

let world: World
let index: IndexWorld
let account: MachineAccount
let alice: Device
let bob: Device
let aliceKey: Key
let bobKey: Key
let room: { readonly key: Key; readonly uri: ResourceUri }

before(async () => {
  world = await World.open()
  alice = await world.signedIn('alice')
  bob = await world.signedIn('bob')
  aliceKey = await aSearchKey(alice)
  bobKey = await aSearchKey(bob)
})
after(() => world.close())
beforeEach(async () => {
  for (const one of await world.store.read((tx) => tx.machines.all())) {
    await disableMachine(world.ledger, one)
  }
  index = new IndexWorld(world)
  // What earlier tests left is over: their rooms are left, and this core begins where they ended.
  await index.later()
  await world.store.transact((tx) =>
    tx.index.saveProgress({ readTo: 0, head: 0, indexed: 0, skipped: 0 }),
  )
  account = await anIndexer(world)
  await letIndex(world, account, 'all')
  world.advance(seconds(6))
  room = await roomOf(alice)
})

const entriesOf = async (action: string) =>
  (await world.entries()).filter((entry) => entry.action === action)

describe('a message', () => {
  test('is found by its words and their roots, and by no others', async () => {
    const first = index.post(room.uri, room.key, 'The quick brown foxes jumped')
    const second = index.post(room.uri, room.key, 'a lazy dog')
    await index.settle()
    assert.deepEqual(await index.finds(PEOPLE.alice, aliceKey, 'jumping fox'), [first])
    assert.deepEqual(await index.finds(PEOPLE.alice, aliceKey, 'dogs'), [second])
    // One decoy at most: a client that looks at the message knows better.
    assert.ok((await index.finds(PEOPLE.alice, aliceKey, 'zebra')).length < 2)
  })

  test('is not found by somebody who is not in its room', async () => {
    const shared = await roomOf(alice, [PEOPLE.bob])
    const open = index.post(shared.uri, shared.key, 'zeppelin')
    index.post(room.uri, room.key, 'zeppelin')
    await index.settle()
    assert.deepEqual(await index.finds(PEOPLE.bob, bobKey, 'zeppelin'), [open])
    assert.deepEqual(
      await index.finds(PEOPLE.bob, bobKey, 'zeppelin', { resourceUris: [room.uri] }),
      [],
    )
  })

  test('is found through a team that is authorised in its room', async () => {
    const team = await roomOf(alice, [PEOPLE.bob])
    const child = await aRoom(alice, [team.uri])
    const message = index.post(child.resource.uri, child.key, 'submarine')
    await index.settle()
    assert.deepEqual(await index.finds(PEOPLE.bob, bobKey, 'submarine'), [message])
  })

  test('that was edited is found by its new words only', async () => {
    const message = index.post(room.uri, room.key, 'before')
    await index.settle()
    index.edit(room.uri, room.key, message, 2, 'afterwards')
    await index.settle()
    assert.deepEqual(await index.finds(PEOPLE.alice, aliceKey, 'afterwards'), [message])
    assert.ok(!(await index.finds(PEOPLE.alice, aliceKey, 'before'))?.includes(message))
  })

  test('that was deleted keeps no hash at the core', async () => {
    const message = index.post(room.uri, room.key, 'gone soon')
    await index.settle()
    index.core.deleted(room.uri, message, 2)
    await index.settle()
    assert.deepEqual(index.core.kept.get(room.uri)?.get(message)?.hashes, [])
  })

  test('that comes again, or late in an old version, changes nothing', async () => {
    const message = index.post(room.uri, room.key, 'first')
    index.edit(room.uri, room.key, message, 2, 'second')
    await index.settle()
    const kept = index.core.kept.get(room.uri)?.get(message)
    const [old] = index.core.events
    assert.ok(old)
    index.core.events.push({ ...old, seq: index.core.head + 1 })
    await index.settle()
    assert.deepEqual(index.core.kept.get(room.uri)?.get(message), kept)
  })

  test('is found by the names of its files too', async () => {
    const name = sealed('quarterly-figures.pdf', room.key)
    index.core.posted({
      ...{ resourceUri: room.uri, messageId: 'with-file', userId: PEOPLE.alice },
      parts: [
        textPart(room.key.uri, sealed('see this', room.key)),
        { name: 'file-name', keyUri: room.key.uri, sealed: name },
      ],
    })
    await index.settle()
    assert.deepEqual(await index.finds(PEOPLE.alice, aliceKey, 'quarterly'), ['with-file'])
  })

  test('of no words at all is indexed as noise, and nothing is found by it', async () => {
    const one = index.post(room.uri, room.key, 'word')
    await index.settle()
    const none = index.post(room.uri, room.key, '… !')
    await index.settle()
    const kept = index.core.kept.get(room.uri)
    const [shortest = 0, length] = [one, none].map((id) => kept?.get(id)?.hashes.length)
    assert.ok(shortest > 1)
    assert.equal(length, shortest)
  })

  test('never shares a hash with another, however often a word comes', async () => {
    for (let each = 0; each < 150; each += 1)
      index.post(room.uri, room.key, `same words ${each % 7}`)
    await index.settle()
    const all = index.core.allHashes()
    assert.equal(new Set(all).size, all.length)
    const found = new Set<string>()
    for (let page = 0; page < 4; page += 1) {
      const matches = await index.finds(PEOPLE.alice, aliceKey, 'words', { page })
      for (const one of matches) found.add(one)
    }
    assert.equal(found.size, 150)
  })
})

describe('what cannot be read', () => {
  test('is skipped, counted and recorded, and holds nothing up', async () => {
    index.core.posted({
      ...{ resourceUri: room.uri, messageId: 'garbage', userId: PEOPLE.alice },
      parts: [textPart(room.key.uri, sealed('x', (await roomOf(bob)).key))],
    })
    const fine = index.post(room.uri, room.key, 'readable')
    await index.settle()
    assert.deepEqual(await index.finds(PEOPLE.alice, aliceKey, 'readable'), [fine])
    assert.equal(
      index.results.reduce((sum, { skipped }) => sum + skipped.unreadable, 0),
      1,
    )
    const entry = (await entriesOf('index.unreadable')).at(-1)
    assert.deepEqual([entry?.['resource'], entry?.['details']], [room.uri, { messages: 1 }])
  })

  test('because it names a key of another room is refused, and that is recorded', async () => {
    const other = await roomOf(bob)
    index.core.posted({
      ...{ resourceUri: room.uri, messageId: 'crossed', userId: PEOPLE.alice },
      parts: [textPart(other.key.uri, sealed('smuggled', other.key))],
    })
    await index.settle()
    const entry = (await entriesOf('index.keys-refused')).at(-1)
    assert.deepEqual(
      [entry?.['code'], entry?.['keys'], entry?.['resource']],
      ['kms.not-authorized', [other.key.uri], room.uri],
    )
    assert.deepEqual(await index.finds(PEOPLE.alice, aliceKey, 'smuggled'), [])
  })

  test('of a room that nobody knows is skipped', async () => {
    const nowhere = `${HOME}/resources/${PEOPLE.alice}`
    index.post(nowhere, room.key, 'lost')
    index.post('kms://other.example/resources/1', room.key, 'foreign')
    await index.settle()
    const last = index.results.findLast(({ skipped }) => skipped.room + skipped.malformed > 0)
    assert.deepEqual([last?.skipped.room, last?.skipped.malformed], [1, 1])
    assert.equal(index.core.kept.size, 0)
  })

  test('is tried again once its key may be known', async () => {
    const late = await roomOf(bob)
    const unknown = `${HOME}/keys/${PEOPLE.carol}`
    index.core.posted({
      ...{ resourceUri: late.uri, messageId: 'early', userId: PEOPLE.bob },
      parts: [textPart(unknown, sealed('patience', late.key))],
    })
    await index.settle()
    const ranges = await world.store.read((tx) => tx.index.ranges())
    const retry = ranges.find(({ resourceUri }) => resourceUri === late.uri)
    assert.deepEqual([retry?.reason, retry?.attempts], ['retried', 0])
    // The core learnt the right name of the key meanwhile.
    const [event] = index.core.events.splice(-1)
    assert.ok(event?.kind === 'posted')
    index.core.events.push({
      ...event,
      parts: [textPart(late.key.uri, sealed('patience', late.key))],
    })
    await index.later()
    assert.deepEqual(await index.finds(PEOPLE.bob, bobKey, 'patience'), ['early'])
    const left = await world.store.read((tx) => tx.index.ranges())
    assert.deepEqual(
      left.filter(({ resourceUri }) => resourceUri === late.uri),
      [],
    )
  })

  test('is given up after some tries', async () => {
    index.core.posted({
      ...{ resourceUri: room.uri, messageId: 'never', userId: PEOPLE.bob },
      parts: [
        textPart(`${HOME}/keys/${PEOPLE.carol}`, sealed('hidden', room.key)),
        textPart(room.key.uri, sealed('visible', room.key)),
      ],
    })
    await index.settle()
    for (let tries = 0; tries < 12; tries += 1) {
      world.advance(seconds(3 ** 10))
      await index.settle()
    }
    assert.deepEqual(await world.store.read((tx) => tx.index.ranges()), [])
    aliceKey = await aSearchKey(await freshAlice())
    assert.deepEqual(await index.finds(PEOPLE.alice, aliceKey, 'visible'), ['never'])
  })
})

/** Hours have passed: sessions and tokens are over. */
const freshAlice = async (): Promise<Device> => {
  alice = await world.signedIn('alice', {}, 'later')
  bob = await world.signedIn('bob', {}, 'later')
  return alice
}

describe('the indexer', () => {
  test('indexes where it was granted, and leaves when that is taken back', async () => {
    const only = await roomOf(alice)
    await stopIndexing(world, account, 'all')
    await letIndex(world, account, only.uri)
    index.post(room.uri, room.key, 'elsewhere')
    const here = index.post(only.uri, only.key, 'here')
    await index.later()
    assert.deepEqual([...index.core.kept.keys()], [only.uri])
    assert.deepEqual(await index.finds(PEOPLE.alice, aliceKey, 'here'), [here])
    await stopIndexing(world, account, only.uri)
    assert.equal(await index.finds(PEOPLE.alice, aliceKey, 'here'), 'indexer.not-granted')
    await index.later()
    assert.deepEqual(index.core.dropped.at(-1), only.uri)
    assert.deepEqual([...index.core.kept.keys()], [])
    const keys = await world.store.read((tx) => tx.searchKeys.ofRooms([only.uri]))
    assert.equal(keys.size, 0)
  })

  test('leaves a room that is left out of what was granted everywhere', async () => {
    index.post(room.uri, room.key, 'private')
    await index.settle()
    await world.store.transact((tx) =>
      tx.machines.exclude({
        ...{ userId: account.userId, feature: 'index', resourceUri: room.uri },
        createdAt: world.now(),
      }),
    )
    await index.later()
    assert.deepEqual(index.core.dropped, [room.uri])
    assert.equal(index.core.kept.size, 0)
  })

  test('reads the history of a room that it is granted later', async () => {
    await stopIndexing(world, account, 'all')
    await letIndex(world, account, room.uri)
    const other = await roomOf(alice)
    const old = index.post(other.uri, other.key, 'archaeology')
    index.post(room.uri, room.key, 'present')
    await index.later()
    assert.ok(!index.core.kept.has(other.uri))
    await letIndex(world, account, other.uri)
    await index.later()
    assert.ok((await index.finds(PEOPLE.alice, aliceKey, 'archaeology')).includes(old))
  })

  test('stands in the roster of each room as an agent', async () => {
    const list = (await alice.ask('retrieve', `${room.uri}/authorizations`))['authorizations']
    const agents = (list as { authId: string; roleUri: string }[]).filter(
      ({ authId }) => authId === account.userId,
    )
    assert.equal(agents.length, 1)
    assert.match(agents[0]?.roleUri ?? '', /agent/)
  })

  test('records each use of keys before it reads, and never a word', async () => {
    index.post(room.uri, room.key, 'chrysanthemum')
    await index.settle()
    await index.finds(PEOPLE.alice, aliceKey, 'chrysanthemum')
    const used = (await entriesOf('index.keys-used')).at(-1)
    assert.deepEqual([used?.['keys'], used?.['resource']], [[room.key.uri], room.uri])
    assert.match(JSON.stringify(used?.['actor']), /"kind":"service"/)
    assert.ok(!JSON.stringify(await world.entries()).includes('chrysanthemum'))
    const asked = (await entriesOf('search.asked')).at(-1)
    assert.deepEqual(asked?.['details'], { page: 0, rooms: 1 })
    const answered = (await entriesOf('search.answered')).at(-1)
    assert.match(JSON.stringify(answered?.['details']), /"words":1/)
  })

  test('sends the same list again where the core did not answer', async () => {
    index.post(room.uri, room.key, 'twice')
    index.core.silent = 1
    await index.round()
    await assert.rejects(index.round())
    const again = new IndexWorld(world, { core: index.core })
    await again.settle()
    const lists = index.core.told.filter(({ resourceUri }) => resourceUri === room.uri)
    assert.equal(lists.length, 2)
    assert.deepEqual(lists[0], lists[1])
    assert.equal(await world.store.read((tx) => tx.index.countOutgoing()), 0)
  })

  test('reads what is new before a backlog', async () => {
    for (let each = 0; each < 2500; each += 1) index.post(room.uri, room.key, 'old')
    await index.round()
    const fresh = index.post(room.uri, room.key, 'breaking')
    await index.round()
    await index.round()
    assert.deepEqual(await index.finds(PEOPLE.alice, aliceKey, 'breaking'), [fresh])
    assert.ok((index.core.kept.get(room.uri)?.size ?? 0) < 1000)
    await index.settle()
    assert.equal(index.core.kept.get(room.uri)?.size, 2501)
  })

  test('begins anew when the core has lost its feed', async () => {
    index.post(room.uri, room.key, 'one')
    index.post(room.uri, room.key, 'two')
    await index.settle()
    index.core.events.length = 0
    index.core.kept.clear()
    const message = index.post(room.uri, room.key, 'reborn')
    await index.settle()
    assert.deepEqual(await index.finds(PEOPLE.alice, aliceKey, 'reborn'), [message])
  })

  test('does nothing while the realm is locked', async () => {
    index.post(room.uri, room.key, 'locked')
    world.realm.keyring.lock()
    assert.equal(await index.round(), false)
    assert.equal(await index.finds(PEOPLE.alice, aliceKey, 'locked'), 'kms.locked')
    await world.realm.unlock()
    await index.settle()
    assert.equal((await index.finds(PEOPLE.alice, aliceKey, 'locked')).length, 1)
  })

  test('opens a key once for messages read in one go, and anew once others had the thread', async () => {
    const unwrap = mock.method(world.realm.keyring, 'unwrap')
    const opened = () => unwrap.mock.calls.filter((call) => call.arguments[0] === room.key.uri)
    try {
      for (const text of ['one', 'two', 'three']) index.post(room.uri, room.key, text)
      await index.settle()
      assert.equal(opened().length, 1)
      // More than is opened at once: by the next message the realm may be locked.
      index.post(room.uri, room.key, 'long '.repeat(30_000))
      index.post(room.uri, room.key, 'four')
      await index.settle()
      assert.equal(opened().length, 3)
    } finally {
      unwrap.mock.restore()
    }
    assert.equal((await index.finds(PEOPLE.alice, aliceKey, 'four')).length, 1)
  })
})

describe('a search key', () => {
  const keysIn = async () =>
    (await world.store.read((tx) => tx.searchKeys.ofRooms([room.uri]))).get(room.uri) ?? []

  test('is followed by another one when somebody leaves, and both are asked', async () => {
    const shared = await roomOf(alice, [PEOPLE.bob])
    room = shared
    const before1 = index.post(room.uri, room.key, 'contract')
    await index.settle()
    await alice.ask('delete', `${room.uri}/authorizations?authId=${PEOPLE.bob}`)
    const after1 = index.post(room.uri, room.key, 'contract')
    await index.settle()
    assert.equal((await keysIn()).length, 2)
    assert.deepEqual(await index.finds(PEOPLE.alice, aliceKey, 'contract'), [before1, after1])
    assert.deepEqual(await index.finds(PEOPLE.bob, bobKey, 'contract'), [])
  })

  test('takes the place of the others when the room is begun anew, and is the only one then', async () => {
    const messages = ['a', 'b', 'c'].map((word) => index.post(room.uri, room.key, `wine ${word}`))
    await index.settle()
    const [old] = await keysIn()
    await world.ledger.commit((tx, now) => rekeyRoom(tx, room.uri, now))
    const meanwhile = index.post(room.uri, room.key, 'wine meanwhile')
    assert.deepEqual(await index.finds(PEOPLE.alice, aliceKey, 'wine'), messages)
    await index.settle()
    const keys = await keysIn()
    assert.equal(keys.length, 1)
    assert.notEqual(keys[0]?.uri, old?.uri)
    assert.deepEqual(await index.finds(PEOPLE.alice, aliceKey, 'wine'), [...messages, meanwhile])
    const gone = (await entriesOf('search-key.destroyed')).at(-1)
    assert.deepEqual(gone?.['keys'], [old?.uri])
  })

  test('follows the rules of words', async () => {
    const message = index.post(room.uri, room.key, 'Häuser')
    await index.settle()
    const german = new IndexWorld(world, { core: index.core, rules: { language: 'german' } })
    await german.settle()
    assert.deepEqual(
      (await keysIn()).map(({ language }) => language),
      ['german'],
    )
    assert.deepEqual(await german.finds(PEOPLE.alice, aliceKey, 'Hauses'), [message])
  })

  test('counts on in the store, piece by piece, and never twice the same', async () => {
    for (let each = 0; each < 60; each += 1) {
      index.post(room.uri, room.key, `common word${each}`)
      await index.settle()
    }
    const reader = new IndexWorld(world, { core: index.core })
    reader.post(room.uri, room.key, 'common', 'the-last')
    await reader.settle()
    assert.equal((await reader.finds(PEOPLE.alice, aliceKey, 'common')).length, 61)
    const all = index.core.allHashes()
    assert.equal(new Set(all).size, all.length)
    const [key] = await keysIn()
    const parts = await world.store.read((tx) => tx.index.counters([key?.id ?? 0]))
    assert.ok(parts.length < 40, `${parts.length} pieces`)
  })
})
