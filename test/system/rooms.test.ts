// The life of rooms through the reference client, a real core and a real realm over TLS: who is in and who may read
// change together, whoever leaves reads nothing that is written after, and the log shows every refusal.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  ClientError,
  type KeyrealmClient,
  type Message,
  type Room,
} from '../../src/client/index.ts'
import { type RunningWorld, startRunningWorld } from '../support/running-world.ts'
import { statusOf, until } from './flow.ts'

let world: RunningWorld
let alice: KeyrealmClient
let bob: KeyrealmClient
let carol: KeyrealmClient
let adam: KeyrealmClient
before(async () => {
  world = await startRunningWorld()
  const names = ['alice', 'bob', 'carol', 'adam']
  const clients = await Promise.all(names.map((name) => world.client(name)))
  ;[alice, bob, carol, adam] = clients as [
    KeyrealmClient,
    KeyrealmClient,
    KeyrealmClient,
    typeof adam,
  ]
})
after(() => world?.close())

const about = (code: string) => (error: unknown) =>
  error instanceof ClientError && (error.about ?? error.code) === code
const texts = (messages: readonly Message[]) => messages.map(({ text }) => text)
const roomOf = (...others: readonly KeyrealmClient[]): Promise<Room> =>
  alice.rooms.create({ title: 'Planning', participantIds: others.map(({ userId }) => userId) })
const keyOfLast = async ({ id }: Room): Promise<string> => {
  const { keyUri } = await alice.rooms.find(id)
  assert.ok(keyUri)
  return keyUri
}
const pseudonymOf = async (name: string): Promise<string> => {
  const { out } = await world.keyrealm('users', 'list')
  const rows = out.split('\n').map((line) => line.split('\t'))
  return rows.find(([id]) => id === world.user(name).id)?.[2] ?? ''
}
/** Keys whose retrieval by this person was refused, in the order of the log. */
const refusalsOf = async (name: string): Promise<readonly unknown[]> => {
  const id = await pseudonymOf(name)
  const entries = await world.entries()
  return entries
    .filter(({ actor, outcome }) => outcome === 'refused' && Object(actor).id === id)
    .map(({ uri, code }) => [uri, code])
}
/** The core's rosters and the realm's authorizations agree. */
const mayRead = async (by: KeyrealmClient, { id }: Room): Promise<readonly string[]> => {
  const roster = await by.rooms.roster(id)
  for (const one of roster) assert.equal(one.isAuthorized, one.isListed, one.id)
  return roster.map((one) => one.id)
}

test('a room is made, people come in, and read all of it', async () => {
  const room = await roomOf(bob)
  await alice.rooms.post(room.id, 'before carol')
  await bob.rooms.add(room.id, carol.userId)
  await carol.rooms.post(room.id, 'here I am')
  assert.deepEqual(texts(await carol.rooms.history(room.id)), ['before carol', 'here I am'])
  assert.equal((await carol.rooms.find(room.id)).title, 'Planning')
  assert.deepEqual(await mayRead(carol, room), [alice.userId, bob.userId, carol.userId])
  const events = await alice.rooms.events(room.id)
  const seen = events.map(({ verb, actorId, subjectId }) => [verb, actorId, subjectId])
  assert.deepEqual(seen.slice(1), [['add', bob.userId, carol.userId]])
})

for (const isRemoved of [true, false]) {
  const who = isRemoved ? 'is removed' : 'leaves'
  test(`whoever ${who} gets no key of what is written after, nor an earlier one, and the log shows each refusal`, async () => {
    const room = await roomOf(bob, carol)
    await carol.rooms.post(room.id, 'while carol was there')
    const former = await keyOfLast(room)
    const before = (await refusalsOf('carol')).length
    const shown: string[] = []
    for (const text of ['first without her', 'second without her']) {
      if (shown.length === 0) {
        const gone = isRemoved
          ? await bob.rooms.remove(room.id, carol.userId)
          : await carol.rooms.leave(room.id)
        assert.deepEqual([gone.verb, gone.subjectId], ['leave', carol.userId])
      } else {
        await bob.rooms.rotate(room.id)
      }
      await alice.rooms.post(room.id, text)
      shown.push(await keyOfLast(room))
    }
    assert.equal(new Set([former, ...shown]).size, 3)
    for (const keyUri of shown) assert.equal(await statusOf(carol.keys.retrieve(keyUri)), 403)
    // What this program has fetched stays in its memory; the realm gives out none of the room's keys again.
    assert.equal((await carol.keys.retrieve(former)).bytes.length, 32)
    const elsewhere = await world.client('carol')
    for (const keyUri of [former, ...shown]) {
      assert.equal(await statusOf(elsewhere.keys.retrieve(keyUri)), 403)
    }
    await assert.rejects(carol.rooms.history(room.id), about('core.unknown-conversation'))
    await assert.rejects(carol.rooms.roster(room.id))
    const asked = [...shown, former, ...shown].map((uri) => [uri, 'kms.not-authorized'])
    const refused = (await refusalsOf('carol')).slice(before)
    assert.deepEqual(refused.slice(0, asked.length), asked)
    const all = ['while carol was there', 'first without her', 'second without her']
    assert.deepEqual(texts(await bob.rooms.history(room.id)), all)
  })
}

test('whoever comes back reads what was written meanwhile', async () => {
  const room = await roomOf(bob, carol)
  await bob.rooms.remove(room.id, carol.userId)
  await bob.rooms.post(room.id, 'meanwhile')
  await alice.rooms.add(room.id, carol.userId)
  assert.deepEqual(texts(await carol.rooms.history(room.id)), ['meanwhile'])
})

test('a device with stale data of the room makes the new key, or takes the newer one, and sends again', async () => {
  const desk = await world.client('alice')
  const room = await roomOf(bob, carol)
  const { keyUri: first } = await desk.rooms.find(room.id)
  await bob.rooms.remove(room.id, carol.userId)
  await desk.rooms.post(room.id, 'from the desk')
  const { keyUri: second } = await bob.rooms.find(room.id)
  assert.notEqual(second, first)
  await bob.rooms.rotate(room.id)
  await alice.rooms.post(room.id, 'from the phone')
  await desk.rooms.setTitle(room.id, 'Replanning')
  await desk.rooms.post(room.id, 'from the desk again')
  const { keyUri: third, title } = await bob.rooms.find(room.id)
  assert.equal(title, 'Replanning')
  const keys = (await bob.rooms.events(room.id)).flatMap(({ keyUri }) => keyUri ?? [])
  assert.deepEqual(keys, [second, third])
  const all = ['from the desk', 'from the phone', 'from the desk again']
  assert.deepEqual(texts(await bob.rooms.history(room.id)), all)
})

test('everybody writes at the same moment after a removal, and everything arrives', async () => {
  const room = await roomOf(bob, carol, adam)
  await Promise.all([alice, carol, adam].map(({ rooms }) => rooms.find(room.id)))
  await alice.rooms.remove(room.id, bob.userId)
  await Promise.all([alice, carol, adam].map(({ rooms, userId }) => rooms.post(room.id, userId)))
  const said = new Set(texts(await adam.rooms.history(room.id)))
  assert.deepEqual(said, new Set([alice.userId, carol.userId, adam.userId]))
})

test('adding twice is one addition, and removing twice is told', async () => {
  const room = await roomOf()
  const first = await alice.rooms.add(room.id, bob.userId)
  assert.equal((await alice.rooms.add(room.id, bob.userId)).id, first.id)
  assert.deepEqual(await mayRead(bob, room), [alice.userId, bob.userId])
  await alice.rooms.remove(room.id, bob.userId)
  await assert.rejects(alice.rooms.remove(room.id, bob.userId), about('core.not-a-participant'))
  assert.deepEqual(await mayRead(alice, room), [alice.userId])
})

test('the last member may leave, also by removing themselves, and nobody gets in again', async () => {
  const room = await roomOf()
  const { subjectId } = await alice.rooms.remove(room.id, alice.userId)
  assert.equal(subjectId, alice.userId)
  await assert.rejects(alice.rooms.find(room.id), about('core.unknown-conversation'))
  await assert.rejects(alice.rooms.add(room.id, bob.userId), about('core.unknown-conversation'))
  assert.equal(await statusOf(alice.resources.list(String(room.resourceUri))), 403)
})

test('two people have one room, and a lock keeps roster and title as they are', async () => {
  const [mine, theirs] = await Promise.all([
    alice.rooms.direct(adam.userId),
    adam.rooms.direct(alice.userId),
  ])
  assert.equal(mine.id, theirs.id)
  await adam.rooms.post(mine.id, 'only us')
  await assert.rejects(alice.rooms.add(mine.id, bob.userId), about('core.direct-room'))
  const room = await roomOf(bob)
  await alice.rooms.setModerator(room.id, alice.userId, true)
  await alice.rooms.lock(room.id, true)
  await assert.rejects(bob.rooms.add(room.id, carol.userId), about('core.room-locked'))
  await assert.rejects(bob.rooms.setTitle(room.id, 'mine'), about('core.room-locked'))
  assert.deepEqual(await mayRead(bob, room), [alice.userId, bob.userId])
  await alice.rooms.add(room.id, carol.userId)
  await alice.rooms.lock(room.id, false)
  await bob.rooms.remove(room.id, carol.userId)
})

test('people of a team read and join its rooms; whoever leaves the team reads none of them', async () => {
  const team = await alice.rooms.createTeam({
    title: 'Team',
    participantIds: [bob.userId, carol.userId],
  })
  const room = await alice.rooms.createInTeam(team.id, { title: 'In it', participantIds: [] })
  assert.equal(room.teamId, team.id)
  await alice.rooms.post(room.id, 'to whom it may concern')
  const joined = await bob.rooms.joinInTeam(team.id, room.id)
  assert.equal(joined.title, 'In it')
  assert.deepEqual(texts(await bob.rooms.history(room.id)), ['to whom it may concern'])
  const kinds = (await bob.rooms.roster(room.id)).map(({ id, kind }) => [id, kind])
  assert.deepEqual(
    new Set(kinds.map(String)),
    new Set(
      [
        [alice.userId, 'person'],
        [team.resourceUri, 'resource'],
        [bob.userId, 'person'],
      ].map(String),
    ),
  )
  await alice.rooms.remove(team.id, carol.userId)
  await alice.rooms.post(room.id, 'without carol')
  assert.equal(await statusOf(carol.keys.retrieve(await keyOfLast(room))), 403)
})

test('programs that reach the keys of a room are on its roster as what they are', async () => {
  const room = await roomOf(bob)
  const added = await world.keyrealm(
    ...['machines', 'add', '--name', 'archive', '--organization', world.acme.id],
  )
  const subject = added.out.split('\n')[0]?.split('\t')[1]
  const where = ['--name', 'archive', '--feature', 'read-keys', '--room', String(room.resourceUri)]
  assert.equal((await world.keyrealm('machines', 'grant', ...where)).code, 0)
  const roster = await bob.rooms.roster(room.id)
  const program = roster.find(({ id }) => id === subject)
  assert.deepEqual(program && [program.kind, program.role, program.isListed], [
    'machine',
    'agent',
    false,
  ])
})

test('a realm that stands still costs the client an answer in time and changes nothing; then all goes on', async () => {
  const room = await roomOf(bob)
  world.realm.pause()
  try {
    const startedMs = performance.now()
    await assert.rejects(alice.rooms.add(room.id, carol.userId), about('core.realm-timeout'))
    assert.ok(performance.now() - startedMs < 20_000)
  } finally {
    world.realm.resume()
  }
  await until('an addition goes through', async () => {
    await alice.rooms.add(room.id, adam.userId)
    return true
  })
  assert.deepEqual(await mayRead(alice, room), [alice.userId, bob.userId, adam.userId])
  await assert.rejects(carol.rooms.find(room.id), about('core.unknown-conversation'))
})

test('without the realm nothing is begun, and with it the same client goes on', async () => {
  const room = await roomOf(bob)
  await world.realm.stop()
  await until('the core knows', async () => {
    const error: unknown = await alice.rooms.remove(room.id, bob.userId).catch((no: unknown) => no)
    return about('core.realm-unreachable')(error)
  })
  assert.deepEqual((await alice.rooms.find(room.id)).participantIds, [alice.userId, bob.userId])
  await world.realm.start()
  await until('a removal goes through', async () => {
    await alice.rooms.remove(room.id, bob.userId)
    return true
  })
  assert.deepEqual(await mayRead(alice, room), [alice.userId])
})
