// Search in a core whose realm is scripted: it cuts words out of "ciphertext" that a test can read, hashes them without
// a key, and answers queries with the hashes of their words. What the core does with them is what is tested.

import type {
  FeedAskFrame,
  FeedEvent,
  FeedFrame,
  PostingList,
  SearchFrame,
  SearchFrameOfCore,
} from '../../../src/boundary/index.ts'
import { packed } from '../../unit/core/search/hashes.ts'
import type { FakeRealm } from './fake-realm.ts'
import type { Act } from './room-life.ts'

export const SEARCH_PATH = '/argonaut/api/v1/search'
export const SEARCH_KEY = 'kms://kms.acme.example/keys/search'

/** A compact JWE by its form, whose ciphertext is readable for tests: words joined by `_`. */
export const sealed = (words: string): string => `h..iv.${words.replaceAll(' ', '_')}.tag`
export const wordsIn = (text: string): readonly string[] => (text.split('.')[3] ?? '').split('_')

export interface Found {
  readonly activities: { readonly items: readonly (Act & { readonly encryptionKeyUrl: string })[] }
  readonly page: number
  readonly more: boolean
  readonly next?: { readonly page: number; readonly before?: string }
  readonly sealed?: string
}

/** The next frame of this kind; others are passed over. */
export const nextFrame = async <Type extends SearchFrameOfCore['type']>(
  { search }: FakeRealm,
  type: Type,
): Promise<Extract<SearchFrameOfCore, { type: Type }>> => {
  const isWanted = (
    frame: SearchFrameOfCore,
  ): frame is Extract<SearchFrameOfCore, { type: Type }> => frame.type === type
  for (;;) {
    const frame = await search.take()
    if (isWanted(frame)) return frame
  }
}

let asked = 0

/** One stretch of the feed. */
export const readFeed = async (
  line: FakeRealm,
  ask: Partial<FeedAskFrame> = {},
): Promise<FeedFrame> => {
  asked += 1
  line.say({ type: 'feed-ask', id: `f-${asked}`, after: 0, limit: 1000, ...ask })
  return await nextFrame(line, 'feed')
}

/** Everything there is, in stretches. */
export const readAll = async (
  line: FakeRealm,
  ask: Partial<FeedAskFrame> = {},
): Promise<readonly FeedEvent[]> => {
  const events: FeedEvent[] = []
  for (let after = ask.after ?? 0; ; ) {
    const frame = await readFeed(line, { ...ask, after })
    events.push(...frame.events)
    if (frame.more === undefined) return events
    after = frame.upTo
  }
}

export const listOf = (event: FeedEvent): PostingList => {
  const words = event.kind === 'posted' ? event.parts.flatMap((part) => wordsIn(part.sealed)) : []
  const { resourceUri, messageId, version: revision } = event
  const hashes = packed(...new Set(words)).toString('base64')
  return { resourceUri, messageId, revision, hashes }
}

export const keep = async (line: FakeRealm, items: readonly PostingList[]): Promise<void> => {
  asked += 1
  line.say({ type: 'postings', id: `p-${asked}`, items })
  await nextFrame(line, 'postings-done')
}

/** Reads all there is and keeps it, as an indexer would. */
export const indexAll = async (line: FakeRealm): Promise<void> =>
  await keep(line, (await readAll(line)).map(listOf))

/** Answers the next query with the hashes of its words. */
export const answerNext = async (line: FakeRealm, more: object = {}): Promise<SearchFrame> => {
  const frame = await nextFrame(line, 'search')
  const hashes = packed(...wordsIn(frame.query)).toString('base64')
  line.say({ type: 'search-hashes', id: frame.id, hashes, more: false, ...more })
  return frame
}
