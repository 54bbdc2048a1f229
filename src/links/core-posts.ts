// What becomes of posts that the core sends: each is handled once however often it comes, a lane's answers
// leave in the order its posts arrived, and lanes do not wait for each other. Load is shed unread.

import type { AnswersFrame, Declined, MessagesFrame } from '../boundary/index.ts'
import { Fault } from '../fault.ts'
import { after, type Duration, type Instant, isPast } from '../time.ts'
import { createRateLimit, type RateRules } from './token-bucket.ts'

export interface PostLimits {
  /** Messages in work at once. */
  readonly messagesInWork: number
  /** Messages of one user. */
  readonly perUser: RateRules
  /** How long answers are remembered for a post that comes again. */
  readonly rememberedFor: Duration
  readonly rememberedPosts: number
  readonly rememberedChars: number
}

export interface PostRules {
  readonly limits: PostLimits
  readonly now: () => Instant
  /** Rejects only for faults. */
  readonly handle: (post: MessagesFrame) => Promise<AnswersFrame>
  /** Sends, if there is a line now; if not, the core will ask again. */
  readonly send: (answers: AnswersFrame) => void
  readonly onFault: (error: unknown) => void
  readonly onOutcome: (outcome: PostOutcome) => void
}

export type PostOutcome = 'answered' | 'again' | 'joined' | 'shed' | 'fault'

export interface Posts {
  accept(post: MessagesFrame): void
  /** Resolves once nothing is in work. */
  idle(): Promise<void>
}

interface Remembered {
  readonly answers: AnswersFrame
  readonly chars: number
  readonly until: Instant
  next: Remembered | undefined
}

export const createPosts = (rules: PostRules): Posts => {
  const { limits, now } = rules
  const rate = createRateLimit(limits.perUser)
  const memory = createMemory(limits, now)
  const lanes = createLanes(rules.send)
  let messagesInWork = 0

  const answer = async (post: MessagesFrame): Promise<AnswersFrame> => {
    try {
      const answers = await rules.handle(post)
      if (answers.id !== post.id) throw new Fault('link.foreign-answers')
      return answers
    } catch (error) {
      rules.onFault(error)
      return declined(post, 'realm.fault')
    }
  }
  const work = async (post: MessagesFrame): Promise<void> => {
    const count = post.kmsMessages.length
    const waiting = lanes.enter(post)
    messagesInWork += count
    const answers = await answer(post)
    messagesInWork -= count
    rules.onOutcome(answers.declined === 'realm.fault' ? 'fault' : 'answered')
    // A post that was declined may succeed when it comes again.
    if (answers.declined === undefined) memory.remember(answers)
    lanes.settle(waiting, answers)
  }
  const isOverloaded = ({ httpUser, kmsMessages: { length } }: MessagesFrame): boolean =>
    messagesInWork + length > limits.messagesInWork || !rate.take(httpUser, length, now())

  return {
    accept(post) {
      // Not answered yet, from before the line dropped: it answers once, on whatever line there is then.
      if (lanes.holds(post.id)) return rules.onOutcome('joined')
      const answered = memory.recall(post.id)
      if (answered !== undefined) {
        lanes.settle(lanes.enter(post), answered)
        return rules.onOutcome('again')
      }
      if (isOverloaded(post)) {
        lanes.settle(lanes.enter(post), declined(post, 'channel.overloaded'))
        return rules.onOutcome('shed')
      }
      void work(post)
    },
    idle: lanes.empty,
  }
}

/** A post on its way through a lane; `answers` once it is done. */
interface Waiting {
  readonly id: string
  readonly lane: string
  answers?: AnswersFrame
}

/**
 * Answers leave a lane in the order its posts entered it. A lane is a device, or a user whose device is unknown;
 * an operation that the core waits for is a lane of its own, since its answer takes another way to the client.
 */
const createLanes = (send: PostRules['send']) => {
  const lanes = new Map<string, Waiting[]>()
  const held = new Set<string>()
  const onEmpty: (() => void)[] = []
  const leave = ({ id }: Waiting, answers: AnswersFrame): void => {
    held.delete(id)
    send(answers)
  }
  return {
    enter({ id, sync, httpDevice, httpUser }: MessagesFrame): Waiting {
      const waiting = { id, lane: sync ? `operation ${id}` : (httpDevice ?? httpUser) }
      const lane = lanes.get(waiting.lane)
      if (lane === undefined) lanes.set(waiting.lane, [waiting])
      else lane.push(waiting)
      held.add(id)
      return waiting
    },
    settle(waiting: Waiting, answers: AnswersFrame): void {
      waiting.answers = answers
      const lane = lanes.get(waiting.lane) ?? []
      while (lane[0]?.answers !== undefined) {
        leave(lane[0], lane[0].answers)
        lane.shift()
      }
      if (lane.length === 0) lanes.delete(waiting.lane)
      if (held.size === 0) for (const resolve of onEmpty.splice(0)) resolve()
    },
    holds: (id: string): boolean => held.has(id),
    empty: (): Promise<void> =>
      held.size === 0 ? Promise.resolve() : new Promise((resolve) => onEmpty.push(resolve)),
  }
}

const declined = ({ id }: MessagesFrame, why: Declined): AnswersFrame => ({
  type: 'answers',
  id,
  answers: [],
  declined: why,
})

/**
 * Answers given a short while ago, within limits of number, size and age. They are sealed. In a chain from the oldest to
 * the newest, since a Map finds its first entry the later, the more were deleted before it.
 */
const createMemory = (limits: PostLimits, now: () => Instant) => {
  const byId = new Map<string, Remembered>()
  let oldest: Remembered | undefined
  let newest: Remembered | undefined
  let chars = 0
  const isFull = (): boolean => byId.size > limits.rememberedPosts || chars > limits.rememberedChars
  const trim = (): void => {
    while (oldest !== undefined && (isFull() || isPast(oldest.until, now()))) {
      byId.delete(oldest.answers.id)
      chars -= oldest.chars
      oldest = oldest.next
    }
    if (oldest === undefined) newest = undefined
  }
  return {
    remember(answers: AnswersFrame): void {
      const size = answers.answers.reduce(
        (sum, { kmsMessage }) => sum + (kmsMessage?.length ?? 0),
        0,
      )
      const until = after(now(), limits.rememberedFor)
      const remembered: Remembered = { answers, chars: size, until, next: undefined }
      if (newest === undefined) oldest = remembered
      else newest.next = remembered
      newest = remembered
      byId.set(answers.id, remembered)
      chars += size
      trim()
    },
    recall(id: string): AnswersFrame | undefined {
      trim()
      return byId.get(id)?.answers
    },
  }
}
