// What the indexer asks of the core, over the one line: each question waits for the frame that answers it. No line, or no
// answer in time, is a rejection; the indexer asks again, and nothing is lost by it.

import type {
  FeedAskFrame,
  FeedFrame,
  PostingsDoneFrame,
  PostingsDropFrame,
  PostingsFrame,
} from '../boundary/index.ts'
import { Fault } from '../fault.ts'

type Question = FeedAskFrame | PostingsFrame | PostingsDropFrame
type Reply = FeedFrame | PostingsDoneFrame

export interface IndexCalls {
  /** Rejects with a Fault `link.down`, `link.silent`, or `link.foreign-answer` for a frame of another kind. */
  ask(frame: FeedAskFrame): Promise<FeedFrame>
  tell(frame: PostingsFrame | PostingsDropFrame): Promise<void>
  take(reply: Reply): void
  lineLost(): void
}

interface Waiting {
  readonly resolve: (reply: Reply) => void
  readonly reject: (fault: Fault) => void
  readonly timer: NodeJS.Timeout
}

export interface IndexCallParts {
  readonly isUp: () => boolean
  readonly send: (frame: Question) => void
  readonly answerWithinMs: number
}

export const createIndexCalls = ({ isUp, send, answerWithinMs }: IndexCallParts): IndexCalls => {
  const waiting = new Map<string, Waiting>()
  const end = (id: string): Waiting | undefined => {
    const one = waiting.get(id)
    clearTimeout(one?.timer)
    waiting.delete(id)
    return one
  }
  const call = (frame: Question): Promise<Reply> => {
    if (!isUp()) return Promise.reject(new Fault('link.down'))
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    const timer = setTimeout(() => end(frame.id)?.reject(new Fault('link.silent')), answerWithinMs)
    waiting.set(frame.id, { resolve, reject, timer })
    try {
      send(frame)
    } catch (fault) {
      end(frame.id)
      return Promise.reject(fault)
    }
    return promise
  }
  return {
    async ask(frame) {
      const reply = await call(frame)
      if (reply.type !== 'feed') throw new Fault('link.foreign-answer')
      return reply
    },
    async tell(frame) {
      const reply = await call(frame)
      if (reply.type !== 'postings-done') throw new Fault('link.foreign-answer')
    },
    // What nobody waits for any more came too late, or was never asked for.
    take: (reply) => end(reply.id)?.resolve(reply),
    lineLost() {
      for (const id of [...waiting.keys()]) end(id)?.reject(new Fault('link.down'))
    },
  }
}
