// The realm's link over real TLS: to the right core only, up again after every end, and nothing handled twice.
import assert from 'node:assert/strict'
import { afterEach, before, beforeEach, test } from 'node:test'
import { type AnswersFrame, LINE_CLOSED, type MessagesFrame } from '../../../src/boundary/index.ts'
import { type CoreLink, type CoreLinkOptions, openCoreLink } from '../../../src/links/index.ts'
import { createLog, createMetrics, systemClock } from '../../../src/runtime/index.ts'
import { makeTestCertificates, type TestAuthority } from '../../support/certificates.ts'
import { type FakeCore, startFakeCore } from './fake-core.ts'
import { answersTo, detailsOf, helloOf } from './fake-realm.ts'
import { createInbox, type Inbox } from './inbox.ts'
import { ACME, ALICE } from './world.ts'

const DEVICE = 'https://core.test/wdm/api/v1/devices/1'
const HELLO = helloOf(ACME.domain, [ACME.organizationId])
const TIMES = {
  connectWithinMs: 500,
  pingEveryMs: 100,
  backOffFirstMs: 10,
  backOffMostMs: 40,
  steadyAfterMs: 1000,
  closeWithinMs: 200,
}

let authority: TestAuthority
let core: FakeCore
let states: Inbox<'up' | 'down'>
let handled: MessagesFrame[]
let logLines: string[]
const open: CoreLink[] = []

before(() => {
  authority = makeTestCertificates()
})
beforeEach(async () => {
  core = await startFakeCore({ authority })
  states = createInbox()
  handled = []
  logLines = []
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((link) => link.close()))
  await core.close()
})
const post = (id: string, more: object = {}): MessagesFrame => ({
  type: 'messages',
  id,
  sync: false,
  httpUser: ALICE,
  httpDevice: DEVICE,
  trackingId: 't',
  kmsMessages: ['m'],
  ...more,
})

const answerAtOnce = async (frame: MessagesFrame): Promise<AnswersFrame> => answersTo(frame, DEVICE)

const openLink = (change: Partial<CoreLinkOptions> = {}): CoreLink => {
  const { handle = answerAtOnce, ...rest } = change
  const link = openCoreLink({
    url: core.url,
    tls: { ca: authority.ca, ...authority.client(ACME.domain) },
    hello: () => HELLO,
    withdraw: async ({ id }) => ({ type: 'answers', id, answers: [], declined: 'rooms.withdrawn' }),
    onRosters: async () => undefined,
    onSearch: async ({ id }) => ({ type: 'search-declined', id, status: 503, code: 'kms.locked' }),
    onNews: () => undefined,
    onOffboarded: async () => undefined,
    onState: (state) => states.put(state),
    log: createLog({ level: 'debug', sink: { write: (line) => logLines.push(line) } }),
    metrics: createMetrics({ process: 'ignored' }),
    clock: systemClock,
    times: TIMES,
    ...rest,
    handle: (frame) => {
      handled.push(frame)
      return handle(frame)
    },
  })
  open.push(link)
  return link
}

test('a link says hello, and is up once it is welcome', async () => {
  core.welcomes = false
  const link = openLink()
  const line = await core.lines.take()
  assert.deepEqual(line.hello, HELLO)
  assert.equal(link.isUp(), false)
  line.say({ type: 'welcome', version: 1 })
  assert.equal(await states.take(), 'up')
  assert.equal(link.isUp(), true)
})

test('posts are handled and answered, in order for one device', async () => {
  const first = Promise.withResolvers<void>()
  openLink({
    handle: async (frame) => {
      if (frame.id === 'p1') await first.promise
      return answersTo(frame, DEVICE)
    },
  })
  const line = await core.lines.take()
  line.say(post('p1'))
  line.say(post('p2'))
  line.say(post('p3', { httpDevice: `${DEVICE}-other` }))
  assert.equal((await line.answers.take()).id, 'p3')
  first.resolve()
  assert.deepEqual(
    [await line.answers.take(), await line.answers.take()].map(({ id }) => id),
    ['p1', 'p2'],
  )
})

test('a post in work when the line drops is answered once, on the next line', async () => {
  const slow = Promise.withResolvers<void>()
  openLink({
    handle: async (frame) => {
      await slow.promise
      return answersTo(frame, DEVICE)
    },
  })
  const old = await core.lines.take()
  old.say(post('p1'))
  while (handled.length === 0) await new Promise(setImmediate)
  old.cut()
  const line = await core.lines.take()
  line.say(post('p1'))
  line.say(post('p2'))
  slow.resolve()
  assert.deepEqual([(await line.answers.take()).id, (await line.answers.take()).id], ['p1', 'p2'])
  assert.deepEqual(
    handled.map(({ id }) => id),
    ['p1', 'p2'],
  )
})

test('answers that were lost with the line are given again without handling again', async () => {
  openLink()
  const old = await core.lines.take()
  old.say(post('p1'))
  const answers = await old.answers.take()
  old.cut()
  const line = await core.lines.take()
  line.say(post('p1'))
  assert.deepEqual(await line.answers.take(), answers)
  assert.equal(handled.length, 1)
})

test('a link comes back however its line ended, and says so', async () => {
  const link = openLink()
  for (const code of [1001, LINE_CLOSED.replaced, LINE_CLOSED.notThisRealm]) {
    const line = await core.lines.take()
    assert.equal(await states.take(), 'up')
    line.close(code)
    assert.equal(await states.take(), 'down')
  }
  await core.lines.take()
  assert.equal(await states.take(), 'up')
  assert.equal(link.isUp(), true)
})

test('a core that never welcomes, and one that falls silent, are left', async () => {
  core.welcomes = false
  openLink({ times: { ...TIMES, connectWithinMs: 150 } })
  const unwelcoming = await core.lines.take()
  core.welcomes = true
  assert.equal(await unwelcoming.closed, 1006)
  const silent = await core.lines.take()
  assert.equal(await states.take(), 'up')
  silent.pause()
  assert.equal(await states.take(), 'down')
  await core.lines.take()
})

const noise: readonly (readonly [string, string | Uint8Array, number])[] = [
  ['text that is no frame', '{', LINE_CLOSED.malformedFrame],
  ['a frame of the realm itself', JSON.stringify(HELLO), LINE_CLOSED.malformedFrame],
  ['a second welcome', '{"type":"welcome","version":1}', LINE_CLOSED.malformedFrame],
  ['another version', '{"type":"welcome","version":2}', LINE_CLOSED.unknownVersion],
  ['bytes', Buffer.from('{"type":"welcome","version":1}'), LINE_CLOSED.malformedFrame],
]

for (const [what, said, code] of noise) {
  test(`a line on which the core says ${what} is closed`, async () => {
    openLink()
    const line = await core.lines.take()
    if (typeof said === 'string') line.sayText(said)
    else line.sayBytes(said)
    assert.equal(await line.closed, code)
  })
}

test('posts before the welcome close the line', async () => {
  core.welcomes = false
  openLink()
  const line = await core.lines.take()
  line.say(post('p1'))
  assert.equal(await line.closed, LINE_CLOSED.malformedFrame)
  assert.deepEqual(handled, [])
})

/** The link keeps trying; what the log says of its first try. */
const firstFailure = async (): Promise<string> => {
  const failed = () => logLines.find((line) => line.includes('core-link.down'))
  while (failed() === undefined) await new Promise(setImmediate)
  return failed() ?? ''
}

test('a core of another authority gets no hello', async () => {
  openLink({ tls: { ca: makeTestCertificates().ca, ...authority.client(ACME.domain) } })
  assert.match(await firstFailure(), /UNABLE_TO_VERIFY|SELF_SIGNED|SIGNATURE/)
  assert.equal(core.connections, 0)
})

test('a core whose certificate carries another name gets no hello', async () => {
  await core.close()
  core = await startFakeCore({ authority, credential: authority.server(['core.other.test']) })
  openLink()
  assert.match(await firstFailure(), /ERR_TLS_CERT_ALTNAME_INVALID/)
  assert.equal(core.connections, 0)
  await Promise.all(open.splice(0).map((link) => link.close()))
  openLink({
    tls: { ca: authority.ca, ...authority.client(ACME.domain), serverName: 'core.other.test' },
  })
  await core.lines.take()
})

test('a link without a certificate that the core trusts does not come up', async () => {
  const link = openLink({
    tls: { ca: authority.ca, ...makeTestCertificates().client(ACME.domain) },
  })
  await firstFailure()
  assert.equal(link.isUp(), false)
  assert.equal(core.connections, 0)
})

test('a URL without TLS is refused at once', () => {
  assert.throws(() => openLink({ url: 'ws://localhost:1' }), { code: 'link.not-wss' })
})

test('the state is announced while the line is up, and told by the next hello while it is not', async () => {
  let state: 'ready' | 'locked' = 'ready'
  const link = openLink({ hello: () => ({ ...HELLO, state }) })
  const line = await core.lines.take()
  await states.take()
  state = 'locked'
  const frame = { type: 'state', state, details: detailsOf(ACME.domain) } as const
  link.announce(frame)
  assert.deepEqual(await line.states.take(), frame)
  line.cut()
  await states.take()
  link.announce(frame)
  assert.equal((await core.lines.take()).hello.state, 'locked')
})

test('a hello that must not cross never does, and the log says why', async () => {
  const details = { ...HELLO.details, rsaPublicKey: '{"kty":"oct","k":"c2VjcmV0"}' }
  openLink({ hello: () => ({ ...HELLO, details }) })
  const line = await firstFailure()
  assert.match(line, /boundary\.unfit-frame/)
  assert.doesNotMatch(line, /c2VjcmV0/)
})

test('answers that must not cross become a fault of the realm', async () => {
  openLink({
    handle: async ({ id }) => ({
      type: 'answers',
      id,
      answers: [{ n: 0, deliverTo: DEVICE, kmsMessage: '{"plain":"text"}' }],
    }),
  })
  const line = await core.lines.take()
  line.say(post('p1'))
  assert.deepEqual(await line.answers.take(), {
    type: 'answers',
    id: 'p1',
    answers: [],
    declined: 'realm.fault',
  })
})

test('load beyond the limit is shed unread', async () => {
  openLink({ limits: { messagesInWork: 1 }, handle: () => new Promise(() => undefined) })
  const line = await core.lines.take()
  line.say(post('p1'))
  line.say(post('p2', { httpDevice: `${DEVICE}-other` }))
  const { id, declined } = await line.answers.take()
  assert.deepEqual({ id, declined }, { id: 'p2', declined: 'channel.overloaded' })
  assert.equal(handled.length, 1)
})

test('closing lets what is in work answer, takes nothing new, and stays closed', async () => {
  const slow = Promise.withResolvers<void>()
  const link = openLink({
    handle: async (frame) => {
      await slow.promise
      return answersTo(frame, DEVICE)
    },
  })
  const line = await core.lines.take()
  line.say(post('p1'))
  while (handled.length === 0) await new Promise(setImmediate)
  const closing = link.close()
  line.say(post('p2'))
  slow.resolve()
  assert.equal((await line.answers.take()).id, 'p1')
  await closing
  assert.equal(await line.closed, LINE_CLOSED.goingAway)
  assert.equal(core.connections, 1)
  assert.equal(handled.length, 1)
})

test('the log names no post, no user and no device', async () => {
  openLink()
  const line = await core.lines.take()
  line.say(post('p1'))
  await line.answers.take()
  for (const said of logLines) assert.doesNotMatch(said, new RegExp(`${ALICE}|${DEVICE}|answer-0`))
})

test('withdrawals beyond what may be in work are shed, and those after them answered', async () => {
  const held = Promise.withResolvers<void>()
  openLink({
    withdraw: async ({ id }) => {
      await held.promise
      return { type: 'answers', id, answers: [], declined: 'rooms.withdrawn' }
    },
  })
  const line = await core.lines.take()
  for (let n = 1; n <= 1001; n += 1) line.say({ type: 'withdraw', id: `w${n}` })
  line.say(post('p1'))
  assert.equal((await line.answers.take()).id, 'p1')
  held.resolve()
  for (let n = 1; n <= 1000; n += 1) assert.equal((await line.answers.take()).id, `w${n}`)
  line.say({ type: 'withdraw', id: 'w1' })
  assert.equal((await line.answers.take()).id, 'w1')
})

test('a withdrawn operation is answered with its end, whatever its post is doing', async () => {
  const slow = Promise.withResolvers<void>()
  openLink({
    handle: async (frame) => {
      await slow.promise
      return { type: 'answers', id: frame.id, answers: [], declined: 'rooms.withdrawn' }
    },
    withdraw: async ({ id }) => ({
      type: 'answers',
      id,
      answers: id === 'done' ? [{ n: 0, clear: { status: 201 } }] : [],
      ...(id === 'done' ? {} : { declined: 'rooms.withdrawn' }),
    }),
  })
  const line = await core.lines.take()
  line.say(post('op', { sync: true }))
  line.say({ type: 'withdraw', id: 'op' })
  assert.equal((await line.answers.take()).declined, 'rooms.withdrawn')
  line.say({ type: 'withdraw', id: 'done' })
  assert.deepEqual((await line.answers.take()).answers, [{ n: 0, clear: { status: 201 } }])
  slow.resolve()
  assert.equal((await line.answers.take()).id, 'op')
})

test('rosters and acknowledgements are handed on, and a fault in them closes nothing', async () => {
  const pages: number[] = []
  const gone: string[] = []
  const link = openLink({
    onRosters: async ({ rooms }) => {
      pages.push(rooms.length)
      throw new Error('broken')
    },
    onOffboarded: async (userId) => void gone.push(userId),
  })
  const line = await core.lines.take()
  await states.take()
  const userId = '0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114'
  line.say({ type: 'rosters', rooms: [] })
  line.say({ type: 'off-boarded-done', userId })
  line.say(post('p1'))
  assert.equal((await line.answers.take()).id, 'p1')
  assert.deepEqual([pages, gone], [[0], [userId]])
  link.announce({ type: 'off-boarded', userId, resourceUris: [] })
  assert.deepEqual(await line.offboarded.take(), { type: 'off-boarded', userId, resourceUris: [] })
})
