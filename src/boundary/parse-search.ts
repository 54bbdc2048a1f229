// Raw JSON to the frames of search. Total and strict, like every parser here: what is said of people's words must
// be compact JWE or hashes in rising order, and nothing else passes.

import { isUuid } from '../id.ts'
import { type Refusal, refuse } from '../refusal.ts'
import { isHashList } from './hash-list.ts'
import { SEALED_MESSAGE_MAX_CHARS } from './link.ts'
import {
  EVENTS_PER_FEED,
  type FeedAskFrame,
  type FeedEvent,
  type FeedFrame,
  type FeedNewsFrame,
  HASHES_PER_MESSAGE,
  HASHES_PER_QUERY,
  LAST_PAGE,
  LISTS_PER_FRAME,
  PART_NAMES,
  PARTS_PER_EVENT,
  type PostingList,
  type PostingsDoneFrame,
  type PostingsDropFrame,
  type PostingsFrame,
  ROOMS_PER_QUERY,
  SEALED_QUERY_MAX_CHARS,
  type SealedPart,
  type SearchDeclinedFrame,
  type SearchFrame,
  type SearchHashesFrame,
} from './search.ts'
import { isCompactJose, isIntegerWithin, isKmsUri, isListOf, isObjectOf, isWord } from './shape.ts'

const FEED_ASK = new Set(['type', 'id', 'after', 'upTo', 'limit', 'resourceUri'])
const FEED = new Set(['type', 'id', 'events', 'upTo', 'head', 'more'])
const FEED_NEWS = new Set(['type', 'head'])
const PLACE = ['kind', 'seq', 'resourceUri', 'messageId', 'version']
const DELETED = new Set(PLACE)
const POSTED = new Set([...PLACE, 'userId', 'at', 'parts'])
const PART = new Set(['name', 'keyUri', 'sealed'])
const POSTINGS = new Set(['type', 'id', 'items'])
const LIST = new Set(['resourceUri', 'messageId', 'revision', 'hashes'])
const DROP = new Set(['type', 'id', 'resourceUri'])
const DONE = new Set(['type', 'id'])
const SEARCH = new Set(['type', 'id', 'httpUser', 'query', 'keyUri', 'resourceUris', 'page'])
const HASHES = new Set(['type', 'id', 'hashes', 'more', 'sealed'])
const SEARCH_DECLINED = new Set(['type', 'id', 'status', 'code'])

const malformed = (about: string): Refusal => refuse('boundary.malformed-frame', about)

const isCount = (raw: unknown): raw is number => isIntegerWithin(raw, 0, Number.MAX_SAFE_INTEGER)

const isPositive = (raw: unknown): raw is number => isCount(raw) && raw > 0

const isJwe = (raw: unknown, maxChars: number): raw is string =>
  isCompactJose(raw, maxChars) && raw.split('.').length === 5

/** `feed-ask` of a realm. */
export const parseFeedAsk = (raw: unknown): FeedAskFrame | Refusal => {
  if (!isObjectOf(raw, FEED_ASK)) return malformed('feed-ask')
  const { id, after, upTo, limit, resourceUri } = raw
  if (!isWord(id)) return malformed('id')
  if (!isCount(after)) return malformed('after')
  if (upTo !== undefined && !isCount(upTo)) return malformed('upTo')
  if (!isIntegerWithin(limit, 1, EVENTS_PER_FEED)) return malformed('limit')
  if (resourceUri !== undefined && !isKmsUri(resourceUri)) return malformed('resourceUri')
  return {
    type: 'feed-ask',
    id,
    after,
    limit,
    ...(upTo === undefined ? {} : { upTo }),
    ...(resourceUri === undefined ? {} : { resourceUri }),
  }
}

const isPart = (raw: unknown): raw is SealedPart => {
  if (!isObjectOf(raw, PART)) return false
  const { name, keyUri, sealed } = raw
  const isNamed = PART_NAMES.some((known) => known === name)
  return isNamed && isKmsUri(keyUri) && isJwe(sealed, SEALED_MESSAGE_MAX_CHARS)
}

const isFeedEvent = (raw: unknown): raw is FeedEvent => {
  if (isObjectOf(raw, DELETED)) return raw['kind'] === 'deleted' && isPlace(raw)
  if (!isObjectOf(raw, POSTED) || raw['kind'] !== 'posted' || !isPlace(raw)) return false
  const { userId, at, parts } = raw
  return isUuid(userId) && isCount(at) && isListOf(parts, PARTS_PER_EVENT, isPart)
}

const isPlace = ({ seq, resourceUri, messageId, version }: Readonly<Record<string, unknown>>) =>
  isPositive(seq) && isKmsUri(resourceUri) && isUuid(messageId) && isPositive(version)

const isInOrder = (events: readonly FeedEvent[], upTo: number): boolean => {
  let last = 0
  for (const { seq } of events) {
    if (seq <= last || seq > upTo) return false
    last = seq
  }
  return true
}

/** `feed` of a core. */
export const parseFeed = (raw: unknown): FeedFrame | Refusal => {
  if (!isObjectOf(raw, FEED)) return malformed('feed')
  const { id, events, upTo, head, more } = raw
  if (!isWord(id)) return malformed('id')
  if (!isCount(upTo) || !isCount(head)) return malformed('upTo')
  if (more !== undefined && more !== true) return malformed('more')
  if (!isListOf(events, EVENTS_PER_FEED, isFeedEvent)) return malformed('events')
  if (!isInOrder(events, upTo)) return malformed('seq')
  const frame = { type: 'feed', id, events, upTo, head } as const
  return more === undefined ? frame : { ...frame, more }
}

/** `feed-news` of a core. */
export const parseFeedNews = (raw: unknown): FeedNewsFrame | Refusal =>
  isObjectOf(raw, FEED_NEWS) && isCount(raw['head'])
    ? { type: 'feed-news', head: raw['head'] }
    : malformed('feed-news')

const isPostingList = (raw: unknown): raw is PostingList => {
  if (!isObjectOf(raw, LIST)) return false
  const { resourceUri, messageId, revision, hashes } = raw
  const isNamed = isKmsUri(resourceUri) && isUuid(messageId) && isPositive(revision)
  return isNamed && isHashList(hashes, HASHES_PER_MESSAGE)
}

/** `postings` of a realm. */
export const parsePostings = (raw: unknown): PostingsFrame | Refusal => {
  if (!isObjectOf(raw, POSTINGS)) return malformed('postings')
  const { id, items } = raw
  if (!isWord(id)) return malformed('id')
  return isListOf(items, LISTS_PER_FRAME, isPostingList)
    ? { type: 'postings', id, items }
    : malformed('items')
}

/** `postings-drop` of a realm. */
export const parsePostingsDrop = (raw: unknown): PostingsDropFrame | Refusal => {
  if (!isObjectOf(raw, DROP)) return malformed('postings-drop')
  const { id, resourceUri } = raw
  return isWord(id) && isKmsUri(resourceUri)
    ? { type: 'postings-drop', id, resourceUri }
    : malformed('postings-drop')
}

/** `postings-done` of a core. */
export const parsePostingsDone = (raw: unknown): PostingsDoneFrame | Refusal =>
  isObjectOf(raw, DONE) && isWord(raw['id'])
    ? { type: 'postings-done', id: raw['id'] }
    : malformed('postings-done')

/** `search` of a core. */
export const parseSearch = (raw: unknown): SearchFrame | Refusal => {
  if (!isObjectOf(raw, SEARCH)) return malformed('search')
  const { id, httpUser, query, keyUri, resourceUris, page } = raw
  if (!isWord(id)) return malformed('id')
  if (!isUuid(httpUser)) return malformed('httpUser')
  if (!isJwe(query, SEALED_QUERY_MAX_CHARS)) return malformed('query')
  if (!isKmsUri(keyUri)) return malformed('keyUri')
  if (!isIntegerWithin(page, 0, LAST_PAGE)) return malformed('page')
  const frame = { type: 'search', id, httpUser, query, keyUri, page } as const
  if (resourceUris === undefined) return frame
  return isListOf(resourceUris, ROOMS_PER_QUERY, isKmsUri)
    ? { ...frame, resourceUris }
    : malformed('resourceUris')
}

/** `search-hashes` of a realm. */
export const parseSearchHashes = (raw: unknown): SearchHashesFrame | Refusal => {
  if (!isObjectOf(raw, HASHES)) return malformed('search-hashes')
  const { id, hashes, more, sealed } = raw
  if (!isWord(id)) return malformed('id')
  if (!isHashList(hashes, HASHES_PER_QUERY)) return malformed('hashes')
  if (typeof more !== 'boolean') return malformed('more')
  const frame = { type: 'search-hashes', id, hashes, more } as const
  if (sealed === undefined) return frame
  return isJwe(sealed, SEALED_QUERY_MAX_CHARS) ? { ...frame, sealed } : malformed('sealed')
}

const CODE = /^[a-z]{1,20}\.[a-z-]{1,40}$/

/** `search-declined` of a realm. */
export const parseSearchDeclined = (raw: unknown): SearchDeclinedFrame | Refusal => {
  if (!isObjectOf(raw, SEARCH_DECLINED)) return malformed('search-declined')
  const { id, status, code } = raw
  if (!isWord(id)) return malformed('id')
  if (!isIntegerWithin(status, 400, 599)) return malformed('status')
  return typeof code === 'string' && CODE.test(code)
    ? { type: 'search-declined', id, status, code }
    : malformed('code')
}
