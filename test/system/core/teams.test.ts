// Teams: a general room, rooms that its members may see, and a realm that has a word in each of them.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  ACCEPTED,
  add,
  JWE,
  K1,
  K2,
  leave,
  newRoom,
  openRoomLife,
  post,
  type Room,
  type RoomLife,
  updateKey,
} from './room-life.ts'
import { ALICE, BOB } from './world.ts'

let life: RoomLife
before(async () => {
  life = await openRoomLife()
})
after(() => life.close())

interface Team {
  readonly id: string
  readonly generalConversationUuid: string
  readonly kmsMessage: string
  readonly displayName: string
  readonly conversations: { readonly items: readonly Room[] }
  readonly teamMembers: { readonly items: readonly { readonly id: string }[] }
}

const makeTeam = async (...names: readonly string[]): Promise<Team> => {
  const body = { ...newRoom(names), objectType: 'team', summary: JWE, conversations: { items: [] } }
  return JSON.parse((await life.ask(names[0] ?? '', 'POST', '/teams', body)).text)
}
const makeTeamRoom = async (team: Team, ...names: readonly string[]): Promise<Room> => {
  const path = `/teams/${team.id}/conversations?includeAllTeamMembers=false`
  return JSON.parse((await life.ask(names[0] ?? '', 'POST', path, newRoom(names))).text)
}
const generalOf = (team: Team): Room => {
  const general = team.conversations.items.find(({ id }) => id === team.generalConversationUuid)
  assert.ok(general)
  return general
}
const lastPart = () => life.realm.asked.at(-1)?.part
const codeOf = async (asking: ReturnType<RoomLife['ask']>) => (await asking).body['code']

test('a team is made as its general room, with a resource that others can name', async () => {
  const team = await makeTeam('alice', 'bob')
  assert.equal(team.displayName, JWE)
  assert.match(team.kmsMessage, /says-201/)
  assert.deepEqual(
    team.teamMembers.items.map(({ id }) => id),
    [ALICE, BOB],
  )
  assert.match(generalOf(team).kmsResourceObjectUrl, /resources/)
  const shown = await life.ask('bob', 'GET', `/teams/${team.id}?includeTeamConversations=true`)
  assert.equal(shown.body['generalConversationUuid'], team.generalConversationUuid)
  const { body } = await life.ask('bob', 'GET', '/teams')
  assert.match(JSON.stringify(body), new RegExp(team.id))
})

test('a room in a team is authorised through the general room as well', async () => {
  const team = await makeTeam('alice', 'bob')
  const room = await makeTeamRoom(team, 'alice')
  assert.deepEqual(lastPart(), {
    user: ALICE,
    operation: 'create-resource',
    keyUris: [K1],
    subjects: [ALICE, generalOf(team).kmsResourceObjectUrl],
  })
  const { text } = await life.ask('bob', 'GET', `/teams/${team.id}/conversations`)
  const { items }: { items: Room[] } = JSON.parse(text)
  assert.deepEqual(
    items.map(({ id }) => id),
    [team.generalConversationUuid, room.id],
  )
})

test('a member of the team joins one of its rooms by authorising themselves', async () => {
  const team = await makeTeam('alice', 'bob')
  const room = await makeTeamRoom(team, 'alice')
  const path = `/teams/${team.id}/conversations/${room.id}/participants`
  assert.equal(await codeOf(life.ask('bob', 'POST', path)), 'core.kms-message-missing')
  const joined = await life.ask('bob', 'POST', path, { kmsMessage: 'a..join.c.d' })
  assert.equal(joined.status, ACCEPTED)
  assert.match(String(joined.body['kmsMessage']), /says-201/)
  assert.deepEqual(lastPart(), {
    user: BOB,
    operation: 'create-authorizations',
    resourceUri: room.kmsResourceObjectUrl,
    subjects: [BOB],
  })
  const [, added] = await life.acts('bob', room)
  assert.deepEqual([added?.verb, added?.actor.id, added?.object.id], ['add', BOB, BOB])
})

test('outsiders of a team see none of it, and strangers to a room cannot join it', async () => {
  const team = await makeTeam('alice')
  const room = await makeTeamRoom(team, 'alice')
  const alone = await life.room('alice')
  const join = { kmsMessage: 'a..b.c.d' }
  const at = (id: string) => `/teams/${team.id}/conversations/${id}/participants`
  assert.equal(await codeOf(life.ask('bob', 'GET', `/teams/${team.id}`)), 'core.unknown-team')
  assert.equal(await codeOf(life.ask('bob', 'POST', at(room.id), join)), 'core.unknown-team')
  assert.equal(await codeOf(life.ask('alice', 'GET', `/teams/${alone.id}`)), 'core.unknown-team')
  const strange = life.ask('alice', 'POST', at(alone.id), join)
  assert.equal(await codeOf(strange), 'core.unknown-conversation')
  const noWord = { ...newRoom(['alice']), kmsMessage: undefined }
  const made = life.ask('alice', 'POST', `/teams/${team.id}/conversations`, noWord)
  assert.equal(await codeOf(made), 'core.kms-message-missing')
})

test('whoever leaves the general room takes the keys of all rooms of the team along', async () => {
  const team = await makeTeam('alice', 'bob')
  const room = await makeTeamRoom(team, 'alice')
  await life.act('alice', generalOf(team), leave('bob'))
  for (const { id } of [room, generalOf(team)]) {
    assert.equal(await codeOf(life.act('alice', { id }, post(K1))), 'core.rotation-required')
    await life.act('alice', { id }, updateKey(K2))
    assert.equal((await life.act('alice', { id }, post(K2))).status, ACCEPTED)
  }
})

test('a room enters a team and leaves it again; teams do not nest', async () => {
  const team = await makeTeam('alice', 'bob')
  const other = await makeTeam('alice')
  const general = generalOf(team)
  const room = await life.room('alice', 'carol')
  const enter = (id: string) => ({
    verb: 'add',
    object: { objectType: 'conversation', id },
    kmsMessage: 'a..enter.c.d',
  })
  const depart = { ...enter(room.id), verb: 'remove' }
  assert.equal(await codeOf(life.act('bob', general, enter(room.id))), 'core.unknown-conversation')
  assert.equal(await codeOf(life.act('alice', room, enter(room.id))), 'core.unknown-team')
  assert.equal(await codeOf(life.act('alice', general, depart)), 'core.unknown-conversation')
  assert.equal((await life.act('alice', general, enter(room.id))).status, ACCEPTED)
  const part = { user: ALICE, subjects: [general.kmsResourceObjectUrl] }
  const resourceUri = room.kmsResourceObjectUrl
  assert.deepEqual(lastPart(), { ...part, operation: 'create-authorizations', resourceUri })
  for (const id of [room.id, generalOf(other).id]) {
    assert.equal(await codeOf(life.act('alice', general, enter(id))), 'core.already-in-team')
  }
  assert.equal((await life.act('alice', general, depart)).status, ACCEPTED)
  assert.deepEqual(lastPart(), { ...part, operation: 'delete-authorizations', resourceUri })
  // The team could read along: the room needs a key that the team has never seen.
  assert.equal(await codeOf(life.act('carol', room, post(K1))), 'core.rotation-required')
  assert.equal((await life.act('carol', room, add('bob'))).status, ACCEPTED)
})

test('a room enters a team only once the key that it is about to get has come', async () => {
  const team = await makeTeam('alice', 'bob')
  const general = generalOf(team)
  const room = await life.room('alice')
  const { realm } = life
  realm.mode = 'silent'
  const binding = life.act('alice', room, updateKey(K2))
  while (lastPart()?.operation !== 'bind-key') await new Promise(setImmediate)
  const object = { objectType: 'conversation', id: room.id }
  const entering = life.act('alice', general, { verb: 'add', object, kmsMessage: 'a..enter.c.d' })
  // Long enough for the realm to be asked, if it were.
  for (let n = 0; n < 20; n += 1) await life.show('alice', general)
  assert.equal(lastPart()?.operation, 'bind-key')
  realm.mode = 'in-order'
  await life.dial()
  for (const one of [binding, entering]) assert.equal((await one).status, ACCEPTED)
  assert.equal((await life.act('alice', general, leave('bob'))).status, ACCEPTED)
  assert.equal(await codeOf(life.act('alice', room, post(K2))), 'core.rotation-required')
})

test('nobody but its moderators, or else its creator, brings a room into a team', async () => {
  const own = await makeTeam('bob')
  const room = await life.room('alice', 'bob')
  const enter = () =>
    life.act('bob', generalOf(own), {
      verb: 'add',
      object: { objectType: 'conversation', id: room.id },
      kmsMessage: 'a..enter.c.d',
    })
  assert.equal(await codeOf(enter()), 'core.moderator-only')
  const assign = { verb: 'assignModerator', object: { objectType: 'person', id: BOB } }
  assert.equal((await life.act('alice', room, assign)).status, ACCEPTED)
  assert.equal((await enter()).status, ACCEPTED)
})
