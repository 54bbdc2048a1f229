import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { ClientError, KmsRefused } from '../../../src/client/index.ts'
import { BOB } from './core.ts'
import { aWorld, type World } from './world.ts'

const open: World[] = []
const world = async () => {
  const made = await aWorld()
  open.push(made)
  return made
}
after(() => Promise.all(open.map((one) => one.close())))

const asked = ({ realm }: World, name: string): number =>
  realm.requests.filter(({ operation }) => operation.name === name).length

test('unbound keys come from a pool that is filled four at a time', async () => {
  const here = await world()
  const uris = new Set<string>()
  for (let taken = 0; taken < 5; taken += 1) uris.add((await here.client.keys.takeUnbound()).uri)
  assert.equal(uris.size, 5)
  assert.equal(asked(here, 'create-keys'), 2)
})

test('unbound keys that are about to be forgotten are not given out', async () => {
  const here = await world()
  const { uri } = await here.client.keys.takeUnbound()
  await here.clock.advance(86_400_000)
  assert.notEqual((await here.client.keys.takeUnbound()).uri, uri)
  assert.equal(asked(here, 'create-keys'), 2)
})

test('a bound key is fetched once, however many ask', async () => {
  const here = await world()
  const { keys, resources } = here.client
  const { uri } = await keys.takeUnbound()
  const resource = await resources.create({ userIds: [BOB], keyUris: [uri] })
  const all = await Promise.all(Array.from({ length: 30 }, () => keys.retrieve(uri)))
  assert.equal(asked(here, 'retrieve-key'), 1)
  assert.equal((await keys.retrieve(uri)).resourceUri, resource.uri)
  assert.equal(
    all.every((key) => key.bytes.length === 32),
    true,
  )
  assert.equal(asked(here, 'retrieve-key'), 1)
})

test('an unbound or refused key is asked for again', async () => {
  const here = await world()
  const unbound = here.realm.addKey()
  await here.client.keys.retrieve(unbound)
  await here.client.keys.retrieve(unbound)
  assert.equal(asked(here, 'retrieve-key'), 2)
  const missing = unbound.replace(/.$/, 'x').replace(/[^/]+$/, crypto.randomUUID())
  for (const _ of [1, 2]) await assert.rejects(here.client.keys.retrieve(missing), KmsRefused)
  assert.equal(asked(here, 'retrieve-key'), 4)
})

test('keys bound one after the other stay readable as keys of the resource', async () => {
  const { client } = await world()
  const first = await client.keys.takeUnbound()
  const resource = await client.resources.create({ userIds: [], keyUris: [first.uri] })
  const second = await client.keys.bind((await client.keys.takeUnbound()).uri, resource.uri)
  assert.equal(second.resourceUri, resource.uri)
  const uris = (await client.keys.ofResource(resource.uri)).map((key) => key.uri)
  assert.deepEqual(new Set(uris), new Set([first.uri, second.uri]))
})

test('an officer asks on behalf of a person, and the answer is not kept', async () => {
  const here = await world()
  const uri = here.realm.addKey()
  await here.client.keys.retrieveOnBehalfOf(uri, BOB)
  assert.equal(here.realm.requests.at(-1)?.onBehalfOf, BOB)
  await here.client.keys.retrieve(uri)
  assert.equal(here.realm.requests.at(-1)?.onBehalfOf, undefined)
})

test('a key that moved is fetched where it is now', async () => {
  const { client, realm } = await world()
  const there = realm.addKey()
  const here = realm.addKey()
  realm.state.change = (answer, { uri }) =>
    uri === here
      ? {
          status: 301,
          reason: 'Moved',
          requestId: answer['requestId'],
          errorCode: 301002,
          redirectUri: there,
        }
      : answer
  assert.equal((await client.keys.retrieve(here)).uri, there)
})

for (const [title, change] of [
  ['of another name', { uri: 'kms://kms.acme.example/keys/0' }],
  ['that is too short', { jwk: { kty: 'oct', k: 'AAAA' } }],
  ['of another kind', { jwk: { kty: 'RSA', n: 'AAAA' } }],
] as const) {
  test(`a key ${title} is not taken`, async () => {
    const { client, realm } = await world()
    realm.state.change = ({ key, ...rest }) => ({ ...rest, key: { ...Object(key), ...change } })
    await assert.rejects(
      client.keys.retrieve(realm.addKey()),
      (error: unknown) => error instanceof ClientError && error.code === 'client.invalid-answer',
    )
  })
}

test('authorizations are added, listed and removed', async () => {
  const { client } = await world()
  const { resources } = client
  const { uri } = await resources.create({ userIds: [], keyUris: [] })
  const other = await resources.create({ userIds: [], keyUris: [] })
  const added = await resources.authorize(uri, [BOB, other.uri])
  assert.deepEqual(
    added.map(({ authId }) => authId),
    [BOB, other.uri],
  )
  assert.equal((await resources.list(uri)).length, 2)
  assert.deepEqual(
    (await resources.remove(uri, other.uri)).map(({ authId }) => authId),
    [other.uri],
  )
  assert.deepEqual(await resources.remove(uri, other.uri), [])
  assert.deepEqual(
    (await resources.list(uri)).map(({ authId }) => authId),
    [BOB],
  )
})
