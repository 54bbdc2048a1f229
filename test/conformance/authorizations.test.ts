// Authorizations: adding, listing, removing (draft §4.7.8 - §4.7.11), and resources that authorize resources.

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { Device, Json } from '../support/device.ts'
import { aRoom, authorizationsOf, HOME, PEOPLE, resourceOf, World } from '../support/world.ts'

const world = await World.open()
after(() => world.close())
const alice = await world.signedIn('alice')
const bob = await world.signedIn('bob')
const carol = await world.signedIn('carol')
const UNKNOWN = '00000000-0000-4000-8000-000000000000'

const add = (device: Device, resourceUri: string, fields: Json) =>
  device.ask('create', '/authorizations', { resourceUri, ...fields })
const list = async (device: Device, resourceUri: string) =>
  authorizationsOf(await device.ask('retrieve', `${resourceUri}/authorizations`))
const authIds = async (device: Device, resourceUri: string) =>
  (await list(device, resourceUri)).map((one) => one.authId)
const remove = (device: Device, resourceUri: string, authId: string) =>
  device.ask('delete', `${resourceUri}/authorizations?authId=${encodeURIComponent(authId)}`)
const readStatus = async (device: Device, uri: string) =>
  (await device.ask('retrieve', uri))['status']

describe('adding authorizations', () => {
  test('answers 201 with one authorization per id, in the order of the request', async () => {
    const { resource } = await aRoom(alice)
    const team = await aRoom(alice)
    const fields = { userIds: [PEOPLE.carol, team.resource.uri, PEOPLE.bob] }
    const answer = await add(alice, resource.uri.slice(HOME.length), fields)
    assert.equal(answer['status'], 201)
    const authorizations = authorizationsOf(answer)
    assert.deepEqual(
      authorizations.map((one) => one.authId),
      fields.userIds,
    )
    const [first] = authorizations
    assert.deepEqual(first, {
      uri: first?.uri,
      authId: PEOPLE.carol,
      resourceUri: resource.uri,
      roleUri: `${HOME}/roles/participant`,
      createDate: new Date(world.now()).toISOString(),
    })
    assert.match(first?.uri ?? '', new RegExp(`^${HOME}/authorizations/[0-9a-f-]{36}$`))
  })

  test('takes userIds and authIds together and everyone once', async () => {
    const { resource } = await aRoom(alice)
    const fields = { userIds: [PEOPLE.bob, PEOPLE.bob], authIds: [PEOPLE.carol, PEOPLE.bob] }
    const answer = await add(alice, resource.uri, fields)
    assert.deepEqual(
      authorizationsOf(answer).map((one) => one.authId),
      [PEOPLE.bob, PEOPLE.carol],
    )
    assert.deepEqual(await authIds(alice, resource.uri), [PEOPLE.alice, PEOPLE.bob, PEOPLE.carol])
  })

  test('returns those that exist as they are, among the new ones', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.bob])
    const before = await list(alice, resource.uri)
    const answer = await add(alice, resource.uri, { userIds: [PEOPLE.carol, PEOPLE.bob] })
    assert.equal(answer['status'], 201)
    const [first, second] = authorizationsOf(answer)
    assert.equal(first?.authId, PEOPLE.carol)
    assert.equal(second?.uri, before[1]?.uri)
    assert.equal((await list(alice, resource.uri)).length, 3)
  })

  test('opens the keys of before and after to the new one, who may add others', async () => {
    const { key, resource } = await aRoom(alice)
    assert.equal(await readStatus(bob, key.uri), 403)
    await add(alice, resource.uri, { userIds: [PEOPLE.bob] })
    assert.equal(await readStatus(bob, key.uri), 200)
    assert.equal((await add(bob, resource.uri, { userIds: [PEOPLE.carol] }))['status'], 201)
    assert.equal(await readStatus(carol, key.uri), 200)
  })

  for (const role of ['participant', 'moderator', 'agent']) {
    test(`keeps the role ${role}, named by absolute or relative URI`, async () => {
      const { resource } = await aRoom(alice)
      const absolute = { userIds: [PEOPLE.bob], roleUri: `${HOME}/roles/${role}` }
      const relative = { userIds: [PEOPLE.carol], roleUri: `/roles/${role}` }
      for (const fields of [absolute, relative]) {
        const [made] = authorizationsOf(await add(alice, resource.uri, fields))
        assert.equal((made as Json | undefined)?.['roleUri'], `${HOME}/roles/${role}`)
      }
    })
  }

  test('is refused to strangers, and adds nobody', async () => {
    const { resource } = await aRoom(alice)
    const answer = await add(bob, resource.uri, { userIds: [PEOPLE.bob] })
    await world.refused(answer, 403, 'kms.not-authorized')
    assert.deepEqual(await authIds(alice, resource.uri), [PEOPLE.alice])
  })

  test('on a resource that does not exist is refused', async () => {
    const answer = await add(alice, `${HOME}/resources/${UNKNOWN}`, { userIds: [PEOPLE.bob] })
    await world.refused(answer, 403, 'kms.unknown-resource')
  })

  test('of nobody, or without a resource, is refused', async () => {
    const { resource } = await aRoom(alice)
    await world.refused(await add(alice, resource.uri, {}), 400, 'request.invalid-count')
    const answer = await alice.ask('create', '/authorizations', { userIds: [PEOPLE.bob] })
    await world.refused(answer, 400, 'request.invalid-uri')
  })

  test('of a resource at another host is refused whole', async () => {
    const { resource } = await aRoom(alice)
    const foreign = `kms://kms.globex.example/resources/${UNKNOWN}`
    const answer = await add(alice, resource.uri, { userIds: [PEOPLE.bob, foreign] })
    await world.refused(answer, 404, 'request.foreign-host')
    assert.deepEqual(await authIds(alice, resource.uri), [PEOPLE.alice])
  })
})

describe('listing authorizations', () => {
  test('shows the authorized everyone, in order of creation', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.carol, PEOPLE.bob])
    const expected = [PEOPLE.alice, PEOPLE.carol, PEOPLE.bob]
    assert.deepEqual(await authIds(bob, resource.uri), expected)
  })

  test('by authId shows one or none', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.bob])
    const ask = (authId: string) =>
      alice.ask('retrieve', `${resource.uri}/authorizations?authId=${encodeURIComponent(authId)}`)
    assert.equal(authorizationsOf(await ask(PEOPLE.bob)).length, 1)
    const none = await ask(PEOPLE.carol)
    assert.equal(none['status'], 200)
    assert.deepEqual(none['authorizations'], [])
    await world.refused(await ask('nobody'), 400, 'request.invalid-id')
    await world.refused(await ask('%E0%A4%A'), 400, 'request.invalid-id')
  })

  test('is refused with any other query', async () => {
    const { resource } = await aRoom(alice)
    for (const query of [
      '?',
      '?authId=',
      '?authId',
      '?x=1',
      `?authId=${PEOPLE.bob}&x=1`,
      '?authId=%ff',
    ]) {
      const answer = await alice.ask('retrieve', `${resource.uri}/authorizations${query}`)
      await world.refused(answer, 400, 'request.invalid-uri')
    }
  })

  test('is refused to outsiders', async () => {
    const { resource } = await aRoom(alice)
    const answer = await bob.ask('retrieve', `${resource.uri}/authorizations`)
    await world.refused(answer, 403, 'kms.not-authorized')
  })

  test('of more than one answer can hold is refused, not cut', async () => {
    const { resource } = await aRoom(alice)
    const people = (prefix: string, length: number) =>
      Array.from(
        { length },
        (_, index) => `${prefix}${String(index).padStart(4, '0')}${PEOPLE.bob.slice(8)}`,
      )
    await add(alice, resource.uri, { userIds: people('aaaa', 1500) })
    await add(alice, resource.uri, { userIds: people('bbbb', 1499) })
    assert.equal((await list(alice, resource.uri)).length, 3000)
    await add(alice, resource.uri, { userIds: [PEOPLE.bob] })
    const all = await alice.ask('retrieve', `${resource.uri}/authorizations`)
    await world.refused(all, 413, 'kms.answer-too-large')
    const uri = `${resource.uri}/authorizations?authId=${PEOPLE.bob}`
    assert.equal(authorizationsOf(await alice.ask('retrieve', uri)).length, 1)
  })

  test('of one by its URI shows it to the authorized, and to nobody else', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.bob])
    const [, second] = await list(alice, resource.uri)
    assert.ok(second)
    const answer = await bob.ask('retrieve', second.uri.slice(HOME.length))
    assert.deepEqual(answer['authorization'], second)
    const stranger = await carol.ask('retrieve', second.uri)
    await world.refused(stranger, 403, 'kms.not-authorized')
    const unknown = await carol.ask('retrieve', `${HOME}/authorizations/${UNKNOWN}`)
    await world.refused(unknown, 403, 'kms.unknown-authorization')
    assert.deepEqual({ ...stranger, requestId: '' }, { ...unknown, requestId: '' })
  })
})

describe('removing authorizations', () => {
  test('by authId answers with the removed one, as a list and by itself', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.bob])
    const [, second] = await list(alice, resource.uri)
    const answer = await remove(alice, resource.uri, PEOPLE.bob)
    assert.equal(answer['status'], 200)
    assert.deepEqual(answer['authorizations'], [second])
    assert.deepEqual(answer['authorization'], second)
    assert.deepEqual(await authIds(alice, resource.uri), [PEOPLE.alice])
  })

  test('bites at the next retrieval, of every operation', async () => {
    const { key, resource } = await aRoom(alice, [PEOPLE.bob])
    assert.equal(await readStatus(bob, key.uri), 200)
    await remove(alice, resource.uri, PEOPLE.bob)
    for (const uri of [
      key.uri,
      resource.uri,
      `${resource.uri}/keys`,
      `${resource.uri}/authorizations`,
    ]) {
      await world.refused(await bob.ask('retrieve', uri), 403, 'kms.not-authorized')
    }
    const again = await add(bob, resource.uri, { userIds: [PEOPLE.bob] })
    await world.refused(again, 403, 'kms.not-authorized')
  })

  test('bites within one post: what comes after it is refused', async () => {
    const { key, resource } = await aRoom(alice, [PEOPLE.bob])
    const itself = `${resource.uri}/authorizations?authId=${PEOPLE.bob}`
    const asks = [
      { method: 'retrieve', uri: key.uri },
      { method: 'delete', uri: itself },
      { method: 'retrieve', uri: key.uri },
    ]
    const messages = await Promise.all(asks.map((fields) => bob.seal(bob.request(fields))))
    const answers = await bob.post(messages)
    const opened = await Promise.all(answers.map((one) => bob.open(one.kmsMessage)))
    assert.deepEqual(
      opened.map((answer) => answer['status']),
      [200, 200, 403],
    )
  })

  test('of an authId that is not there answers 200 and an empty list', async () => {
    const { resource } = await aRoom(alice)
    for (const authId of [PEOPLE.bob, `${HOME}/resources/${UNKNOWN}`, UNKNOWN]) {
      const answer = await remove(alice, resource.uri, authId)
      assert.equal(answer['status'], 200)
      assert.deepEqual(answer['authorizations'], [])
      assert.equal('authorization' in answer, false)
    }
    assert.deepEqual(await authIds(alice, resource.uri), [PEOPLE.alice])
  })

  test('of oneself is allowed', async () => {
    const { key, resource } = await aRoom(alice, [PEOPLE.bob])
    assert.equal((await remove(bob, resource.uri, PEOPLE.bob))['status'], 200)
    assert.equal(await readStatus(bob, key.uri), 403)
  })

  test('by URI removes that one', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.bob])
    const [, second] = await list(alice, resource.uri)
    const answer = await alice.ask('delete', second?.uri ?? '')
    assert.equal(answer['status'], 200)
    assert.deepEqual(answer['authorizations'], [second])
    assert.deepEqual(await authIds(alice, resource.uri), [PEOPLE.alice])
    const again = await alice.ask('delete', second?.uri ?? '')
    await world.refused(again, 403, 'kms.unknown-authorization')
  })

  test('in bulk removes all of authIds and userIds, and no others', async () => {
    const team = await aRoom(alice)
    const { resource } = await aRoom(alice, [
      PEOPLE.bob,
      PEOPLE.carol,
      PEOPLE.olivia,
      team.resource.uri,
    ])
    const answer = await alice.ask('delete', '/authorizations', {
      resourceUri: resource.uri,
      authIds: [PEOPLE.bob, team.resource.uri, UNKNOWN],
      userIds: [PEOPLE.carol, PEOPLE.bob],
    })
    assert.equal(answer['status'], 200)
    assert.deepEqual(
      authorizationsOf(answer).map((one) => one.authId),
      [PEOPLE.bob, PEOPLE.carol, team.resource.uri],
    )
    assert.deepEqual(await authIds(alice, resource.uri), [PEOPLE.alice, PEOPLE.olivia])
  })

  test('in bulk needs a resource and names', async () => {
    const { resource } = await aRoom(alice)
    const nowhere = await alice.ask('delete', '/authorizations', { authIds: [PEOPLE.bob] })
    await world.refused(nowhere, 400, 'request.invalid-uri')
    const nobody = await alice.ask('delete', '/authorizations', { resourceUri: resource.uri })
    await world.refused(nobody, 400, 'request.invalid-count')
    const all = await alice.ask('delete', `${resource.uri}/authorizations`)
    await world.refused(all, 405, 'request.unknown-operation')
  })

  test('is refused to strangers, in every form, and removes nobody', async () => {
    const { resource } = await aRoom(alice)
    const [own] = await list(alice, resource.uri)
    const forms = [
      () => remove(bob, resource.uri, PEOPLE.alice),
      () => bob.ask('delete', own?.uri ?? ''),
      () =>
        bob.ask('delete', '/authorizations', {
          resourceUri: resource.uri,
          authIds: [PEOPLE.alice],
        }),
    ]
    for (const form of forms) await world.refused(await form(), 403, 'kms.not-authorized')
    assert.deepEqual(await authIds(alice, resource.uri), [PEOPLE.alice])
  })
})

describe('a resource authorized on a resource', () => {
  /** `depth` resources, each authorizing the one before; bob is authorised on the first only. */
  const aChain = async (depth: number) => {
    const rooms = [await aRoom(alice, [PEOPLE.bob])]
    for (let link = 1; link < depth; link += 1) {
      rooms.push(await aRoom(alice, [rooms.at(-1)?.resource.uri ?? '']))
    }
    return rooms
  }

  test('opens its keys to whoever is authorised there, three levels deep', async () => {
    const rooms = await aChain(4)
    for (const { key } of rooms) assert.equal(await readStatus(bob, key.uri), 200)
    const deepest = rooms.at(-1)
    assert.equal(
      (await add(bob, deepest?.resource.uri ?? '', { userIds: [PEOPLE.carol] }))['status'],
      201,
    )
    const first = rooms[0]?.key.uri ?? ''
    assert.equal(await readStatus(carol, first), 403, 'authorisation does not flow backwards')
  })

  test('closes them at once when a link in the middle is removed', async () => {
    const rooms = await aChain(4)
    const [, second, third, fourth] = rooms
    await remove(alice, third?.resource.uri ?? '', second?.resource.uri ?? '')
    assert.equal(await readStatus(bob, second?.key.uri ?? ''), 200)
    assert.equal(await readStatus(bob, third?.key.uri ?? ''), 403)
    assert.equal(await readStatus(bob, fourth?.key.uri ?? ''), 403)
  })

  test('closes them at once when the person is removed at the far end', async () => {
    const rooms = await aChain(3)
    await remove(alice, rooms[0]?.resource.uri ?? '', PEOPLE.bob)
    for (const { key } of rooms) assert.equal(await readStatus(bob, key.uri), 403)
  })

  test('may close a cycle, and a cycle authorizes nobody from outside', async () => {
    const [first, second, third] = await aChain(3)
    assert.ok(first && second && third)
    await add(alice, first.resource.uri, { userIds: [third.resource.uri, first.resource.uri] })
    assert.equal(await readStatus(bob, third.key.uri), 200)
    assert.equal(await readStatus(carol, first.key.uri), 403)
    await remove(alice, first.resource.uri, PEOPLE.bob)
    for (const { key } of [first, second, third]) assert.equal(await readStatus(bob, key.uri), 403)
  })

  test('is listed and removed by its URI, absolute or relative', async () => {
    const [first, second] = await aChain(2)
    assert.ok(first && second)
    assert.deepEqual(await authIds(alice, second.resource.uri), [PEOPLE.alice, first.resource.uri])
    const relative = first.resource.uri.slice(HOME.length)
    const answer = await remove(alice, second.resource.uri, relative)
    assert.equal(authorizationsOf(answer)[0]?.authId, first.resource.uri)
    assert.equal(await readStatus(bob, second.key.uri), 403)
  })

  test('opens nothing if it does not exist', async () => {
    const made = resourceOf(
      await alice.ask('create', '/resources', { authIds: [`${HOME}/resources/${UNKNOWN}`] }),
    )
    assert.equal(await readStatus(bob, made.uri), 403)
  })
})
