// Reading on behalf of somebody: the compliance officer asks, access is decided as the other person.
// The draft has no such thing; it is observed of real clients (eDiscovery).

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { RefusalCode } from '../../src/refusal.ts'
import type { Device, Json } from '../support/device.ts'
import { aRoom, authorizationsOf, keyOf, keysOf, PEOPLE, World } from '../support/world.ts'

const world = await World.open()
after(() => world.close())
const OFFICER = { roles: ['spark.kms_orgagent'] }
const alice = await world.signedIn('alice')
const bob = await world.signedIn('bob')
const gina = await world.signedIn('gina')
const olivia = await world.signedIn('olivia', OFFICER)
for (const device of [alice, bob, gina]) await device.ask('update', '/ping')

/** As the real client writes it: the claimed user is the other one too. */
const askFor = (device: Device, userId: string, method: string, uri: string, fields: Json = {}) =>
  device.ask(method, uri, { client: device.client({ userId, onBehalfOf: userId }), ...fields })

const refusedEntry = async (
  answer: Json,
  code: RefusalCode,
  by: 'olivia' | 'bob',
  whom?: string,
) => {
  await world.refused(answer, 403, code)
  const { actor, onBehalfOf } = await world.lastEntry()
  assert.deepEqual(actor, { kind: 'person', id: await world.pseudonymOf(by) })
  assert.equal(onBehalfOf, whom)
}

describe('a compliance officer', () => {
  test('reads a bound key as the person who is authorised, and both stand in the entry', async () => {
    const { key } = await aRoom(alice)
    const answer = await askFor(olivia, PEOPLE.alice, 'retrieve', key.uri)
    assert.equal(answer['status'], 200)
    assert.deepEqual(keyOf(answer).jwk, key.jwk)
    const entry = await world.lastEntry()
    assert.equal(entry.action, 'key.released')
    assert.deepEqual(entry['actor'], { kind: 'person', id: await world.pseudonymOf('olivia') })
    assert.equal(entry['onBehalfOf'], await world.pseudonymOf('alice'))
    assert.deepEqual(entry['keys'], [key.uri])
  })

  test('reads an unbound key of that person, from whichever device it was made', async () => {
    const [key] = keysOf(await alice.ask('create', '/keys', { count: 1 }))
    const answer = await askFor(olivia, PEOPLE.alice, 'retrieve', key?.uri ?? '')
    assert.deepEqual(keyOf(answer), key)
  })

  test('reads whatever reading there is', async () => {
    const { resource } = await aRoom(alice)
    const [authorization] = authorizationsOf(
      await alice.ask('retrieve', `${resource.uri}/authorizations`),
    )
    const uris = [
      resource.uri,
      `${resource.uri}/keys`,
      `${resource.uri}/authorizations`,
      authorization?.uri ?? '',
    ]
    for (const uri of uris) {
      assert.equal((await askFor(olivia, PEOPLE.alice, 'retrieve', uri))['status'], 200)
    }
    assert.equal((await askFor(olivia, PEOPLE.alice, 'update', '/ping'))['status'], 200)
  })

  test('reads for several people at once in one session', async () => {
    const [hers, his] = [await aRoom(alice), await aRoom(bob)]
    const asks = [
      { uri: hers.key.uri, onBehalfOf: PEOPLE.alice },
      { uri: his.key.uri, onBehalfOf: PEOPLE.bob },
      { uri: his.key.uri, onBehalfOf: PEOPLE.alice },
      { uri: hers.key.uri, onBehalfOf: PEOPLE.bob },
    ].map(({ uri, onBehalfOf }) =>
      olivia.seal(
        olivia.request({ method: 'retrieve', uri, client: olivia.client({ onBehalfOf }) }),
      ),
    )
    const answers = await olivia.post(await Promise.all(asks))
    const opened = await Promise.all(answers.map((one) => olivia.open(one.kmsMessage)))
    assert.deepEqual(
      opened.map((answer) => answer['status']),
      [200, 200, 403, 403],
    )
  })

  test('gets no more than the person: what they may not read is refused', async () => {
    const { key } = await aRoom(bob)
    const answer = await askFor(olivia, PEOPLE.alice, 'retrieve', key.uri)
    await refusedEntry(answer, 'kms.not-authorized', 'olivia', await world.pseudonymOf('alice'))
  })

  test('loses access with the person', async () => {
    const { key, resource } = await aRoom(alice, [PEOPLE.bob])
    assert.equal((await askFor(olivia, PEOPLE.bob, 'retrieve', key.uri))['status'], 200)
    await alice.ask('delete', `${resource.uri}/authorizations?authId=${PEOPLE.bob}`)
    await world.refused(
      await askFor(olivia, PEOPLE.bob, 'retrieve', key.uri),
      403,
      'kms.not-authorized',
    )
  })

  test('naming herself asks as herself, and is refused what is not hers', async () => {
    const { key } = await aRoom(alice)
    const refused = await askFor(olivia, PEOPLE.olivia, 'retrieve', key.uri)
    await refusedEntry(refused, 'kms.not-authorized', 'olivia', undefined)
    const own = await aRoom(olivia)
    assert.equal((await askFor(olivia, PEOPLE.olivia, 'retrieve', own.key.uri))['status'], 200)
  })

  test('without naming anybody has no access by her role', async () => {
    const { key } = await aRoom(alice)
    await world.refused(await olivia.ask('retrieve', key.uri), 403, 'kms.not-authorized')
  })

  test('does not read for people of another organisation', async () => {
    const { key } = await aRoom(gina)
    const answer = await askFor(olivia, PEOPLE.gina, 'retrieve', key.uri)
    const whom = await world.pseudonymOf('gina')
    await refusedEntry(answer, 'identity.on-behalf-outside-organization', 'olivia', whom)
  })

  test('does not read for someone whose organisation nobody knows', async () => {
    const { key } = await aRoom(alice, [PEOPLE.carol])
    const answer = await askFor(olivia, PEOPLE.carol, 'retrieve', key.uri)
    const whom = await world.pseudonymOf('carol')
    await refusedEntry(answer, 'identity.on-behalf-outside-organization', 'olivia', whom)
    const carol = await world.signedIn('carol')
    await carol.ask('update', '/ping')
    assert.equal((await askFor(olivia, PEOPLE.carol, 'retrieve', key.uri))['status'], 200)
  })

  const writes: readonly [string, string, (resource: string, key: string) => Json][] = [
    ['create', '/keys', () => ({ count: 1 })],
    ['create', '/resources', () => ({})],
    ['create', '/authorizations', (resourceUri) => ({ resourceUri, userIds: [PEOPLE.olivia] })],
    ['delete', '/authorizations', (resourceUri) => ({ resourceUri, authIds: [PEOPLE.alice] })],
    ['create', '/cmk', () => ({})],
  ]
  for (const [method, uri, fields] of writes) {
    test(`changes nothing for others: ${method} ${uri} is refused, with both in the entry`, async () => {
      const { key, resource } = await aRoom(alice)
      const answer = await askFor(olivia, PEOPLE.alice, method, uri, fields(resource.uri, key.uri))
      const whom = await world.pseudonymOf('alice')
      await refusedEntry(answer, 'identity.on-behalf-not-allowed', 'olivia', whom)
    })
  }

  test('ends no session and binds no key for others', async () => {
    const { resource } = await aRoom(alice)
    const [key] = keysOf(await alice.ask('create', '/keys', { count: 1 }))
    const fields = { resourceUri: resource.uri }
    const bind = await askFor(olivia, PEOPLE.alice, 'update', key?.uri ?? '', fields)
    await world.refused(bind, 403, 'identity.on-behalf-not-allowed')
    const end = await askFor(olivia, PEOPLE.alice, 'delete', alice.channel.uri)
    await world.refused(end, 403, 'identity.on-behalf-not-allowed')
    assert.equal((await alice.ask('update', '/ping'))['status'], 200)
  })

  test('makes no session as somebody else', async () => {
    const device = world.device('olivia', OFFICER)
    const answer = await device.shake({ client: device.client({ onBehalfOf: PEOPLE.alice }) })
    await world.refused(answer, 403, 'identity.on-behalf-not-allowed')
  })

  test('whose role is gone reads for nobody, in the same session', async () => {
    const { key } = await aRoom(alice)
    const officer = await world.signedIn('olivia', OFFICER, 'tablet')
    assert.equal((await askFor(officer, PEOPLE.alice, 'retrieve', key.uri))['status'], 200)
    officer.who.bearer = world.token(PEOPLE.olivia)
    const answer = await askFor(officer, PEOPLE.alice, 'retrieve', key.uri)
    await world.refused(answer, 403, 'identity.on-behalf-not-allowed')
  })

  test('does not use one requestId for two people', async () => {
    const { key } = await aRoom(alice, [PEOPLE.bob])
    const request = (onBehalfOf: string) => ({
      requestId: 'one-for-two',
      method: 'retrieve',
      uri: key.uri,
      client: olivia.client({ onBehalfOf }),
    })
    assert.equal((await olivia.askRaw(request(PEOPLE.alice)))['status'], 200)
    assert.equal((await olivia.askRaw(request(PEOPLE.alice)))['status'], 200)
    await world.refused(await olivia.askRaw(request(PEOPLE.bob)), 409, 'request.id-reused')
  })
})

describe('anybody else', () => {
  test('reads for nobody, and the attempt is recorded with both', async () => {
    const { key } = await aRoom(alice)
    const answer = await askFor(bob, PEOPLE.alice, 'retrieve', key.uri)
    const whom = await world.pseudonymOf('alice')
    await refusedEntry(answer, 'identity.on-behalf-not-allowed', 'bob', whom)
  })

  test('may name herself, for any operation', async () => {
    const answer = await askFor(alice, PEOPLE.alice, 'create', '/keys', { count: 1 })
    assert.equal(answer['status'], 201)
    const room = await aRoom(alice)
    assert.equal((await askFor(alice, PEOPLE.alice, 'retrieve', room.key.uri))['status'], 200)
    assert.equal('onBehalfOf' in (await world.lastEntry()), false)
  })

  test('claiming to be the other person changes nothing', async () => {
    const { key } = await aRoom(alice)
    const client = bob.client({ userId: PEOPLE.alice })
    await world.refused(await bob.ask('retrieve', key.uri, { client }), 403, 'kms.not-authorized')
  })
})

for (const onBehalfOf of ['alice', PEOPLE.alice.toUpperCase(), 7, { id: PEOPLE.alice }]) {
  test(`${JSON.stringify(onBehalfOf)} is nobody to act for`, async () => {
    const answer = await olivia.ask('update', '/ping', { client: olivia.client({ onBehalfOf }) })
    await world.refused(answer, 400, 'request.invalid-id')
  })
}
