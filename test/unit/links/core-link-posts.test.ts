// Posts on the realm's side of the line: handled once, answered in order per lane, shed under load.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AnswersFrame, MessagesFrame } from '../../../src/boundary/index.ts'
import { createPosts, type PostLimits } from '../../../src/links/core-posts.ts'
import { instant, milliseconds } from '../../../src/time.ts'

const LIMITS: PostLimits = {
  messagesInWork: 10,
  perUser: { perSecond: 1, burst: 100, names: 10 },
  rememberedFor: milliseconds(1000),
  rememberedPosts: 3,
  rememberedChars: 1000,
}

const post = (id: string, more: Partial<MessagesFrame> = {}): MessagesFrame => ({
  type: 'messages',
  id,
  sync: false,
  httpUser: 'alice',
  httpDevice: 'device',
  trackingId: 't',
  kmsMessages: ['m'],
  ...more,
})

const answersOf = (id: string, kmsMessage = `a.${id}.z`): AnswersFrame => ({
  type: 'answers',
  id,
  answers: [{ n: 0, deliverTo: 'device', kmsMessage }],
})

const makePosts = (limits: Partial<PostLimits> = {}) => {
  const handled: string[] = []
  const sent: AnswersFrame[] = []
  const outcomes: string[] = []
  const faults: unknown[] = []
  const running = new Map<string, PromiseWithResolvers<AnswersFrame>>()
  let nowMs = 0
  const posts = createPosts({
    limits: { ...LIMITS, ...limits },
    now: () => instant(nowMs),
    handle: ({ id }) => {
      handled.push(id)
      const outcome = Promise.withResolvers<AnswersFrame>()
      running.set(id, outcome)
      return outcome.promise
    },
    send: (answers) => sent.push(answers),
    onFault: (error) => faults.push(error),
    onOutcome: (outcome) => outcomes.push(outcome),
  })
  /** Lets the posts be answered, in this order. */
  const finish = async (...ids: readonly string[]): Promise<void> => {
    for (const id of ids) {
      running.get(id)?.resolve(answersOf(id))
      await new Promise(setImmediate)
    }
  }
  const sentIds = () => sent.map(({ id, declined }) => (declined ? `${id} ${declined}` : id))
  const pass = (ms: number): void => {
    nowMs += ms
  }
  return { posts, handled, sent, sentIds, outcomes, faults, running, finish, pass }
}

test('answers of one device leave in the order its posts arrived', async () => {
  const { posts, finish, sentIds } = makePosts()
  for (const id of ['1', '2', '3']) posts.accept(post(id))
  await finish('3', '2')
  assert.deepEqual(sentIds(), [])
  await finish('1')
  assert.deepEqual(sentIds(), ['1', '2', '3'])
})

test('devices do not wait for each other, nor users whose device is unknown', async () => {
  const { posts, finish, sentIds } = makePosts()
  posts.accept(post('slow'))
  posts.accept(post('other device', { httpDevice: 'other' }))
  const { httpDevice: _, ...unnamed } = post('no device')
  posts.accept(unnamed)
  await finish('other device', 'no device')
  assert.deepEqual(sentIds(), ['other device', 'no device'])
})

test('a post that comes again while it is in work is handled and answered once', async () => {
  const { posts, handled, finish, sentIds, outcomes } = makePosts()
  posts.accept(post('1'))
  posts.accept(post('2'))
  posts.accept(post('1'))
  await finish('2')
  posts.accept(post('2'))
  await finish('1')
  assert.deepEqual(handled, ['1', '2'])
  assert.deepEqual(sentIds(), ['1', '2'])
  assert.deepEqual(outcomes, ['joined', 'answered', 'joined', 'answered'])
})

test('a post that comes again after it was answered gets the same answers, in its turn', async () => {
  const { posts, handled, finish, sent, sentIds } = makePosts()
  posts.accept(post('1'))
  await finish('1')
  posts.accept(post('before'))
  posts.accept(post('1'))
  assert.deepEqual(sentIds(), ['1'])
  await finish('before')
  assert.deepEqual(sentIds(), ['1', 'before', '1'])
  assert.equal(sent[2], sent[0])
  assert.deepEqual(handled, ['1', 'before'])
})

test('answers are forgotten by age, by number and by size', async () => {
  const byAge = makePosts()
  byAge.posts.accept(post('1'))
  await byAge.finish('1')
  byAge.pass(1000)
  byAge.posts.accept(post('1'))
  assert.deepEqual(byAge.handled, ['1', '1'])

  const byNumber = makePosts()
  for (const id of ['1', '2', '3', '4']) byNumber.posts.accept(post(id))
  await byNumber.finish('1', '2', '3', '4')
  for (const id of ['1', '4']) byNumber.posts.accept(post(id))
  assert.deepEqual(byNumber.handled, ['1', '2', '3', '4', '1'])

  const bySize = makePosts({ rememberedChars: 3 })
  bySize.posts.accept(post('1'))
  await bySize.finish('1')
  bySize.posts.accept(post('1'))
  assert.deepEqual(bySize.handled, ['1', '1'])
})

test('load beyond the limit is shed before it is handled, and room comes back', async () => {
  const { posts, handled, finish, sentIds } = makePosts({ messagesInWork: 3 })
  posts.accept(post('1', { kmsMessages: ['m', 'm'] }))
  posts.accept(post('2', { kmsMessages: ['m', 'm'] }))
  await finish('1')
  posts.accept(post('3', { kmsMessages: ['m', 'm', 'm'] }))
  assert.deepEqual(handled, ['1', '3'])
  assert.deepEqual(sentIds(), ['1', '2 channel.overloaded'])
})

test('one user has a rate, and others are not harmed', async () => {
  const perUser = { perSecond: 2, burst: 2, names: 10 }
  const { posts, handled, sentIds, pass } = makePosts({ perUser })
  posts.accept(post('1', { kmsMessages: ['m', 'm'] }))
  posts.accept(post('2', { httpDevice: 'second' }))
  posts.accept(post('3', { httpUser: 'bob', httpDevice: 'third' }))
  assert.deepEqual(sentIds(), ['2 channel.overloaded'])
  pass(500)
  posts.accept(post('4', { httpDevice: 'second' }))
  assert.deepEqual(handled, ['1', '3', '4'])
})

test('a post that was shed is handled when it comes again later', async () => {
  const { posts, handled, finish } = makePosts({ messagesInWork: 1 })
  posts.accept(post('1'))
  posts.accept(post('2'))
  await finish('1')
  posts.accept(post('2'))
  assert.deepEqual(handled, ['1', '2'])
})

test('a realm that breaks answers so, and not twice; answers to another post are a break', async () => {
  const { posts, running, sentIds, faults, outcomes } = makePosts()
  posts.accept(post('1'))
  posts.accept(post('2'))
  running.get('1')?.reject(new Error('broken'))
  running.get('2')?.resolve(answersOf('1'))
  await posts.idle()
  assert.deepEqual(sentIds(), ['1 realm.fault', '2 realm.fault'])
  assert.equal(faults.length, 2)
  assert.deepEqual(outcomes, ['fault', 'fault'])
})

test('an operation that the core waits for waits for no device, and no device for it', async () => {
  const { posts, finish, sentIds } = makePosts()
  posts.accept(post('slow'))
  posts.accept(post('operation', { sync: true }))
  posts.accept(post('last'))
  await finish('operation')
  assert.deepEqual(sentIds(), ['operation'])
  await finish('slow', 'last')
  assert.deepEqual(sentIds(), ['operation', 'slow', 'last'])
})

test('outcomes without a sealed answer are remembered like others', async () => {
  const { posts, running, sent, handled } = makePosts()
  const bare: AnswersFrame = {
    type: 'answers',
    id: '1',
    answers: [{ n: 0, clear: { status: 403 } }],
  }
  posts.accept(post('1', { sync: true }))
  running.get('1')?.resolve(bare)
  await new Promise(setImmediate)
  posts.accept(post('1', { sync: true }))
  assert.deepEqual(sent, [bare, bare])
  assert.deepEqual(handled, ['1'])
})
