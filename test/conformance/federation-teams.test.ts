// A resource of one realm that is authorised on a resource of another (draft §4.4.2): rooms in a team of the other organisation,
// boards of its rooms. Only the home of a resource knows who is authorised there; it is asked, or it vouches.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { seconds } from '../../src/time.ts'
import type { Device, Json } from '../support/device.ts'
import { furnishTwoRealms } from '../support/furnished-realms.ts'
import {
  ACME_DOMAIN,
  GLOBEX_DOMAIN,
  MALLORY_DOMAIN,
  type TwoRealms,
} from '../support/two-realms.ts'
import { aRoom, authorizationsOf, keyOf, keysOf, PEOPLE, resourceOf } from '../support/world.ts'
import { GLOBEX } from '../unit/identity/world.ts'

let realms: TwoRealms
let alice: Device
let bob: Device
let gina: Device
let olivia: Device

furnishTwoRealms(async (opened) => {
  realms = opened
  alice = await realms.acme.signedIn('alice')
  bob = await realms.acme.signedIn('bob')
  gina = await realms.globex.signedIn('gina')
  olivia = await realms.globex.signedIn('olivia', { organization_id: GLOBEX })
})

const read = (device: Device, uri: string) => device.ask('retrieve', uri)
const isRead = async (device: Device, key: { uri: string; jwk: unknown }) => {
  const answer = await read(device, key.uri)
  assert.equal(answer['status'], 200, JSON.stringify(answer))
  assert.deepEqual(keyOf(answer).jwk, key.jwk)
}
const newKey = async (device: Device) => {
  const [key] = keysOf(await device.ask('create', '/keys', { count: 1 }))
  assert.ok(key)
  return key
}
/** A team of acme with Alice, Bob and Gina in it. */
const aTeam = () => aRoom(alice, [PEOPLE.bob, PEOPLE.gina])
const remove = (device: Device, resourceUri: string, authId: string): Promise<Json> =>
  device.ask('delete', `${resourceUri}/authorizations?authId=${encodeURIComponent(authId)}`)

describe('a room of globex in a team of acme', () => {
  /** Gina makes it, as real clients do: she by name, and the team. */
  const aTeamRoom = async (team: string) => {
    const key = await newKey(gina)
    const fields = { keyUris: [key.uri], userIds: [PEOPLE.gina, team] }
    const made = await gina.ask('create', '/resources', fields)
    assert.equal(made['status'], 201, JSON.stringify(made))
    return { key, resource: resourceOf(made) }
  }

  test('is read by the team, through the realm of each', async () => {
    const team = await aTeam()
    const room = await aTeamRoom(team.resource.uri)
    await isRead(gina, room.key)
    await isRead(bob, room.key)
    const listed = keysOf(await read(alice, `${room.resource.uri}/keys`))
    assert.deepEqual(
      listed.map(({ jwk }) => jwk),
      [room.key.jwk],
    )
  })

  test('is read by nobody who is not in the team, and by nobody whom another realm vouches for', async () => {
    const team = await aRoom(alice, [PEOPLE.gina])
    const room = await aTeamRoom(team.resource.uri)
    await realms.acme.refused(await read(bob, room.key.uri), 403, 'federation.denied-by-home')
    await realms.globex.refused(await read(olivia, room.key.uri), 403, 'federation.denied-by-home')
    const request = { requestId: '0', client: {}, method: 'retrieve', uri: room.key.uri }
    for (const vouchedFor of [
      `kms://${MALLORY_DOMAIN}/resources/99999999-9999-4999-8999-999999999999`,
      undefined,
    ]) {
      const item = { userId: '99999999-9999-4999-8999-999999999999', request }
      const body = { requests: [vouchedFor === undefined ? item : { ...item, vouchedFor }] }
      const question = { path: '/federation/v1/requests', body, trackingId: 'hostile_5' }
      const reply = await realms.askAs(MALLORY_DOMAIN, GLOBEX_DOMAIN, question)
      assert.doesNotMatch(JSON.stringify(reply), /"k":|through/)
      assert.equal((await realms.globex.lastEntry())['code'], 'kms.not-authorized')
    }
  })

  test('is read by those of globex who are in the team, as acme says', async () => {
    const team = await aRoom(alice, [PEOPLE.gina, PEOPLE.olivia])
    const room = await aTeamRoom(team.resource.uri)
    await isRead(olivia, room.key)
    await remove(alice, team.resource.uri, PEOPLE.olivia)
    realms.advance(seconds(6))
    await realms.globex.refused(await read(olivia, room.key.uri), 403, 'federation.denied-by-home')
  })

  test('is lost with the team, by whichever side', async () => {
    const team = await aTeam()
    const room = await aTeamRoom(team.resource.uri)
    await isRead(bob, room.key)
    await remove(alice, team.resource.uri, PEOPLE.bob)
    realms.advance(seconds(6))
    await realms.acme.refused(await read(bob, room.key.uri), 403, 'federation.denied-by-home')
    await isRead(alice, room.key)
    await remove(gina, room.resource.uri, team.resource.uri)
    await realms.work(GLOBEX_DOMAIN)
    await realms.acme.refused(await read(alice, room.key.uri), 403, 'federation.denied-by-home')
  })

  test('is joined by somebody of the team, by their own right', async () => {
    const team = await aTeam()
    const room = await aTeamRoom(team.resource.uri)
    const fields = { resourceUri: room.resource.uri, userIds: [PEOPLE.bob] }
    const joined = await bob.ask('create', '/authorizations', fields)
    assert.equal(authorizationsOf(joined)[0]?.authId, PEOPLE.bob, JSON.stringify(joined))
  })

  test('takes a key of acme, and gives it to its own', async () => {
    const team = await aRoom(alice, [PEOPLE.gina, PEOPLE.olivia])
    const room = await aTeamRoom(team.resource.uri)
    const key = await newKey(alice)
    const bound = await alice.ask('update', key.uri, { resourceUri: room.resource.uri })
    assert.equal(bound['status'], 200, JSON.stringify(bound))
    realms.advance(seconds(6))
    await isRead(gina, key)
    realms.advance(seconds(6))
    await isRead(olivia, key)
  })
})

describe('a room of acme in a team of globex', () => {
  const both = async () => {
    const team = await aRoom(gina, [PEOPLE.olivia, PEOPLE.alice])
    const room = await aRoom(alice, [PEOPLE.gina])
    return { team: team.resource.uri, room: room.resource.uri, key: room.key }
  }
  const letIn = (device: Device, room: string, team: string) =>
    device.ask('create', '/authorizations', { resourceUri: room, userIds: [team] })

  test('is brought in by its own, listed, read by the team, and taken out', async () => {
    const { team, room, key } = await both()
    const added = await letIn(alice, room, team)
    assert.equal(authorizationsOf(added)[0]?.authId, team, JSON.stringify(added))
    const listed = authorizationsOf(await read(alice, `${room}/authorizations`))
    assert.ok(listed.some(({ authId }) => authId === team))
    await isRead(olivia, key)
    const removed = await remove(alice, room, team)
    assert.equal(authorizationsOf(removed)[0]?.authId, team)
    await realms.work(ACME_DOMAIN)
    await realms.globex.refused(await read(olivia, key.uri), 403, 'federation.denied-by-home')
  })

  test('is brought in from abroad, and counts while whoever brought it is there by name', async () => {
    const { team, room, key } = await both()
    const added = await letIn(gina, room, team)
    assert.equal(added['status'], 201, JSON.stringify(added))
    const listed = authorizationsOf(await read(gina, `${room}/authorizations`))
    assert.deepEqual(
      listed.map(({ authId }) => authId),
      [PEOPLE.gina, team],
    )
    await isRead(olivia, key)
    await remove(alice, room, PEOPLE.gina)
    await realms.work(ACME_DOMAIN)
    realms.advance(seconds(6))
    await realms.globex.refused(await read(olivia, key.uri), 403, 'federation.denied-by-home')
    await realms.globex.refused(await read(gina, key.uri), 403, 'federation.denied-by-home')
  })

  test('is not told to another realm, nor can another bring in a third’s', async () => {
    const { team, room, key } = await both()
    await letIn(alice, room, team)
    const third = `kms://${MALLORY_DOMAIN}/resources/99999999-9999-4999-8999-999999999999`
    const requests = [
      {
        userId: PEOPLE.gina,
        request: {
          requestId: '0',
          client: {},
          method: 'create',
          uri: '/authorizations',
          resourceUri: room,
          userIds: [third],
        },
      },
    ]
    const question = {
      path: '/federation/v1/requests',
      body: { requests },
      trackingId: 'hostile_6',
    }
    await realms.askAs(GLOBEX_DOMAIN, ACME_DOMAIN, question)
    assert.equal((await realms.acme.lastEntry())['code'], 'request.foreign-host')
    const stranger = { requestId: '0', client: {}, method: 'retrieve', uri: key.uri }
    const asked = { requests: [{ userId: PEOPLE.carol.replace('2', '9'), request: stranger }] }
    const reply = await realms.askAs(MALLORY_DOMAIN, ACME_DOMAIN, { ...question, body: asked })
    assert.doesNotMatch(JSON.stringify(reply), /through|globex/)
  })
})

describe('a board of a foreign room', () => {
  test('hangs on the room alone, and is lost with it by whoever made it', async () => {
    const room = await aRoom(alice, [PEOPLE.gina])
    const key = await newKey(gina)
    const fields = { keyUris: [key.uri], userIds: [room.resource.uri] }
    const board = resourceOf(await gina.ask('create', '/resources', fields))
    await isRead(gina, key)
    await isRead(alice, key)
    await remove(alice, room.resource.uri, PEOPLE.gina)
    await realms.work(ACME_DOMAIN)
    await realms.globex.refused(await read(gina, key.uri), 403, 'federation.denied-by-home')
    assert.equal(board.authorizationUris.length, 1)
  })

  test('is not made by somebody who is not in the room', async () => {
    const room = await aRoom(alice)
    const key = await newKey(gina)
    const fields = { keyUris: [key.uri], userIds: [room.resource.uri] }
    const refused = await gina.ask('create', '/resources', fields)
    await realms.globex.refused(refused, 403, 'federation.denied-by-home')
  })
})
