// The feed of each realm's rooms: the realm pulls, so that it is never sent more than it can take, and is hinted at
// news once for each time that it has read.

import { EVENTS_PER_FEED, encodeCoreFrame, type FeedAskFrame } from '../../boundary/index.ts'
import type { Line } from '../realms/desk.ts'
import type { Applied, CoreStore } from '../store/store.ts'
import { toFeedEvent } from './feed-events.ts'

export interface Feed {
  /** Answers on the line. */
  ask(domain: string, frame: FeedAskFrame, line: Line): Promise<void>
  /** Something was written in a room. */
  news(applied: Applied): Promise<void>
  lineDown(domain: string, line: Line): void
}

/** Activities of one frame; one of them may be as large as a request's body, and still fits. */
const FEED_BYTES = 2 * 1024 * 1024

type FeedStore = Pick<CoreStore, 'feedHead' | 'feedRows' | 'resourceOf'>

export const openFeed = (store: FeedStore): Feed => {
  /** Lines that have read since they were last told of news. */
  const waiting = new Map<string, Line>()
  return {
    async ask(domain, { id, after, upTo: most, limit, resourceUri }, line) {
      // Before reading: what is written meanwhile is news.
      if (resourceUri === undefined) waiting.set(domain, line)
      const head = await store.feedHead()
      const upTo = Math.max(after, Math.min(most ?? head, head))
      const wanted = { domain, after, upTo, limit: Math.min(limit, EVENTS_PER_FEED), resourceUri }
      const { rows, reached } = await store.feedRows({ ...wanted, bytes: FEED_BYTES })
      const events = rows.flatMap((row) => toFeedEvent(row) ?? [])
      const frame = { type: 'feed', id, events, upTo: reached, head } as const
      line.send(encodeCoreFrame(reached < upTo ? { ...frame, more: true } : frame))
    },
    async news({ roomId, activities }) {
      if (waiting.size === 0 || activities.length === 0) return
      const resourceUri = await store.resourceOf(roomId)
      for (const [domain, line] of waiting) {
        if (!resourceUri?.startsWith(`kms://${domain}/`)) continue
        waiting.delete(domain)
        line.send(encodeCoreFrame({ type: 'feed-news', head: await store.feedHead() }))
      }
    },
    lineDown(domain, line) {
      if (waiting.get(domain) === line) waiting.delete(domain)
    },
  }
}
