import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { ClientError, KmsRefused, type RoomEvent } from '../../../src/client/index.ts'
import { until } from './clock.ts'
import { ALICE, BOB } from './core.ts'
import { DOMAIN } from './realm.ts'
import { aWorld, type World } from './world.ts'

const CAROL = '4e9a02b7-d6f1-4c38-8a75-61be9f03d2c8'
const NEW = { title: 'Lunch', participantIds: [BOB] }
const open: World[] = []
const world = async () => {
  const made = await aWorld()
  open.push(made)
  return made
}
after(() => Promise.all(open.map((one) => one.close())))

const roomOf = async (here: World) => {
  const room = await here.client.rooms.create(NEW)
  const stored = here.core.conversations.get(room.id)
  assert.ok(stored)
  return { ...room, stored }
}
const authorizedIn = async ({ client }: World, resourceUri: string | undefined) =>
  (await client.resources.list(resourceUri ?? '')).map(({ authId }) => authId)
const asked = ({ realm }: World, name: string): number =>
  realm.requests.filter(({ operation }) => operation.name === name).length
const hasCode = (code: string) => (error: unknown) =>
  error instanceof ClientError && error.code === code

test('every change of readers is one request to the core, with the sealed request inside', async () => {
  const here = await world()
  const { core, client, realm } = here
  const { id, resourceUri } = await roomOf(here)
  const posted = core.posts.length
  await client.rooms.add(id, CAROL)
  assert.deepEqual(await authorizedIn(here, resourceUri), [ALICE, BOB, CAROL])
  await client.rooms.remove(id, CAROL)
  await client.rooms.rotate(id)
  await client.rooms.leave(id)
  assert.deepEqual(await authorizedIn(here, resourceUri), [BOB])
  assert.equal(core.rooms.state.shared.length, 5)
  const inside = ['create-resource', 'create-authorizations', 'delete-authorizations', 'bind-key']
  for (const name of inside) assert.ok(asked(here, name) > 0, name)
  // The plain way was used for the lists above, and for nothing else since the room was made.
  assert.equal(core.posts.length - posted, 2)
  assert.equal(realm.state.handshakes, 1)
})

test('who came and went is told as it happens and can be read later, with actor and time', async () => {
  const here = await world()
  const { rooms } = here.client
  const { id } = await roomOf(here)
  const heard: RoomEvent[] = []
  const stop = rooms.onEvent((event) => heard.push(event))
  const added = await rooms.add(id, CAROL)
  await rooms.post(id, 'Welcome')
  await rooms.remove(id, CAROL)
  const { keyUri } = await rooms.rotate(id)
  await until(() => heard.length === 3)
  stop()
  await rooms.add(id, CAROL)
  const seen = (await rooms.events(id)).map((event) => [event.verb, event.subjectId, event.keyUri])
  assert.deepEqual(seen, [
    ['add', CAROL, undefined],
    ['leave', CAROL, undefined],
    ['updateKey', undefined, keyUri],
    ['add', CAROL, undefined],
  ])
  assert.deepEqual(heard[0], added)
  assert.deepEqual([added.actorId, added.publishedAt], [ALICE, '2026-03-01T10:00:00.000Z'])
  assert.equal(heard.length, 3)
})

test('two people have one room, however often it is asked for', async () => {
  const { core, client } = await world()
  const first = await client.rooms.direct(BOB)
  assert.deepEqual(first.participantIds, [ALICE, BOB])
  assert.equal((await client.rooms.direct(BOB)).id, first.id)
  assert.equal(core.rooms.state.shared.length, 1)
  assert.deepEqual(core.conversations.get(first.id)?.tags, ['ONE_ON_ONE'])
})

test('a room without a key gets one before the next message', async () => {
  const here = await world()
  const { id, keyUri, resourceUri, stored } = await roomOf(here)
  here.core.rooms.dropKey(stored)
  await here.client.rooms.find(id)
  await here.client.rooms.post(id, 'after rotation')
  const used = String(here.core.activities.at(-1)?.['encryptionKeyUrl'])
  assert.notEqual(used, keyUri)
  assert.equal((await here.client.keys.retrieve(used)).resourceUri, resourceUri)
})

test('a client that does not know that the key was taken away is told so, makes one and sends again', async () => {
  const here = await world()
  const { id, keyUri, stored } = await roomOf(here)
  here.core.rooms.dropKey(stored)
  const { text } = await here.client.rooms.post(id, 'not under the old key')
  assert.equal(text, 'not under the old key')
  const [rotation, post] = here.core.activities
  assert.equal(rotation?.['verb'], 'updateKey')
  assert.notEqual(post?.['encryptionKeyUrl'], keyUri)
  assert.equal(post?.['encryptionKeyUrl'], stored['defaultActivityEncryptionKeyUrl'])
})

for (const isFormer of [true, false]) {
  const title = isFormer ? 'has been renewed' : 'is one that the room never had'
  test(`when the key ${title}, the room is read again and the message sent under its key`, async () => {
    const here = await world()
    const { client, core } = here
    const { id, resourceUri, stored } = await roomOf(here)
    if (!isFormer) {
      // Remembered by the client, never told to the core.
      const { bind, takeUnbound } = client.keys
      const { uri } = await bind((await takeUnbound()).uri, String(resourceUri))
      stored['defaultActivityEncryptionKeyUrl'] = uri
      await client.rooms.find(id)
    }
    const next = await client.keys.bind((await client.keys.takeUnbound()).uri, String(resourceUri))
    if (isFormer) core.rooms.rekey(stored, next.uri)
    else stored['defaultActivityEncryptionKeyUrl'] = next.uri
    await client.rooms.setTitle(id, 'Dinner')
    await client.rooms.post(id, 'sent again')
    const used = core.activities.map((activity) => activity['encryptionKeyUrl'])
    const current = stored['defaultActivityEncryptionKeyUrl']
    assert.deepEqual(used, [current, current])
    assert.equal((await client.rooms.find(id)).title, 'Dinner')
    assert.equal(core.rooms.state.shared.length, 1)
  })
}

test('a core that never takes the key is given up after a few tries', async () => {
  const here = await world()
  const { id, stored } = await roomOf(here)
  let drops = 0
  const dropAgain = (told: { status: number; body: Record<string, unknown> }) => {
    drops += 1
    here.core.rooms.dropKey(stored)
    return told
  }
  here.core.rooms.dropKey(stored)
  here.core.rooms.state.change = dropAgain
  await assert.rejects(here.client.rooms.post(id, 'never'), (error: unknown) => {
    assert.ok(error instanceof ClientError)
    assert.deepEqual(
      [error.code, error.about, error.status],
      ['client.core-refused', 'core.rotation-required', 400],
    )
    return true
  })
  assert.equal(drops, 3)
})

test('a refusal of the realm is opened and told as what it is', async () => {
  const here = await world()
  const { id } = await roomOf(here)
  const refused = { status: 403, reason: 'Not yours', errorCode: 403_000 }
  here.realm.state.change = ({ requestId }) => ({ ...refused, requestId })
  await assert.rejects(here.client.rooms.add(id, CAROL), (error: unknown) => {
    assert.ok(error instanceof KmsRefused)
    assert.deepEqual([error.status, error.reason, error.errorCode], [403, 'Not yours', 403_000])
    return true
  })
  here.realm.state.change = (answer) => answer
  await here.client.rooms.add(id, CAROL)
})

test('a session that the realm dropped is made anew, and the request sent once more', async () => {
  const here = await world()
  const { id, resourceUri } = await roomOf(here)
  await here.clock.advance(7000)
  here.realm.sessions.clear()
  await here.client.rooms.add(id, CAROL)
  assert.equal(here.realm.state.handshakes, 2)
  assert.deepEqual(await authorizedIn(here, resourceUri), [ALICE, BOB, CAROL])
})

test('a realm that drops the session again and again is told of as such', async () => {
  const here = await world()
  const { id } = await roomOf(here)
  here.realm.sessions.clear()
  // Too young to be believed lost: the same session is tried again, and that is all.
  await assert.rejects(here.client.rooms.add(id, CAROL), hasCode('client.session-reset'))
})

test('the core cannot say "done" without the realm, nor with the words of another request', async () => {
  const here = await world()
  const { id } = await roomOf(here)
  const lies: Record<string, (told: Told) => Told> = {
    'client.not-confirmed': ({ body: { kmsMessage: _, ...body } }) => ({ status: 201, body }),
    'client.invalid-answer': ({ body }) => ({
      status: 201,
      body: { ...body, kmsMessage: kept },
    }),
    'client.not-opened': ({ body }) => ({
      status: 201,
      body: { ...body, kmsMessage: 'a.b.c.d.e' },
    }),
  }
  let kept: unknown
  here.core.rooms.state.change = (told) => {
    kept = told.body['kmsMessage']
    return told
  }
  await here.client.rooms.add(id, CAROL)
  for (const [code, lie] of Object.entries(lies)) {
    here.core.rooms.state.change = lie
    await assert.rejects(here.client.rooms.add(id, CAROL), hasCode(code))
  }
  const saysNo = ({ body }: Told): Told => ({
    status: 400,
    body: { errorCode: 1_900_000, message: body['kmsMessage'] },
  })
  here.core.rooms.state.change = saysNo
  await assert.rejects(here.client.rooms.add(id, CAROL), hasCode('client.not-confirmed'))
  const hidesNo = ({ body }: Told): Told => ({
    status: 201,
    body: { ...body, kmsMessage: body['message'] },
  })
  here.core.rooms.state.change = hidesNo
  here.realm.state.change = ({ requestId }) => ({ status: 403, reason: 'no', requestId })
  await assert.rejects(here.client.rooms.add(id, CAROL), KmsRefused)
})

interface Told {
  readonly status: number
  readonly body: Record<string, unknown>
}

test('the core cannot give a room the resource or the key of another', async () => {
  const here = await world()
  const { client } = here
  const { id, stored } = await roomOf(here)
  const other = await client.rooms.create({ title: 'Another', participantIds: [CAROL] })
  const own = { ...stored }
  const wrong = [
    { kmsResourceObjectUrl: other.resourceUri },
    { kmsResourceObjectUrl: undefined },
    { encryptionKeyUrl: other.keyUri },
  ]
  for (const change of wrong) {
    Object.assign(stored, own, change)
    await assert.rejects(client.rooms.find(id), hasCode('client.invalid-answer'))
  }
  Object.assign(stored, own, { defaultActivityEncryptionKeyUrl: other.keyUri })
  await client.rooms.find(id)
  const before = here.core.activities.length
  await assert.rejects(client.rooms.post(id, 'to whom?'), hasCode('client.invalid-answer'))
  assert.equal(here.core.activities.length, before)
})

test('the core cannot bring back a former key of the room', async () => {
  const here = await world()
  const { client, core } = here
  const { id, keyUri, stored } = await roomOf(here)
  await client.rooms.post(id, 'with Bob')
  await client.rooms.remove(id, BOB)
  await client.rooms.post(id, 'without Bob')
  const fresh = stored['defaultActivityEncryptionKeyUrl']
  assert.notEqual(fresh, keyUri)
  stored['defaultActivityEncryptionKeyUrl'] = keyUri
  const before = core.activities.length
  await client.rooms.find(id)
  await assert.rejects(client.rooms.post(id, 'can he read?'), hasCode('client.key-rolled-back'))
  assert.equal(core.activities.length, before)
  stored['defaultActivityEncryptionKeyUrl'] = fresh
  await client.rooms.find(id)
  await client.rooms.post(id, 'without Bob')
})

test('a made room must have the resource that the realm made for it', async () => {
  const here = await world()
  here.core.rooms.state.change = ({ status, body }) => ({
    status,
    body: { ...body, kmsResourceObjectUrl: `kms://${DOMAIN}/resources/${crypto.randomUUID()}` },
  })
  await assert.rejects(here.client.rooms.create(NEW), ClientError)
})

test('the roster shows who may read beside who is said to be there', async () => {
  const here = await world()
  const { client } = here
  const { id, resourceUri, stored } = await roomOf(here)
  const team = `kms://${DOMAIN}/resources/${crypto.randomUUID()}`
  await client.resources.authorize(String(resourceUri), [team])
  stored.participants.items = [
    { id: ALICE, orgId: 'acme', roomProperties: { isModerator: true } },
    { id: BOB, orgId: 'globex', type: 'MACHINE' },
    { id: CAROL },
  ]
  const roster = await client.rooms.roster(id)
  const shown = roster.map((one) => [one.id, one.kind, one.isAuthorized, one.isListed])
  assert.deepEqual(shown, [
    [ALICE, 'person', true, true],
    [BOB, 'machine', true, true],
    [team, 'resource', true, false],
    [CAROL, 'person', false, true],
  ])
  assert.deepEqual(
    roster.map(({ isModerator, isOutsider }) => [isModerator, isOutsider]),
    [
      [true, false],
      [false, true],
      [false, false],
      [false, false],
    ],
  )
})
