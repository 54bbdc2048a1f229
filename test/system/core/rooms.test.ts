// Conversations and activities: ciphertext in, ciphertext out, members only, and an event for every device.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { listenAs } from './fake-device.ts'
import { JWE, K1, newRoom, openRoomLife, PATH, type RoomLife } from './room-life.ts'
import { ALICE, BOB, type CoreWorld, GINA } from './world.ts'

let life: RoomLife
let world: CoreWorld
before(async () => {
  life = await openRoomLife()
  world = life.world
})
after(() => life.close())

const CONVERSATIONS = `${PATH}/conversations`
const ACTIVITIES = `${PATH}/activities`
const ROOM = newRoom(['alice', 'bob'])

const create = (body: object = ROOM) => world.ask('POST', CONVERSATIONS, { token: 'alice', body })

const activityIn = (id: unknown, content = JWE, more: object = {}) => ({
  verb: 'post',
  objectType: 'activity',
  target: { id, objectType: 'conversation' },
  object: { objectType: 'comment', content },
  encryptionKeyUrl: K1,
  ...more,
})

const say = (token: string, body: object) => world.ask('POST', ACTIVITIES, { token, body })

test('a conversation is kept as it was made, with its maker among the participants', async () => {
  const created = await create()
  assert.equal(created.status, 201)
  const { id, displayName, encryptionKeyUrl, kmsResourceObjectUrl, participants } = created.body
  assert.deepEqual({ displayName, encryptionKeyUrl }, { displayName: JWE, encryptionKeyUrl: K1 })
  assert.ok(life.realm.authorized.has(String(kmsResourceObjectUrl)))
  assert.match(JSON.stringify(participants), new RegExp(`${ALICE}.*${BOB}|${BOB}.*${ALICE}`))
  const shown = await world.ask('GET', `${CONVERSATIONS}/${id}`, { token: 'bob' })
  assert.equal(shown.body['id'], id)
})

test('outsiders learn nothing, not even that there is a conversation', async () => {
  const { body } = await create()
  const asked = [
    world.ask('GET', `${CONVERSATIONS}/${body['id']}`, { token: 'gina' }),
    world.ask('GET', `${CONVERSATIONS}/${GINA}`, { token: 'alice' }),
    world.ask('GET', `${CONVERSATIONS}/${body['id']}/activities`, { token: 'gina' }),
    say('gina', activityIn(body['id'])),
  ]
  for (const { status, body } of await Promise.all(asked)) {
    assert.equal(status, 404)
    assert.equal(body['code'], 'core.unknown-conversation')
  }
})

test('an activity is an event on every device of every member', async () => {
  const { body: room } = await create()
  const devices = await Promise.all(
    ['alice', 'bob', 'bob'].map(async (token) => {
      const { webSocketUrl } = await world.register(token)
      return await listenAs(webSocketUrl, { ca: world.authority.ca, token })
    }),
  )
  const posted = await say('alice', activityIn(room['id']))
  assert.equal(posted.status, 201)
  for (const device of devices) {
    const { data } = await device.events.take()
    assert.deepEqual(data, { eventType: 'conversation.activity', activity: posted.body })
    device.close()
  }
})

test('activities are listed in order, the newest page first', async () => {
  const { body: room } = await create()
  const ids: unknown[] = []
  for (let n = 0; n < 3; n += 1) ids.push((await say('bob', activityIn(room['id']))).body['id'])
  const page = async (query: string) => {
    const path = `${CONVERSATIONS}/${room['id']}/activities?${query}`
    const { text } = await world.ask('GET', path, { token: 'alice' })
    const { items }: { items: { id: string }[] } = JSON.parse(text)
    return items.map(({ id }) => id)
  }
  assert.deepEqual((await page('')).slice(1), ids)
  assert.deepEqual(await page('limit=2'), ids.slice(1))
  assert.deepEqual(await page(`limit=2&after=${ids[0]}`), ids.slice(1))
  const wrong = await world.ask('GET', `${CONVERSATIONS}/${room['id']}/activities?limit=0`, {
    token: 'bob',
  })
  assert.equal(wrong.body['about'], 'limit')
})

const refused: readonly (readonly [string, object, number, string])[] = [
  ['a readable title', { ...ROOM, displayName: 'lunch' }, 400, 'core.not-ciphertext'],
  [
    'a signed title, which anyone can read',
    { ...ROOM, displayName: 'aa.bb.cc' },
    400,
    'core.not-ciphertext',
  ],
  [
    'a key that is no KMS URI',
    { ...ROOM, encryptionKeyUrl: 'https://x' },
    400,
    'core.body-invalid',
  ],
  [
    'a member that is no user',
    { ...ROOM, activities: { items: [{ verb: 'add', object: { id: 'bob' } }] } },
    400,
    'core.body-invalid',
  ],
  ['an unknown member', { ...ROOM, subject: 'lunch' }, 400, 'core.body-invalid'],
  [
    'a resource that its maker names',
    { ...ROOM, kmsResourceObjectUrl: 'kms://kms.acme.example/resources/1' },
    400,
    'core.body-invalid',
  ],
  [
    'a key that the realm was not asked to bind',
    { ...ROOM, kmsMessage: undefined },
    400,
    'core.kms-message-missing',
  ],
  [
    'a title under such a key',
    { ...ROOM, kmsMessage: undefined, defaultActivityEncryptionKeyUrl: undefined },
    400,
    'core.kms-message-missing',
  ],
]

for (const [what, body, status, code] of refused) {
  test(`a conversation is refused: ${what}`, async () => {
    const answer = await create(body)
    assert.equal(answer.status, status)
    assert.equal(answer.body['code'], code)
  })
}

test('a readable message is refused, and no part of it is repeated', async () => {
  const { body: room } = await create()
  const answer = await say('alice', activityIn(room['id'], 'the merger is off'))
  assert.equal(answer.body['code'], 'core.not-ciphertext')
  assert.doesNotMatch(answer.text, /merger/)
  const odd = await say('alice', activityIn(room['id'], JWE, { 'the merger': 1 }))
  assert.doesNotMatch(odd.text, /merger/)
})
