// The realm's one line to the cloud: it dials out, keeps the line up, takes sealed messages in and gives sealed
// answers back. It opens nothing and decides nothing; the core is trusted with routing and no more.

import type { Duplex } from 'node:stream'
import {
  type AnswersFrame,
  type FeedAskFrame,
  type FeedFrame,
  FRAME_MAX_BYTES,
  type HelloFrame,
  LINK_PATH,
  type MessagesFrame,
  type OffboardedFrame,
  type PostingsDropFrame,
  type PostingsFrame,
  type RostersFrame,
  type SearchDeclinedFrame,
  type SearchFrame,
  type SearchHashesFrame,
  type StateFrame,
  type StreamCode,
  type StreamFrameOfCore,
  type WithdrawFrame,
} from '../boundary/index.ts'
import { Fault } from '../fault.ts'
import type { Clock, Log, Metrics } from '../runtime/index.ts'
import { seconds } from '../time.ts'
import { framesOf } from './answer-frames.ts'
import type { AskingFrame, LineTimes, LinkTls } from './core-line.ts'
import { createPosts, type PostLimits, type PostOutcome } from './core-posts.ts'
import { keepLine, type LineDown, type RedialTimes } from './core-redial.ts'
import { createIndexCalls, type IndexCalls } from './index-calls.ts'
import { createPeerStreams, type IncomingStream, type PeerStreams } from './peer-streams.ts'
import type { HttpProxy } from './proxy.ts'

export interface CoreLinkOptions {
  /** `wss://HOST:PORT`. */
  readonly url: string
  readonly tls: LinkTls
  readonly proxy?: HttpProxy
  /** Asked for every new line, so that it tells the state of that moment. */
  hello(): HelloFrame
  /** Once for each post while its answers are remembered. Rejecting counts as a fault of the realm. */
  handle(post: MessagesFrame): Promise<AnswersFrame>
  /** How the operation of that id ended, or that it never will be applied. */
  withdraw(frame: WithdrawFrame): Promise<AnswersFrame>
  /** Who is in the rooms, as the core has it. */
  onRosters(rosters: RostersFrame): Promise<void>
  /** The core has taken this person out of the rooms that it was told of. */
  onOffboarded(userId: string): Promise<void>
  /** Hashes for somebody's query. Rejecting counts as a fault of the realm. */
  onSearch(search: SearchFrame): Promise<SearchHashesFrame | SearchDeclinedFrame>
  /** There may be something new in the feed. */
  onNews(): void
  onState?(state: 'up' | 'down'): void
  /** Another realm wants to speak to us; false refuses. Absent: all are refused. */
  readonly onStream?: (incoming: IncomingStream) => boolean
  readonly log: Log
  readonly metrics: Metrics
  readonly clock: Clock
  readonly limits?: Partial<PostLimits>
  readonly times?: Partial<LinkTimes>
  /** From 0 to 1; spreads the reconnects of many realms. */
  readonly jitter?: () => number
}

export interface LinkTimes extends LineTimes, RedialTimes {
  /** How long closing waits for posts in work, and then for the core's goodbye. */
  readonly closeWithinMs: number
}

export interface CoreLink {
  /** Tells the core, if the line is up; a later line tells it in its hello. Throws as `encodeRealmFrame`. */
  announce(frame: StateFrame | OffboardedFrame): void
  /** A piece of the feed. Rejects with a Fault `link.…` where there is no line, or no answer in time. */
  ask(frame: FeedAskFrame): Promise<FeedFrame>
  /** Resolves once the core has acknowledged; rejects like `ask`. */
  tell(frame: PostingsFrame | PostingsDropFrame): Promise<void>
  /** Takes no more posts, lets those in work answer, and ends the line for good. */
  close(): Promise<void>
  /** A stream of bytes to another realm, through the core; or why there is none. */
  openStream(domain: string): Promise<Duplex | StreamCode>
  isUp(): boolean
}

const TIMES: LinkTimes = {
  connectWithinMs: 10_000,
  pingEveryMs: 10_000,
  backOffFirstMs: 250,
  backOffMostMs: 15_000,
  steadyAfterMs: 5000,
  closeWithinMs: 2000,
}

const LIMITS: PostLimits = {
  messagesInWork: 4000,
  perUser: { perSecond: 500, burst: 2000, names: 50_000 },
  rememberedFor: seconds(150),
  rememberedPosts: 20_000,
  rememberedChars: 64 * 1024 * 1024,
}

/** For a piece of the feed, or for lists to be on the core's disk. */
const ANSWER_WITHIN_MS = 30_000

/** Relayed streams at once, ours and those of peers. */
const STREAMS_MOST = 512

const BACKLOG_BYTES = 8 * FRAME_MAX_BYTES

/** Dials at once and keeps dialling until closed. Throws a Fault `link.not-wss` for a URL without TLS. */
export const openCoreLink = (options: CoreLinkOptions): CoreLink => {
  const { log, clock, tls } = options
  const times = { ...TIMES, ...options.times }
  const url = new URL(LINK_PATH, options.url)
  if (url.protocol !== 'wss:') throw new Fault('link.not-wss')
  const meters = createMeters(options.metrics)
  let isClosing = false

  const send = (answers: AnswersFrame): void => {
    try {
      for (const frame of framesOf(answers)) line.send(frame)
    } catch (error) {
      log.error('core-link.unfit-answers', {}, error)
      line.send({ type: 'answers', id: answers.id, answers: [], declined: 'realm.fault' })
    }
  }
  const posts = createPosts({
    limits: { ...LIMITS, ...options.limits },
    now: () => clock.now(),
    handle: (post) => options.handle(post),
    send,
    onFault: (error) => log.error('core-link.fault', {}, error),
    onOutcome: meters.post,
  })
  const onPost = (post: MessagesFrame): void => {
    // While closing nothing new is begun: the core keeps the post for the next line.
    if (!isClosing) posts.accept(post)
  }
  const calls = createIndexCalls({
    isUp: () => line.isUp(),
    send: (frame) => line.send(frame),
    answerWithinMs: ANSWER_WITHIN_MS,
  })
  const streams = createPeerStreams({
    voice: {
      isUp: () => line.isUp(),
      say: (frame) => line.send(frame),
      sendData: (message, done) => line.sendData(message, done),
    },
    onStream:
      options.onStream && ((incoming) => !isClosing && options.onStream?.(incoming) === true),
    most: STREAMS_MOST,
  })
  const onShed = () => meters.post('shed')
  const others = handleOthers(options, { send, say: (frame) => line.send(frame), calls, onShed })
  const onFrame = (frame: AskingFrame): void => {
    if (frame.type === 'messages') onPost(frame)
    else if (isAboutStreams(frame)) streams.take(frame)
    else if (!isClosing) void others(frame)
  }
  const { proxy } = options
  const connection = { url: url.href, tls, proxy, times, backlogBytes: BACKLOG_BYTES }
  const hello = () => options.hello()
  const line = keepLine({
    line: { ...connection, hello, onFrame, onData: streams.takeData },
    times,
    jitter: options.jitter ?? Math.random,
    ...tellers(options, meters, [calls, streams]),
  })
  return {
    isUp: line.isUp,
    announce: line.send,
    openStream: streams.open,
    ask: calls.ask,
    tell: calls.tell,
    async close() {
      isClosing = true
      await within(posts.idle(), times.closeWithinMs)
      await within(line.close(), times.closeWithinMs)
    },
  }
}

interface Voice {
  readonly send: (answers: AnswersFrame) => void
  readonly say: (frame: SearchHashesFrame | SearchDeclinedFrame) => void
  readonly calls: IndexCalls
  /** A frame was dropped unread. */
  readonly onShed: () => void
}

const FAULT_STATUS = 500

const answerSearch = async (
  { onSearch, log }: CoreLinkOptions,
  search: SearchFrame,
): Promise<SearchHashesFrame | SearchDeclinedFrame> => {
  try {
    return await onSearch(search)
  } catch (error) {
    log.error('core-link.fault', { frame: search.type }, error)
    return { type: 'search-declined', id: search.id, status: FAULT_STATUS, code: 'realm.fault' }
  }
}

/** As many at once as no core needs that follows them up in good faith. */
const OTHERS_IN_WORK = 1000

/**
 * Frames that are no posts. A fault is logged and leaves the core without an answer: it will ask again. So it does
 * for what is beyond OTHERS_IN_WORK, and no flood of them fills the memory.
 */
const handleOthers = (options: CoreLinkOptions, { send, say, calls, onShed }: Voice) => {
  let inWork = 0
  return async (frame: Exclude<AskingFrame, MessagesFrame | StreamFrameOfCore>): Promise<void> => {
    if (inWork >= OTHERS_IN_WORK) return onShed()
    inWork += 1
    try {
      switch (frame.type) {
        case 'withdraw':
          return send(await options.withdraw(frame))
        case 'rosters':
          return await options.onRosters(frame)
        case 'off-boarded-done':
          return await options.onOffboarded(frame.userId)
        case 'search':
          return say(await answerSearch(options, frame))
        case 'feed-news':
          return options.onNews()
        default:
          return calls.take(frame)
      }
    } catch (error) {
      options.log.error('core-link.fault', { frame: frame.type }, error)
    } finally {
      inWork -= 1
    }
  }
}

type Meters = ReturnType<typeof createMeters>

const isAboutStreams = (frame: AskingFrame): frame is StreamFrameOfCore =>
  frame.type.startsWith('stream-')

const tellers = (
  options: CoreLinkOptions,
  meters: Meters,
  onLine: readonly Pick<IndexCalls | PeerStreams, 'lineLost'>[],
) => ({
  onUp(): void {
    meters.up(1)
    options.log.info('core-link.up')
    options.onState?.('up')
  },
  onDown({ code, error, wasUp, waitMs }: LineDown): void {
    meters.up(0)
    for (const part of onLine) part.lineLost()
    options.log.warn('core-link.down', { code, wasUp, waitMs }, error)
    if (wasUp) options.onState?.('down')
  },
})

const OUTCOMES: readonly PostOutcome[] = ['answered', 'again', 'joined', 'shed', 'fault']

const createMeters = (metrics: Metrics) => {
  const up = metrics.gauge({
    room: 'links',
    thing: 'core_lines',
    unit: 'count',
    help: 'Lines to the core that are up.',
  })
  const posts = metrics.counter({
    room: 'links',
    thing: 'core_posts',
    unit: 'count',
    help: 'Posts and withdrawals from the core, by what happened to them.',
    labels: { outcome: OUTCOMES },
  })
  return {
    up: (lines: 0 | 1) => up.set({}, lines),
    post: (outcome: PostOutcome) => posts.add({ outcome }),
  }
}

/** Waits no longer than told; what was waited for may still end later. */
const within = async (ended: Promise<void>, withinMs: number): Promise<void> => {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, withinMs)
  await Promise.race([ended, late])
  clearTimeout(timer)
}
