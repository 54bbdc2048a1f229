// Posts of sealed messages: to the sender's own realm, held until answered, answered once, to the sender's devices.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type FakeDevice, listenAs } from './fake-device.ts'
import { answersTo, detailsOf, type FakeRealm } from './fake-realm.ts'
import {
  ACME,
  ALICE,
  BOB,
  type CoreWorld,
  claimsOf,
  GINA,
  GLOBEX,
  openCoreWorld,
  type Question,
  STRANGER,
} from './world.ts'

interface Seat {
  readonly url: string
  readonly mercury: FakeDevice
}

const PATH = '/encryption/api/v1/kms/messages'
const TO_ACME = `kms://${ACME.domain}`

let world: CoreWorld
let realm: FakeRealm
let alice: Seat
let bob: Seat

const sit = async (token: string): Promise<Seat> => {
  const { url, webSocketUrl } = await world.register(token)
  return { url, mercury: await listenAs(webSocketUrl, { ca: world.authority.ca, token }) }
}

before(async () => {
  world = await openCoreWorld()
  realm = await world.connect(ACME)
  alice = await sit('alice')
  bob = await sit('bob')
})
after(() => world.close())

const post = (kmsMessages: unknown, more: Partial<Question> = {}, destination: unknown = TO_ACME) =>
  world.ask('POST', PATH, { token: 'alice', body: { destination, kmsMessages }, ...more })

/** The sealed texts of the next events of a device, which are acknowledged. */
const take = async ({ mercury }: Seat, count: number): Promise<readonly unknown[]> => {
  const texts: unknown[] = []
  for (let n = 0; n < count; n += 1) {
    const event = await mercury.events.take()
    mercury.acknowledge(event)
    assert.equal(event.data.eventType, 'encryption.kms_message')
    texts.push(...Object.values(event.data['encryption'] ?? {}).flat())
  }
  return texts
}

test('answers come over Mercury, one an event, in request order', async () => {
  const answer = await post(['a.b.c', 'd.e.f'], { headers: { 'cisco-device-url': alice.url } })
  assert.equal(answer.status, 202)
  const frame = await realm.posts.take()
  assert.equal(frame.httpUser, ALICE)
  assert.equal(frame.httpDevice, alice.url)
  assert.deepEqual(frame.kmsMessages, ['a.b.c', 'd.e.f'])
  realm.say(answersTo(frame, alice.url))
  assert.deepEqual(await take(alice, 2), ['a.answer-0.z', 'a.answer-1.z'])
})

test('an answer for a device of somebody else is dropped, its neighbours are not', async () => {
  await post(['m', 'm', 'm'])
  const { id } = await realm.posts.take()
  const to = (n: number, deliverTo: string) => ({ n, deliverTo, kmsMessage: `a.${n}.z` })
  realm.say({ type: 'answers', id, answers: [to(0, alice.url), to(1, bob.url), to(2, alice.url)] })
  assert.deepEqual(await take(alice, 2), ['a.0.z', 'a.2.z'])
  await post(['m'], { token: 'bob' })
  realm.say(answersTo(await realm.posts.take(), bob.url))
  assert.deepEqual(await take(bob, 1), ['a.answer-0.z'])
})

test('the first answer wins, and only requests that were made are answered', async () => {
  await post(['m'])
  const { id } = await realm.posts.take()
  const answer = (n: number, text: string) => ({ n, deliverTo: alice.url, kmsMessage: text })
  realm.say({ type: 'answers', id, answers: [answer(0, 'a.first.z'), answer(1, 'a.extra.z')] })
  realm.say({ type: 'answers', id, answers: [answer(0, 'a.second.z')] })
  realm.say({ type: 'answers', id: 'never-asked', answers: [answer(0, 'a.third.z')] })
  await post(['m'])
  realm.say(answersTo(await realm.posts.take(), alice.url))
  assert.deepEqual(await take(alice, 2), ['a.first.z', 'a.answer-0.z'])
})

test('garbage beside a good message keeps its place and harms nothing', async () => {
  assert.equal((await post([7, 'a.b.c', null, '%%%', 'x'.repeat(262_145)])).status, 202)
  const frame = await realm.posts.take()
  assert.deepEqual(frame.kmsMessages, ['', 'a.b.c', '', '%%%', ''])
  realm.say({ type: 'answers', id: frame.id, answers: [] })
})

test('posts that a dropped line left unanswered are sent again under the same ids, in order', async () => {
  await post(['m'])
  await post(['m'])
  const first = await realm.posts.take()
  const second = await realm.posts.take()
  realm.say(answersTo(first, alice.url))
  assert.equal((await take(alice, 1)).length, 1)
  realm.cut()
  await realm.closed
  assert.equal((await post(['m'])).status, 202)
  realm = await world.connect(ACME)
  const again = await realm.posts.take()
  const third = await realm.posts.take()
  assert.deepEqual(again, second)
  realm.say(answersTo(again, alice.url))
  realm.say(answersTo(third, alice.url))
  assert.equal((await take(alice, 2)).length, 2)
})

test('a post that a realm declined has no answers and is not sent again', async () => {
  await post(['m'])
  const { id } = await realm.posts.take()
  realm.say({ type: 'answers', id, answers: [], declined: 'channel.overloaded' })
  realm.cut()
  await realm.closed
  realm = await world.connect(ACME)
  await post(['last'])
  assert.deepEqual((await realm.posts.take()).kmsMessages, ['last'])
})

const refusals: readonly (readonly [string, () => ReturnType<typeof post>, number, string])[] = [
  ['no message', () => post([]), 400, 'core.body-invalid'],
  ['more than fifty', () => post(Array(51).fill('m')), 400, 'core.body-invalid'],
  ['nothing but garbage', () => post([1, 2]), 400, 'core.body-invalid'],
  ['no list', () => post('m'), 400, 'core.body-invalid'],
  ['no destination', () => post(['m'], {}, null), 400, 'core.body-invalid'],
  ['a body that is no object', () => post([], { body: 7 }), 400, 'core.body-invalid'],
  ['another realm', () => post(['m'], {}, `kms://${GLOBEX.domain}`), 403, 'core.wrong-destination'],
  ['a host nobody knows', () => post(['m'], {}, 'kms://x.test'), 403, 'core.wrong-destination'],
  [
    'a device of somebody else',
    () => post(['m'], { headers: { 'cisco-device-url': bob.url } }),
    403,
    'core.foreign-device',
  ],
  [
    'a realm that never connected',
    () => post(['m'], { token: 'gina' }, `kms://${GLOBEX.domain}`),
    503,
    'core.realm-unreachable',
  ],
]

for (const [what, ask, status, code] of refusals) {
  test(`a post is refused: ${what}`, async () => {
    const answer = await ask()
    assert.equal(answer.status, status)
    assert.equal(answer.body['code'], code)
    assert.equal(answer.headers['content-type'], 'application/problem+json')
  })
}

test('a locked realm gets no posts until it is ready again', async () => {
  const say = (state: string) =>
    realm.say({ type: 'state', state, details: detailsOf(ACME.domain) })
  const statusNow = async () => (await post(['m'])).body['code'] ?? 'accepted'
  say('locked')
  while ((await statusNow()) !== 'kms.locked') (await realm.posts.take()).id
  say('ready')
  while ((await statusNow()) === 'kms.locked');
  realm.say({ type: 'answers', id: (await realm.posts.take()).id, answers: [] })
})

test('details name the realm of the user asked about, and nothing but strings', async () => {
  const own = await world.ask('GET', `/encryption/api/v1/kms/${ALICE}`, { token: 'alice' })
  assert.deepEqual(own.body, detailsOf(ACME.domain))
  const bare = await world.ask('GET', '/encryption/api/v1/kms', { token: 'alice' })
  assert.deepEqual(bare.body, own.body)
  const colleague = await world.ask('GET', `/encryption/api/v1/kms/${BOB}`, { token: 'alice' })
  assert.deepEqual(colleague.body, own.body)
})

test('details of unknown users, unknown realms and unserved organizations are refused', async () => {
  const codeFor = async (token: string, id: string) =>
    (await world.ask('GET', `/encryption/api/v1/kms/${id}`, { token })).body['code']
  assert.equal(await codeFor('alice', STRANGER), 'core.unknown-user')
  assert.equal(await codeFor('alice', 'not-a-uuid'), 'core.unknown-user')
  assert.equal(await codeFor('gina', GINA), 'core.realm-unreachable')
  world.provider.tokens.set('stranger', claimsOf(STRANGER, STRANGER))
  assert.equal(await codeFor('stranger', STRANGER), 'core.organization-not-served')
  const posted = await post(['m'], { token: 'stranger' })
  assert.equal(posted.body['code'], 'core.organization-not-served')
})

test('details are answered while the realm is down, even by a core that has restarted', async () => {
  realm.cut()
  await realm.closed
  await world.restart()
  const { body } = await world.ask('GET', '/encryption/api/v1/kms', { token: 'alice' })
  assert.deepEqual(body, detailsOf(ACME.domain))
  assert.equal((await post(['m'])).status, 202)
  realm = await world.connect(ACME)
  assert.deepEqual((await realm.posts.take()).kmsMessages, ['m'])
})

test('nothing that was posted or answered, and no token, is in the log', () => {
  assert.notEqual(world.logLines.length, 0)
  for (const line of world.logLines) assert.doesNotMatch(line, /a\.b\.c|answer-0|Bearer|"alice"/)
})
