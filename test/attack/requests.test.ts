// Requests that are wrong inside a good seal, over the real line: each is refused under its code, in the log as well,
// and none is half done. (test/conformance has every form of them; here they travel the whole way.)

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { RefusalCode } from '../../src/refusal.ts'
import type { Device, Json } from '../support/device.ts'
import { type HostileCore, openHostileCore } from '../support/hostile-core.ts'
import { aRoom, HOME, keysOf, PEOPLE } from '../support/world.ts'

let core: HostileCore
let alice: Device
let bob: Device
let resourceUri: string
let boundUri: string
let unboundUri: string
let foreignUri: string
before(async () => {
  core = await openHostileCore({ world: { settings: { keysPerRequest: 100 } } })
  alice = await core.signedIn('alice')
  bob = await core.signedIn('bob')
  const room = await aRoom(alice)
  resourceUri = room.resource.uri
  boundUri = room.key.uri
  unboundUri = keysOf(await alice.ask('create', '/keys', { count: 1 }))[0]?.uri ?? ''
  foreignUri = keysOf(await bob.ask('create', '/keys', { count: 1 }))[0]?.uri ?? ''
})
after(() => core.close())

const UNKNOWN = '00000000-0000-4000-8000-000000000000'

type Case = readonly [string, () => Json, number, RefusalCode]
const create = (uri: string, fields: Json): Json => ({ method: 'create', uri, ...fields })

const cases: readonly Case[] = [
  ['no keys', () => create('/keys', { count: 0 }), 400, 'request.invalid-count'],
  ['too many keys', () => create('/keys', { count: 101 }), 400, 'request.invalid-count'],
  ['half a key', () => create('/keys', { count: 0.5 }), 400, 'request.invalid-count'],
  ['keys by the word', () => create('/keys', { count: '1' }), 400, 'request.invalid-count'],
  [
    'a member that keys do not have',
    () => create('/keys', { count: 1, jwk: {} }),
    400,
    'request.unknown-member',
  ],
  [
    'a resource with 4,000 people',
    () => create('/resources', { userIds: Array(4000).fill(PEOPLE.bob) }),
    400,
    'request.invalid-count',
  ],
  [
    'a resource with somebody who is no UUID',
    () => create('/resources', { keyUris: [unboundUri], userIds: ['bob'] }),
    400,
    'request.invalid-id',
  ],
  [
    'a resource with an unknown key beside a good one',
    () => create('/resources', { keyUris: [unboundUri, `${HOME}/keys/${UNKNOWN}`] }),
    403,
    'kms.unknown-key',
  ],
  [
    'a resource with a bound key beside a good one',
    () => create('/resources', { keyUris: [unboundUri, boundUri] }),
    409,
    'kms.key-already-bound',
  ],
  [
    'a resource with the key of somebody else beside a good one',
    () => create('/resources', { keyUris: [unboundUri, foreignUri] }),
    403,
    'kms.not-key-creator',
  ],
  [
    'a resource with a key of another realm',
    () => create('/resources', { keyUris: [unboundUri, 'kms://kms.globex.example/keys/1'] }),
    404,
    'request.foreign-host',
  ],
  [
    'a key that is no UUID',
    () => ({ method: 'retrieve', uri: `${HOME}/keys/1` }),
    400,
    'request.invalid-id',
  ],
  [
    'a key of another realm',
    () => ({ method: 'retrieve', uri: `kms://kms.globex.example/keys/${UNKNOWN}` }),
    404,
    'request.foreign-host',
  ],
  [
    'a key at another scheme',
    () => ({ method: 'retrieve', uri: `https://kms.acme.example/keys/${UNKNOWN}` }),
    400,
    'request.invalid-uri',
  ],
  [
    'a key of somebody else',
    () => ({ method: 'retrieve', uri: foreignUri }),
    403,
    'kms.not-key-creator',
  ],
  [
    'a bind to an unknown resource',
    () => ({ method: 'update', uri: unboundUri, resourceUri: `${HOME}/resources/${UNKNOWN}` }),
    403,
    'kms.unknown-resource',
  ],
  [
    'on behalf of somebody without the role',
    () => ({
      method: 'retrieve',
      uri: foreignUri,
      client: alice.client({ userId: PEOPLE.bob, onBehalfOf: PEOPLE.bob }),
    }),
    403,
    'identity.on-behalf-not-allowed',
  ],
  [
    'a key of one’s own making',
    () => create('/cmk', { customerMasterKey: 'x' }),
    501,
    'request.not-supported',
  ],
]

for (const [what, make, status, code] of cases) {
  test(`refused: ${what}`, async () => {
    await core.world.refused(await alice.askRaw(alice.request(make())), status, code)
  })
}

const texts: readonly (readonly [string, string, RefusalCode])[] = [
  ['no JSON', '{"method":', 'request.not-json'],
  ['nested 80,000 deep', '['.repeat(80_000) + ']'.repeat(80_000), 'request.too-deep'],
  ['a member twice', '{"uri":"/keys","uri":"/ping","method":"update"}', 'request.duplicate-member'],
  [
    'a member twice, in disguise',
    '{"uri":"/keys","\\u0075ri":"/ping","method":"update"}',
    'request.duplicate-member',
  ],
]
for (const [what, text, code] of texts) {
  test(`refused: a text with ${what}`, async () => {
    assert.equal((await alice.askRaw(text))['status'], 400)
    assert.equal((await core.world.lastEntry())['code'], code)
  })
}

test('a requestId used again for another request is refused', async () => {
  const { requestId } = await alice.ask('update', '/ping')
  const answer = await alice.ask('create', '/keys', { count: 1, requestId })
  await core.world.refused(answer, 409, 'request.id-reused')
})

test('after all that nothing was half done', async () => {
  const left = await core.world.store.read(async (tx) => ({
    rooms: (await tx.resources.newest(10)).map(({ resource, keys }) => [resource.uri, keys]),
    unbound: await tx.keys.countUnbound(PEOPLE.alice as never, core.world.now()),
  }))
  assert.deepEqual(left, { rooms: [[resourceUri, 1]], unbound: 1 })
  assert.deepEqual(core.world.realm.faults, [])
  const answer = await alice.ask('retrieve', unboundUri)
  assert.equal(answer['status'], 200, 'the good key is still unbound and there')
})
