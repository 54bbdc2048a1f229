// Machine accounts: programs with a token of their own, which may what an administrator granted them and
// nothing else, are listed as what they are, and are refused with their next request once switched off.

import assert from 'node:assert/strict'
import { after, beforeEach, describe, test } from 'node:test'
import { systemRandom } from '../../src/crypto/index.ts'
import type { OrganizationId, ResourceUri, UserId } from '../../src/id.ts'
import {
  addMachine,
  disableMachine,
  type Feature,
  grantFeature,
  type MachineAccount,
  revokeFeature,
  type Scope,
} from '../../src/kms/index.ts'
import { urisOf } from '../../src/protocol/index.ts'
import type { Device } from '../support/device.ts'
import { aRoom, authorizationsOf, DOMAIN, keyOf, keysOf, PEOPLE, World } from '../support/world.ts'
import { ACME, GLOBEX } from '../unit/identity/world.ts'

const world = await World.open()
after(() => world.close())
const alice = await world.signedIn('alice')
const gina = await world.signedIn('gina')
const means = { random: systemRandom, uris: urisOf(DOMAIN) }

let made = 0
let account: MachineAccount
let bot: Device
beforeEach(async () => {
  made += 1
  const name = `bot-${made}`
  const userId = systemRandom.uuid() as UserId
  const machine = { name, userId, organizationId: ACME as OrganizationId }
  assert.ok(await addMachine(world.ledger, systemRandom, machine))
  const found = await world.store.read((tx) => tx.machines.byName(name))
  assert.ok(found)
  account = found
  bot = world.deviceWith(userId, world.token(userId), `https://core.example/devices/${name}`)
  assert.equal((await bot.shake())['status'], 201)
})

const grant = (feature: Feature, scope: string) =>
  grantFeature(world.ledger, means, account, { feature, scope: scope as Scope })
const listed = async (resourceUri: string) =>
  authorizationsOf(await alice.ask('retrieve', `${resourceUri}/authorizations`)) as (ReturnType<
    typeof authorizationsOf
  >[number] & { roleUri: string })[]

describe('a machine account', () => {
  test('may do nothing until it is granted, wherever it is named', async () => {
    const { key, resource } = await aRoom(alice, [account.userId])
    await world.refused(await bot.ask('retrieve', key.uri), 403, 'kms.not-authorized')
    const asked: readonly (readonly [string, string, object])[] = [
      ['create', '/keys', { count: 1 }],
      ['create', '/resources', {}],
      ['create', '/authorizations', { resourceUri: resource.uri, userIds: [PEOPLE.bob] }],
      ['retrieve', `${resource.uri}/authorizations`, {}],
      ['delete', `${resource.uri}/authorizations?authId=${PEOPLE.alice}`, {}],
      ['retrieve', resource.uri, {}],
    ]
    for (const [method, uri, fields] of asked) {
      await world.refused(await bot.ask(method, uri, { ...fields }), 403, 'kms.feature-not-granted')
    }
    assert.equal((await bot.ask('update', '/ping'))['status'], 200)
  })

  test('reads the keys of the rooms it was granted, and of no other', async () => {
    const [room, other] = [await aRoom(alice), await aRoom(alice, [account.userId])]
    await grant('read-keys', room.resource.uri)
    const answer = await bot.ask('retrieve', room.key.uri)
    assert.equal(keyOf(answer).jwk.k, room.key.jwk.k)
    assert.equal(keysOf(await bot.ask('retrieve', `${room.resource.uri}/keys`)).length, 1)
    await world.refused(await bot.ask('retrieve', other.key.uri), 403, 'kms.not-authorized')
  })

  test('granted all rooms reads those of its organisation, later ones too, and no other', async () => {
    await grant('read-keys', 'all')
    const { key } = await aRoom(alice)
    assert.equal((await bot.ask('retrieve', key.uri))['status'], 200)
    const foreign = await aRoom(gina)
    await world.refused(await bot.ask('retrieve', foreign.key.uri), 403, 'kms.not-authorized')
  })

  test('does not read by a feature of another kind', async () => {
    const { key, resource } = await aRoom(alice)
    await grant('read-rosters', resource.uri)
    await world.refused(await bot.ask('retrieve', key.uri), 403, 'kms.not-authorized')
    assert.equal((await bot.ask('retrieve', `${resource.uri}/authorizations`))['status'], 200)
  })

  test('adds, removes and rotates where it was granted that', async () => {
    const { resource } = await aRoom(alice)
    await grant('authorize', resource.uri)
    const fields = { resourceUri: resource.uri, userIds: [PEOPLE.bob] }
    assert.equal((await bot.ask('create', '/authorizations', fields))['status'], 201)
    const gone = await bot.ask('delete', `${resource.uri}/authorizations?authId=${PEOPLE.bob}`)
    assert.equal(gone['status'], 200)
    await grant('bind-keys', resource.uri)
    const [key] = keysOf(await bot.ask('create', '/keys', { count: 1 }))
    const bound = await bot.ask('update', key?.uri ?? '', { resourceUri: resource.uri })
    assert.equal(bound['status'], 200)
    const elsewhere = (await aRoom(alice)).resource.uri
    const [next] = keysOf(await bot.ask('create', '/keys', { count: 1 }))
    await world.refused(
      await bot.ask('update', next?.uri ?? '', { resourceUri: elsewhere }),
      403,
      'kms.not-authorized',
    )
  })

  test('makes no bearers, which would outlast it', async () => {
    const { resource } = await aRoom(alice, [account.userId])
    await grant('authorize', 'all')
    const fields = { resourceUri: resource.uri, anonymous: 1 }
    const answer = await bot.ask('create', '/authorizations', fields)
    await world.refused(answer, 403, 'kms.feature-not-granted')
  })

  test('is in the log as a service, under its pseudonym', async () => {
    const { key } = await aRoom(alice)
    await grant('read-keys', 'all')
    await bot.ask('retrieve', key.uri)
    const people = await world.store.read((tx) => tx.people.find([account.userId]))
    const { actor, action, keys } = await world.lastEntry()
    assert.deepEqual(
      { actor, action, keys },
      {
        actor: { kind: 'service', id: people.get(account.userId)?.pseudonym },
        action: 'key.released',
        keys: [key.uri],
      },
    )
  })

  test('does not read for others, whatever roles its token has', async () => {
    await grant('read-keys', 'all')
    const { key } = await aRoom(alice)
    bot.who.bearer = world.token(account.userId, { roles: ['spark.kms_orgagent'] })
    const client = bot.client({ onBehalfOf: PEOPLE.alice })
    const answer = await bot.askRaw(bot.request({ method: 'retrieve', uri: key.uri, client }))
    await world.refused(answer, 403, 'identity.on-behalf-outside-organization')
  })

  test('with a token of another organisation is refused', async () => {
    bot.who.bearer = world.token(account.userId, { organization_id: GLOBEX })
    const answer = await bot.ask('update', '/ping')
    await world.refused(answer, 403, 'identity.machine-other-organization')
  })
})

describe('what was granted and is taken back', () => {
  test('is refused with the next request, and so is the repeat of an earlier answer', async () => {
    const { key, resource } = await aRoom(alice)
    await grant('read-keys', resource.uri)
    const request = bot.request({ method: 'retrieve', uri: key.uri })
    assert.equal((await bot.askRaw(request))['status'], 200)
    const scope = resource.uri as ResourceUri
    assert.ok(await revokeFeature(world.ledger, account, { feature: 'read-keys', scope }))
    await world.refused(await bot.ask('retrieve', key.uri), 403, 'kms.not-authorized')
    await world.refused(await bot.askRaw(request), 403, 'kms.not-authorized')
    assert.equal(await revokeFeature(world.ledger, account, { feature: 'read-keys', scope }), false)
  })

  test('with the whole account: every request, the handshake too', async () => {
    const { key } = await aRoom(alice)
    await grant('read-keys', 'all')
    assert.equal((await bot.ask('retrieve', key.uri))['status'], 200)
    await disableMachine(world.ledger, account)
    await world.refused(await bot.ask('retrieve', key.uri), 403, 'identity.machine-disabled')
    assert.equal((await bot.shake())['status'], 403)
    await world.restart()
    assert.equal((await bot.shake())['status'], 403)
  })
})

describe('everybody in a room sees its machines', () => {
  test('as agents, whether granted that room or all', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.bob])
    await grant('read-keys', resource.uri)
    await grant('read-rosters', resource.uri)
    const mine = (await listed(resource.uri)).filter(({ authId }) => authId === account.userId)
    assert.deepEqual(
      mine.map(({ roleUri, resourceUri }) => ({ roleUri, resourceUri })),
      [{ roleUri: `kms://${DOMAIN}/roles/agent`, resourceUri: resource.uri }],
    )
    const one = `${resource.uri}/authorizations?authId=${account.userId}`
    assert.equal(authorizationsOf(await alice.ask('retrieve', one)).length, 1)
    const bob = `${resource.uri}/authorizations?authId=${PEOPLE.bob}`
    assert.equal(authorizationsOf(await alice.ask('retrieve', bob)).length, 1)
    await disableMachine(world.ledger, account)
    const left = (await listed(resource.uri)).map(({ authId }) => authId)
    assert.ok(!left.includes(account.userId))
  })

  test('once and as an agent, if it was added like a person', async () => {
    const { resource } = await aRoom(alice, [account.userId])
    await grant('read-keys', 'all')
    const mine = (await listed(resource.uri)).filter(({ authId }) => authId === account.userId)
    assert.deepEqual(
      mine.map(({ roleUri }) => roleUri),
      [`kms://${DOMAIN}/roles/agent`],
    )
  })
})

describe('what an administrator does to machines', () => {
  test('is in the log', async () => {
    const { resource } = await aRoom(alice)
    await grant('read-keys', resource.uri)
    const { action, resource: where, details } = await world.lastEntry()
    assert.deepEqual(
      { action, where, details },
      {
        action: 'machine.granted',
        where: resource.uri,
        details: { name: account.name, feature: 'read-keys', isEverywhere: false },
      },
    )
  })

  test('done twice is done once', async () => {
    assert.equal(await grant('read-keys', 'all'), true)
    assert.equal(await grant('read-keys', 'all'), false)
    assert.equal(await addMachine(world.ledger, systemRandom, account), false)
  })
})
