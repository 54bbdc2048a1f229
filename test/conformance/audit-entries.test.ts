// What the log says of each request: who, did what, to what, with which verdict; never a token, a key or the id
// of a person.

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { milliseconds } from '../../src/time.ts'
import type { Device, Json } from '../support/device.ts'
import { assertNumbered } from '../support/numbered.ts'
import {
  aRoom,
  authorizationsOf,
  type Entry,
  HOME,
  keysOf,
  PEOPLE,
  resourceOf,
  World,
} from '../support/world.ts'

const world = await World.open()
after(() => world.close())
const alice = await world.signedIn('alice')
const bob = await world.signedIn('bob')

/** The entries that `work` adds. */
const added = async (work: () => Promise<unknown>): Promise<readonly Entry[]> => {
  const before = (await world.entries()).length
  await work()
  return (await world.entries()).slice(before)
}

const pick = (entry: Entry | undefined, ...names: string[]): Json =>
  Object.fromEntries(names.map((name) => [name, entry?.[name]]))

describe('every request', () => {
  test('leaves one entry with all that is known of it', async () => {
    const { key, resource } = await aRoom(alice)
    const request = alice.request({ method: 'retrieve', uri: key.uri })
    const message = await alice.seal(request)
    const [entry, ...more] = await added(() => alice.post([message], { trackingId: 'track_7' }))
    assert.deepEqual(more, [])
    assert.ok(entry)
    const { boot, counter, ...rest } = entry
    assert.match(String(boot), /^[0-9a-f-]{36}$/)
    assert.equal(typeof counter, 'number')
    assert.deepEqual(rest as Json, {
      v: 1,
      realm: 'acme',
      node: 'node-1',
      time: new Date(world.now()).toISOString(),
      action: 'key.released',
      outcome: 'done',
      actor: { kind: 'person', id: await world.pseudonymOf('alice') },
      organizationId: '5f1d7c52-4d0e-4a57-9c8b-0a6e3b1f2ac1',
      method: 'retrieve',
      type: 'KEY',
      uri: key.uri,
      keys: [key.uri],
      resource: resource.uri,
      requestId: request['requestId'],
      clientId: alice.who.clientId,
      session: alice.channel.uri,
      trackingId: 'track_7',
      sizeBytes: message.length,
      durationMs: 0,
    })
  })

  const verbs: readonly [string, string, string, (device: Device) => Promise<unknown>][] = [
    ['a ping', 'ping.answered', 'PING', (device) => device.ask('update', '/ping')],
    ['a handshake', 'session.created', 'EPHEMERAL_KEY_COLLECTION', (device) => device.shake()],
    [
      'new keys',
      'key.created',
      'KEY_COLLECTION',
      (device) => device.ask('create', '/keys', { count: 2 }),
    ],
    [
      'a new resource',
      'resource.created',
      'RESOURCE_COLLECTION',
      (device) => device.ask('create', '/resources'),
    ],
  ]
  for (const [what, action, type, work] of verbs) {
    test(`for ${what} is called ${action}`, async () => {
      const entries = await added(() => work(alice))
      assert.deepEqual(
        entries.map((entry) => pick(entry, 'action', 'type', 'outcome')),
        [{ action, type, outcome: 'done' }],
      )
    })
  }

  test('about a resource is named after what was done to it', async () => {
    const { resource } = await aRoom(alice)
    const { uri } = resource
    const [key] = keysOf(await alice.ask('create', '/keys', { count: 1 }))
    const entries = await added(async () => {
      await alice.ask('update', key?.uri ?? '', { resourceUri: uri })
      await alice.ask('retrieve', uri)
      await alice.ask('retrieve', `${uri}/keys`)
      const made = await alice.ask('create', '/authorizations', {
        resourceUri: uri,
        userIds: [PEOPLE.bob],
      })
      await alice.ask('retrieve', `${uri}/authorizations`)
      await alice.ask('retrieve', authorizationsOf(made)[0]?.uri ?? '')
      await alice.ask('delete', `${uri}/authorizations?authId=${PEOPLE.bob}`)
    })
    assert.deepEqual(
      entries.map((entry) => [entry.action, entry['type']]),
      [
        ['key.bound', 'KEY'],
        ['resource.read', 'RESOURCE'],
        ['key.released', 'KEY_COLLECTION'],
        ['authorization.created', 'AUTHORIZATION_COLLECTION'],
        ['authorization.read', 'AUTHORIZATION_COLLECTION'],
        ['authorization.read', 'AUTHORIZATION'],
        ['authorization.removed', 'AUTHORIZATION_COLLECTION'],
      ],
    )
    assert.ok(entries.every((entry) => entry['resource'] === uri))
  })
})

describe('an entry names', () => {
  test('the keys that were made or released, all of them', async () => {
    const answers: Json[] = []
    const [created] = await added(async () =>
      answers.push(await alice.ask('create', '/keys', { count: 3 })),
    )
    assert.deepEqual(
      created?.['keys'],
      keysOf(answers[0] ?? {}).map((key) => key.uri),
    )
  })

  test('the authorizations that were made, and whom they authorize by pseudonym', async () => {
    const answers: Json[] = []
    const fields = { userIds: [PEOPLE.bob], anonymous: 1 }
    const [entry] = await added(async () =>
      answers.push(await alice.ask('create', '/resources', fields)),
    )
    assert.deepEqual(entry?.['authorizations'], resourceOf(answers[0] ?? {}).authorizationUris)
    assert.deepEqual(entry?.['subjects'], [await world.pseudonymOf('bob')])
    assert.deepEqual(entry?.['details'], { anonymous: 1 })
  })

  test('only those authorizations that are new', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.bob])
    const fields = { resourceUri: resource.uri, userIds: [PEOPLE.bob, PEOPLE.carol] }
    const answer = await alice.ask('create', '/authorizations', fields)
    const [, carols] = authorizationsOf(answer)
    assert.deepEqual((await world.lastEntry())['authorizations'], [carols?.uri])
  })

  test('whom a removal names, and the authorizations that went', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.bob])
    const uri = `${resource.uri}/authorizations?authId=${PEOPLE.bob}`
    const answer = await alice.ask('delete', uri)
    const [removed] = authorizationsOf(answer)
    const entry = await world.lastEntry()
    assert.deepEqual(entry['authorizations'], [removed?.uri])
    assert.deepEqual(entry['subjects'], [await world.pseudonymOf('bob')])
    assert.equal(entry['uri'], `${resource.uri}/authorizations`, 'a query could name a person')
  })

  test('a resource among the authorised by its URI', async () => {
    const team = await aRoom(alice)
    await alice.ask('create', '/resources', { authIds: [team.resource.uri] })
    assert.deepEqual((await world.lastEntry())['subjects'], [team.resource.uri])
  })
})

describe('a refusal', () => {
  test('is an entry with its code, and releases nothing', async () => {
    const { key } = await aRoom(alice)
    const [entry] = await added(() => bob.ask('retrieve', key.uri))
    assert.deepEqual(pick(entry, 'action', 'outcome', 'code', 'keys', 'uri'), {
      action: 'key.released',
      outcome: 'refused',
      code: 'kms.not-authorized',
      keys: undefined,
      uri: key.uri,
    })
  })

  test('of a creation names no keys, and of a removal no authorizations', async () => {
    const { key, resource } = await aRoom(alice)
    await bob.ask('create', '/resources', { keyUris: [key.uri] })
    assert.equal('keys' in (await world.lastEntry()), false)
    await bob.ask('delete', `${resource.uri}/authorizations?authId=${PEOPLE.alice}`)
    const entry = await world.lastEntry()
    assert.equal('authorizations' in entry, false)
    assert.deepEqual(entry['subjects'], [await world.pseudonymOf('alice')])
  })

  test('of a malformed request quotes what was understood of it', async () => {
    const request = alice.request({ method: 'update', uri: '/ping', surprise: 1 })
    const [entry] = await added(() => alice.askRaw(request))
    assert.deepEqual(
      pick(entry, 'action', 'code', 'method', 'uri', 'requestId', 'session', 'actor', 'details'),
      {
        action: 'message.refused',
        code: 'request.unknown-member',
        method: 'update',
        uri: '/ping',
        requestId: request['requestId'],
        session: alice.channel.uri,
        actor: { kind: 'unknown' },
        details: { about: 'surprise' },
      },
    )
  })

  test('of noise is an entry too', async () => {
    const entries = await added(() => alice.post(['noise', 'more.noise']))
    assert.deepEqual(
      entries.map((entry) => pick(entry, 'action', 'code', 'actor')),
      Array.from({ length: 2 }, () => ({
        action: 'message.refused',
        code: 'channel.malformed',
        actor: { kind: 'unknown' },
      })),
    )
  })
})

describe('the log as a whole', () => {
  test('holds one entry per message of a post', async () => {
    const asks = [
      { method: 'update', uri: '/ping' },
      { method: 'create', uri: '/keys', count: 1 },
      { method: 'retrieve', uri: `${HOME}/keys/1` },
      { method: 'retrieve', uri: '/cmk' },
    ]
    const requests = asks.map((fields) => alice.request(fields))
    const messages = await Promise.all(requests.map((request) => alice.seal(request)))
    const entries = await added(() => alice.post(messages))
    assert.deepEqual(
      entries.map((entry) => entry['requestId']).sort(),
      requests.map((request) => request['requestId']).sort(),
    )
  })

  test('knows each person by one pseudonym, which survives a restart', async () => {
    const before = await world.pseudonymOf('alice')
    await world.restart()
    await alice.ask('update', '/ping')
    assert.deepEqual((await world.lastEntry())['actor'], { kind: 'person', id: before })
  })

  test('measures how long a request took', async () => {
    const message = await alice.seal(alice.request({ method: 'update', uri: '/ping' }))
    const answered = alice.post([message])
    world.advance(milliseconds(7))
    await answered
    assert.equal((await world.lastEntry())['durationMs'], 7)
  })

  test('is numbered without gaps, and its counters have no holes in any boot', async () => {
    const log = await world.store.read((tx) => tx.audit.read(0, 100_000))
    assertNumbered(log)
    const boots = Map.groupBy(await world.entries(), (entry) => entry['boot'])
    assert.equal(boots.size, 2)
    for (const entries of boots.values()) {
      assert.deepEqual(
        entries.map((entry) => entry['counter']),
        entries.map((_, index) => index + 1),
      )
    }
  })

  test('holds no token, no key, and nobody’s id', async () => {
    const { key } = await aRoom(alice, [PEOPLE.bob])
    const share = await alice.ask('create', '/resources', { anonymous: 1 })
    await alice.ask('update', `/ping?${alice.who.bearer.slice(0, 100)}`)
    const { userId, ...credential } = { userId: PEOPLE.bob, bearer: alice.who.bearer }
    await alice.ask('update', '/ping', {
      client: { clientId: alice.who.clientId, credential, userId },
    })
    const log = (await world.store.read((tx) => tx.audit.read(0, 100_000)))
      .map((entry) => entry.body)
      .join('\n')
    const bearer = authorizationsOf(share)[0]?.bearer ?? ''
    const secrets = [key.jwk.k, bearer, bearer.slice(-43), alice.who.bearer.split('.')[2] ?? '']
    for (const secret of [...secrets, ...Object.values(PEOPLE)]) {
      assert.equal(log.includes(secret), false)
    }
    for (const hex of [Buffer.from(key.jwk.k, 'base64url').toString('hex')]) {
      assert.equal(log.includes(hex), false)
    }
  })
})
