// The SDK's own search plugin, unmodified: it makes and binds its search key, seals the query, asks the core and opens
// what comes back. The core, the realm and the index are ours.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { type Sdk, signIn } from './sdk.ts'
import { user } from './world.ts'

// They register themselves with the SDK, so they come before anybody signs in.
const load = createRequire(import.meta.url)
load('@webex/internal-plugin-conversation')
load('@webex/internal-plugin-search')

interface Found {
  readonly id: string
  readonly verb: string
  readonly actor: { readonly id: string }
  readonly target: { readonly id: string }
  readonly object: { readonly displayName?: string }
}

interface Conversation {
  readonly id: string
}

interface Plugins {
  readonly conversation: {
    create(params: object, options?: object): Promise<Conversation>
    post(conversation: Conversation, message: object): Promise<unknown>
    leave(conversation: Conversation): Promise<unknown>
  }
  readonly search: { search(options: object): Promise<Found[]> }
  readonly device: { readonly searchEncryptionKeyUrl?: string }
}

const plugins = ({ webex }: Sdk) => webex.internal as unknown as Plugins
const PATIENCE_MS = 20_000
const POLL_MS = 200

let alice: Sdk
let bob: Sdk
let carol: Sdk
let room: Conversation

before(async () => {
  alice = await signIn(user('alice'))
  bob = await signIn(user('bob'))
  carol = await signIn(user('carol'))
  const params = { participants: [alice, bob].map((sdk) => sdk.user.id), displayName: 'Lanterns' }
  room = await plugins(alice).conversation.create(params, { forceGrouped: true })
  for (const displayName of ['The magnolias are in flower', 'no magnolia, just a tree']) {
    await plugins(alice).conversation.post(room, { displayName })
  }
})

after(async () => {
  await Promise.all([alice, bob, carol].map((sdk) => sdk[Symbol.asyncDispose]()))
})

const search = (sdk: Sdk, query: string, options: object = {}): Promise<Found[]> =>
  plugins(sdk).search.search({ query, limit: 20, ...options })

/** Messages become findable a moment after they were posted. */
const whenFound = async (sdk: Sdk, query: string, count: number): Promise<Found[]> => {
  for (let waited = 0; waited < PATIENCE_MS; waited += POLL_MS) {
    const found = await search(sdk, query)
    if (ofRoom(found).length >= count) return found
    await setTimeout(POLL_MS)
  }
  throw new Error(`${query} is not found`)
}

test('the plugin finds messages by their words and their roots, and opens them', async () => {
  const found = await whenFound(bob, 'magnolia', 2)
  assert.deepEqual(
    ofRoom(found).map(({ object, target, actor }) => [object.displayName, target.id, actor.id]),
    [
      ['no magnolia, just a tree', room.id, alice.user.id],
      ['The magnolias are in flower', room.id, alice.user.id],
    ],
  )
  assert.match(plugins(bob).device.searchEncryptionKeyUrl ?? '', /^kms:.*\/keys\//)
})

test('the plugin keeps its search key, and each device makes its own', async () => {
  const before = plugins(bob).device.searchEncryptionKeyUrl
  await search(bob, 'tree')
  await search(alice, 'tree')
  assert.equal(plugins(bob).device.searchEncryptionKeyUrl, before)
  assert.notEqual(plugins(alice).device.searchEncryptionKeyUrl, before)
})

/** The SDK shows whatever the core answers: it does not look whether the words are there, so decoys come through. */
const ofRoom = (found: readonly Found[]) => found.filter(({ target }) => target.id === room.id)

test('who is not in the room finds nothing of it, and neither does who has left', async () => {
  assert.deepEqual(ofRoom(await search(carol, 'magnolia')), [])
  await plugins(bob).conversation.leave(room)
  assert.deepEqual(ofRoom(await search(bob, 'magnolia')), [])
  assert.equal(ofRoom(await search(alice, 'magnolia')).length, 2)
})
