// Rooms as real clients make, change and read them, with a realm that has its say in who may read.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sealedAnswer } from './acting-realm.ts'
import { listenAs } from './fake-device.ts'
import {
  add,
  JWE,
  K1,
  K2,
  K3,
  leave,
  newRoom,
  openRoomLife,
  person,
  post,
  type RoomLife,
  updateKey,
} from './room-life.ts'
import { ACME, ALICE, BOB, CAROL, GINA, GLOBEX } from './world.ts'

let life: RoomLife
before(async () => {
  life = await openRoomLife({ limits: { membersPerRoom: 4 } })
})
after(() => life.close())

const lastPart = () => life.realm.asked.at(-1)?.part

test('a room is made together with its resource, and the sealed answer comes back in it', async () => {
  const { status, text } = await life.make(['alice', 'bob'])
  assert.equal(status, 201)
  const room = JSON.parse(text)
  assert.equal(room.kmsMessage, sealedAnswer('says-201'))
  assert.match(room.kmsResourceObjectUrl, /^kms:\/\/kms\.acme\.example\/resources\//)
  assert.equal(room.defaultActivityEncryptionKeyUrl, K1)
  assert.deepEqual(lastPart(), {
    user: ALICE,
    operation: 'create-resource',
    keyUris: [K1],
    subjects: [ALICE, BOB],
  })
  assert.deepEqual(
    room.participants.items.map(({ id }: { id: string }) => id),
    [ALICE, BOB],
  )
  assert.equal((await life.show('bob', room)).displayName, JWE)
})

test('a room that the realm refuses is not there, and the refusal comes back sealed', async () => {
  const before = await life.ask('alice', 'GET', '/conversations')
  const refused = await life.make(['alice'], { kmsMessage: 'a..refuse.c.d' })
  assert.equal(refused.status, 400)
  const compact = sealedAnswer('says-403')
  assert.deepEqual(refused.body, {
    errorCode: 1900000,
    message: compact,
    errors: [{ description: compact }],
    trackingId: refused.headers['trackingid'],
  })
  assert.equal((await life.ask('alice', 'GET', '/conversations')).text, before.text)
})

test('a message that the realm cannot open changes nothing, and the client learns it', async () => {
  const room = await life.room('alice')
  const garbage = await life.act('alice', room, add('bob', 'garbage'))
  assert.equal(garbage.body['code'], 'core.kms-message-unread')
  assert.equal((await life.show('alice', room)).participants.items.length, 1)
})

test('somebody is added and may read; the core says exactly what it is about to do', async () => {
  const room = await life.room('alice')
  const added = await life.act('alice', room, add('bob'))
  assert.equal(added.status, 201)
  assert.equal(added.body['kmsMessage'], sealedAnswer('says-201'))
  assert.deepEqual(lastPart(), {
    user: ALICE,
    operation: 'create-authorizations',
    resourceUri: room.kmsResourceObjectUrl,
    subjects: [BOB],
  })
  assert.equal((await life.show('bob', room)).id, room.id)
  const [, joined] = await life.acts('bob', room)
  assert.deepEqual([joined?.verb, joined?.actor.id, joined?.object.id], ['add', ALICE, BOB])
})

test('adding twice is one addition, and answers like the first', async () => {
  const room = await life.room('alice')
  const first = await life.act('alice', room, add('bob'))
  const second = await life.act('alice', room, add('bob'))
  assert.equal(second.status, 201)
  assert.equal(second.body['id'], first.body['id'])
  const self = await life.act('alice', room, add('alice'))
  assert.equal(self.body['verb'], 'create')
  assert.equal((await life.acts('alice', room)).length, 2)
})

test('whoever leaves takes the key along, and content waits for a new one', async () => {
  const room = await life.room('alice', 'bob', 'carol')
  assert.equal((await life.act('bob', room, leave('bob'))).status, 201)
  assert.deepEqual(lastPart(), {
    user: BOB,
    operation: 'delete-authorizations',
    resourceUri: room.kmsResourceObjectUrl,
    subjects: [BOB],
  })
  assert.equal((await life.show('alice', room)).defaultActivityEncryptionKeyUrl, undefined)
  const early = await life.act('alice', room, post(K1))
  assert.deepEqual(
    [early.status, early.body['code'], early.body['errorCode']],
    [400, 'core.rotation-required', 1400087],
  )
  assert.equal((await life.act('carol', room, updateKey(K2))).status, 201)
  assert.deepEqual(lastPart(), {
    user: CAROL,
    operation: 'bind-key',
    resourceUri: room.kmsResourceObjectUrl,
    keyUris: [K2],
  })
  const stale = await life.act('alice', room, post(K1))
  assert.deepEqual(
    [stale.status, stale.body['code'], stale.body['errorCode']],
    [409, 'core.key-rotated', 1409004],
  )
  const foreign = await life.act('alice', room, post(K3))
  assert.deepEqual(
    [foreign.status, foreign.body['code'], foreign.body['errorCode']],
    [400, 'core.key-mismatch', 1400049],
  )
  assert.equal((await life.act('alice', room, post(K2))).status, 201)
  assert.equal((await life.act('bob', room, post(K2))).body['code'], 'core.unknown-conversation')
})

test('a key that the room had before is no new key, whoever brings it back', async () => {
  const room = await life.room('alice', 'bob')
  await life.act('alice', room, leave('bob'))
  const back = await life.act('alice', room, updateKey(K1))
  assert.deepEqual(
    [back.status, back.body['code'], back.body['errorCode']],
    [409, 'core.key-rotated', 1409004],
  )
  assert.equal((await life.act('alice', room, updateKey(K2))).status, 201)
  // Its own key once more is a client's retry.
  assert.equal((await life.act('alice', room, updateKey(K2))).status, 201)
  assert.equal((await life.act('alice', room, updateKey(K1))).body['code'], 'core.key-rotated')
  assert.equal((await life.act('alice', room, post(K1))).body['code'], 'core.key-rotated')
  assert.equal((await life.act('alice', room, post(K2))).status, 201)
})

test('old activities keep their key when the room gets another', async () => {
  const room = await life.room('alice')
  await life.act('alice', room, post(K1))
  await life.act('alice', room, updateKey(K2))
  await life.act('alice', room, post(K2))
  const { text } = await life.ask('alice', 'GET', `/conversations/${room.id}/activities`)
  const { items }: { items: { encryptionKeyUrl?: string }[] } = JSON.parse(text)
  assert.deepEqual(
    items.map(({ encryptionKeyUrl }) => encryptionKeyUrl),
    [undefined, K1, undefined, K2],
  )
})

test('a member is removed by another, the last may leave, and nobody leaves twice', async () => {
  const room = await life.room('alice', 'bob')
  assert.equal((await life.act('alice', room, leave('bob'))).status, 201)
  assert.equal((await life.act('alice', room, leave('bob'))).body['code'], 'core.not-a-participant')
  assert.equal((await life.act('alice', room, leave('alice'))).status, 201)
  assert.equal((await life.act('alice', room, leave('alice'))).status, 404)
})

test('every device of everybody who was or is in the room hears of joins and leaves', async () => {
  const room = await life.room('alice', 'bob')
  const devices = await Promise.all(
    ['alice', 'bob', 'carol'].map(async (token) => {
      const { webSocketUrl } = await life.world.register(token)
      return await listenAs(webSocketUrl, { ca: life.world.authority.ca, token })
    }),
  )
  await life.act('alice', room, add('carol'))
  await life.act('alice', room, leave('bob'))
  const [alice, bob, carol] = devices
  for (const device of [alice, bob, carol]) {
    const heard = [await device?.events.take(), await device?.events.take()]
    assert.match(JSON.stringify(heard), /"verb":"add".*"verb":"leave"/)
    device?.close()
  }
})

test('what changes who may read needs a kmsMessage, and nothing else may carry one', async () => {
  const room = await life.room('alice', 'bob')
  for (const doing of [add('carol'), leave('bob'), updateKey(K2)]) {
    const { kmsMessage: _, ...bare } = doing
    assert.equal((await life.act('alice', room, bare)).body['code'], 'core.kms-message-missing')
  }
  const odd = await life.act('alice', room, post(K1, { kmsMessage: 'a..b.c.d' }))
  assert.equal(odd.status, 501)
  assert.equal(odd.body['code'], 'core.kms-message-not-supported')
})

test('a room that was made without a resource gets one with its first key', async () => {
  const items = [{ verb: 'add', object: { id: BOB } }]
  const body = { activities: { items }, objectType: 'conversation' }
  const { text } = await life.ask('alice', 'POST', '/conversations', body)
  const room = JSON.parse(text)
  assert.equal((await life.act('alice', room, updateKey(K1))).status, 201)
  assert.deepEqual(lastPart(), {
    user: ALICE,
    operation: 'create-resource',
    keyUris: [K1],
    subjects: [ALICE, BOB],
  })
  const { kmsResourceObjectUrl, defaultActivityEncryptionKeyUrl } = await life.show('bob', room)
  assert.match(kmsResourceObjectUrl, /resources/)
  assert.equal(defaultActivityEncryptionKeyUrl, K1)
})

test('a client that makes its room again, having no answer, gets the room that it has', async () => {
  const first = await life.room('alice', 'bob')
  // The realm recognises the keys, and answers with the resource that it made for them.
  life.realm.alias = first.kmsResourceObjectUrl
  const again = await life.room('alice', 'bob')
  life.realm.alias = undefined
  assert.equal(again.id, first.id)
})

test('a pair has one room, whoever makes it and however often', async () => {
  const tags = { tags: ['ONE_ON_ONE'] }
  const none = await life.ask('bob', 'GET', `/conversations/user/${CAROL}`)
  assert.equal(none.status, 404)
  const made = await Promise.all([
    life.make(['bob', 'carol'], tags),
    life.make(['carol', 'bob'], tags),
  ])
  const [one, other] = made.map(({ text }) => JSON.parse(text))
  assert.equal(one.id, other.id)
  assert.deepEqual(one.tags, ['ONE_ON_ONE'])
  const found = await life.ask('carol', 'GET', `/conversations/user/${BOB}?activitiesLimit=0`)
  assert.equal(found.body['id'], one.id)
  const words = newRoom(['bob', 'carol'], tags)
  const items = [...words.activities.items, post(K1)]
  const lost = await life.ask('bob', 'POST', '/conversations', { ...words, activities: { items } })
  assert.equal(lost.body['code'], 'core.direct-room-exists')
  const moderator = { verb: 'assignModerator', object: person('bob') }
  for (const doing of [add('alice'), leave('carol'), moderator]) {
    assert.equal((await life.act('bob', one, doing)).body['code'], 'core.direct-room')
  }
  const three = await life.make(['bob', 'carol', 'alice'], tags)
  assert.equal(three.body['about'], 'tags')
})

test('the first post comes with its room, under the key of the room', async () => {
  const body = newRoom(['alice', 'bob'])
  const said = (key: string) => {
    const items = [...body.activities.items, post(key)]
    return life.ask('alice', 'POST', '/conversations', { ...body, activities: { items } })
  }
  const { activities } = JSON.parse((await said(K1)).text)
  assert.match(JSON.stringify(activities), /"create".*"post"/)
  assert.equal((await said(K2)).body['code'], 'core.key-mismatch')
})

test('files are shared as references under the room key', async () => {
  const room = await life.room('alice', 'bob')
  const file = {
    objectType: 'file',
    displayName: JWE,
    scr: JWE,
    fileSize: 12,
    mimeType: 'image/png',
    url: 'https://files.test/1',
    image: { scr: JWE, width: 1, height: 2 },
  }
  const share = (files: object[]) => ({
    verb: 'share',
    object: { objectType: 'content', contentCategory: 'images', files: { items: files } },
    encryptionKeyUrl: K1,
  })
  const path = `/conversations/${room.id}/content?transcode=true&async=false`
  const shared = await life.ask('alice', 'POST', path, share([file]))
  assert.equal(shared.status, 201)
  const [, seen] = await life.acts('bob', room)
  assert.deepEqual(seen?.object['files'], { items: [file] })
  const readable = share([{ ...file, image: { scr: 'https://files.test/1' } }])
  const refused = await life.ask('alice', 'POST', path, readable)
  assert.deepEqual([refused.body['code'], refused.body['about']], ['core.not-ciphertext', 'scr'])
})

test('a title is ciphertext under the room key, and a moderator locks it with the roster', async () => {
  const room = await life.room('alice', 'bob')
  const title = (key = K1) => ({
    verb: 'update',
    object: { objectType: 'conversation', displayName: 'eeee..ffff.aaaa.bbbb' },
    encryptionKeyUrl: key,
  })
  const lock = { verb: 'lock', object: { objectType: 'conversation' } }
  const moderator = (name: string) => ({ verb: 'assignModerator', object: person(name) })
  const codeOf = async (name: string, doing: object) =>
    (await life.act(name, room, doing)).body['code']
  assert.equal(await codeOf('bob', title()), undefined)
  assert.equal((await life.show('alice', room)).displayName, 'eeee..ffff.aaaa.bbbb')
  assert.equal(await codeOf('bob', title(K2)), 'core.key-mismatch')
  assert.equal(await codeOf('alice', lock), 'core.moderator-only')
  assert.equal(await codeOf('alice', moderator('carol')), 'core.not-a-participant')
  assert.equal(await codeOf('alice', moderator('alice')), undefined)
  assert.equal(await codeOf('bob', moderator('bob')), 'core.moderator-only')
  assert.equal(await codeOf('alice', lock), undefined)
  assert.deepEqual((await life.show('bob', room)).tags, ['LOCKED'])
  for (const doing of [title(), add('carol'), leave('alice')]) {
    assert.equal(await codeOf('bob', doing), 'core.room-locked')
  }
  assert.equal(await codeOf('alice', add('carol')), undefined)
  assert.equal(await codeOf('bob', leave('bob')), undefined)
  assert.equal(await codeOf('alice', leave('alice')), undefined)
  // Nobody is left who could open the lock: it falls away.
  assert.deepEqual((await life.show('carol', room)).tags, [])
})

test('the roster names organisations and roles, and says when somebody is from outside', async () => {
  const room = await life.room('alice', 'bob')
  await life.act('alice', room, { verb: 'assignModerator', object: person('bob') })
  assert.equal((await life.show('alice', room)).isExternal, false)
  await life.act('alice', room, add('gina'))
  const { text } = await life.ask('gina', 'GET', `/conversations/${room.id}/participants`)
  const { items }: { items: Record<string, unknown>[] } = JSON.parse(text)
  assert.deepEqual(
    items.map(({ id, type, orgId, roomProperties }) => [id, type, orgId, roomProperties]),
    [
      [ALICE, 'PERSON', ACME.organizationId, { isModerator: false }],
      [BOB, 'PERSON', ACME.organizationId, { isModerator: true }],
      [GINA, 'PERSON', GLOBEX.organizationId, { isModerator: false }],
    ],
  )
  assert.equal((await life.show('alice', room)).isExternal, true)
})

test('a message is taken back by its author or a moderator, and its content is gone', async () => {
  const room = await life.room('alice', 'bob')
  const { body: said } = await life.act('bob', room, post(K1))
  const erase = (id: unknown) => ({ verb: 'delete', object: { objectType: 'activity', id } })
  const codeOf = async (name: string, id: unknown) =>
    (await life.act(name, room, erase(id))).body['code']
  assert.equal(await codeOf('alice', said['id']), 'core.not-your-activity')
  assert.equal(await codeOf('bob', ALICE), 'core.unknown-activity')
  assert.equal(await codeOf('bob', said['id']), undefined)
  const [, tombstone, erased] = await life.acts('alice', room)
  assert.deepEqual([tombstone?.verb, erased?.verb], ['tombstone', 'delete'])
  assert.equal(tombstone?.object['content'], undefined)
  assert.equal(await codeOf('bob', said['id']), 'core.unknown-activity')
})

test('activities are read in pages, by neighbour and by time, and one by one', async () => {
  const room = await life.room('alice')
  for (let n = 0; n < 5; n += 1) await life.act('alice', room, post(K1))
  const all = await life.acts('alice', room)
  const ids = all.map(({ id }) => id)
  const times = all.map(({ published }) => Date.parse(published))
  const page = async (query: string) => (await life.acts('alice', room, query)).map(({ id }) => id)
  assert.equal(new Set(times).size, 6)
  assert.deepEqual(await page('limit=2'), ids.slice(4))
  assert.deepEqual(await page(`limit=2&after=${ids[0]}`), ids.slice(1, 3))
  assert.deepEqual(await page(`limit=2&before=${ids[4]}`), ids.slice(2, 4))
  assert.deepEqual(await page(`limit=2&maxDate=${(times[3] ?? 0) - 1}`), ids.slice(1, 3))
  assert.deepEqual(await page(`limit=2&sinceDate=${(times[3] ?? 0) + 1}`), ids.slice(4))
  assert.deepEqual(await page(`limit=4&midDate=${all[3]?.published}`), ids.slice(1, 5))
  const one = await life.ask('alice', 'GET', `/conversations/${room.id}/activities/${ids[1]}`)
  assert.equal(one.body['id'], ids[1])
  const wrong = await life.ask('alice', 'GET', `/conversations/${room.id}/activities?maxDate=soon`)
  assert.equal(wrong.body['about'], 'maxDate')
})

test('answers and edits name their parents, and are found by them', async () => {
  const room = await life.room('alice')
  const { body: said } = await life.act('alice', room, post(K1))
  const reply = post(K1, { parent: { id: said['id'], type: 'reply' } })
  const { body: answer } = await life.act('alice', room, reply)
  const parents = await life.ask('alice', 'GET', `/conversations/${room.id}/parents`)
  assert.deepEqual(parents.body, { reply: [said['id']] })
  const path = `/conversations/${room.id}/parents/${said['id']}?activityType=`
  const children = async (type: string) =>
    JSON.parse((await life.ask('alice', 'GET', `${path}${type}`)).text).items
  assert.equal((await children('reply'))[0].id, answer['id'])
  assert.deepEqual(await children('edit'), [])
})

test('a room shows as much of itself as is asked for', async () => {
  const room = await life.room('alice', 'bob')
  const get = async (query: string) => {
    const { text } = await life.ask('alice', 'GET', `/conversations/${room.id}?${query}`)
    const { participants, activities } = JSON.parse(text)
    return [participants.items.length, activities.items.length]
  }
  assert.deepEqual(await get('includeParticipants=false&activitiesLimit=0'), [0, 0])
  assert.deepEqual(await get('participantsLimit=0&activitiesLimit=5'), [0, 1])
  assert.deepEqual(await get(''), [2, 0])
  const { text } = await life.ask('bob', 'GET', '/conversations?participantsLimit=0')
  const newest = JSON.parse(text).items.at(-1)
  assert.equal(newest.id, room.id)
  assert.deepEqual(newest.participants.items, [])
})

test('a room has no more members than the settings allow', async () => {
  const room = await life.room('alice', 'bob', 'carol', 'gina')
  const fifth = '11111111-2222-4333-8444-555555555555'
  assert.equal((await life.act('alice', room, add(fifth))).body['code'], 'core.room-full')
  const many = await life.make(['alice', 'bob', 'carol', 'gina', fifth])
  assert.equal(many.body['code'], 'core.room-full')
})

test('an activity that nobody knows, or for two rooms at once, is refused', async () => {
  const room = await life.room('alice')
  const strange = await life.act('alice', room, { verb: 'favorite', object: {} })
  assert.equal(strange.body['code'], 'core.body-invalid')
  const elsewhere = await life.act('alice', room, { ...post(K1), target: { id: ALICE } })
  assert.equal(elsewhere.body['about'], 'target.id')
  const nowhere = await life.ask('alice', 'POST', '/activities', post(K1))
  assert.equal(nowhere.body['about'], 'target.id')
})
