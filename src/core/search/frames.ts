// A realm's frames of search, each to the part that it is for. A realm speaks of its own resources only.

import {
  encodeCoreFrame,
  type PostingsDropFrame,
  type PostingsFrame,
  type SearchFrameOfRealm,
} from '../../boundary/index.ts'
import type { Line } from '../realms/desk.ts'
import type { Feed } from './feed.ts'
import type { Postings } from './postings.ts'
import type { Queries } from './queries.ts'

export interface SearchFrames {
  /** False if the frame names resources that are not this realm's. */
  take(domain: string, frame: SearchFrameOfRealm, line: Line): Promise<boolean>
  lineUp(domain: string, line: Line): void
  lineDown(domain: string, line: Line): void
}

export interface SearchParts {
  readonly feed: Feed
  readonly postings: Postings
  readonly queries: Queries
}

export const openSearchFrames = ({ feed, postings, queries }: SearchParts): SearchFrames => {
  const keep = async (
    domain: string,
    frame: PostingsFrame | PostingsDropFrame,
    line: Line,
  ): Promise<boolean> => {
    const items = frame.type === 'postings' ? frame.items : [frame]
    const start = `kms://${domain}/`
    if (!items.every(({ resourceUri }) => resourceUri.startsWith(start))) return false
    if (frame.type === 'postings-drop') await postings.drop(frame.resourceUri)
    else {
      await postings.append(
        frame.items.map((item) => ({ ...item, hashes: Buffer.from(item.hashes, 'base64') })),
      )
    }
    line.send(encodeCoreFrame({ type: 'postings-done', id: frame.id }))
    return true
  }
  return {
    async take(domain, frame, line) {
      switch (frame.type) {
        case 'feed-ask':
          await feed.ask(domain, frame, line)
          return true
        case 'postings':
        case 'postings-drop':
          return await keep(domain, frame, line)
        case 'search-hashes':
        case 'search-declined':
          queries.answered(domain, frame)
          return true
      }
    },
    lineUp: (domain, line) => queries.lineUp(domain, line),
    lineDown(domain, line) {
      queries.lineDown(domain, line)
      feed.lineDown(domain, line)
    },
  }
}
