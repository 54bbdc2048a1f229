// Search: words go sealed to the realm, ciphertext comes back by way of the core, and only what opens and really
// matches is answered, newest first. It keeps no index, and tells nobody which results were worth showing.

import { partsFinderOf, queryTermsOf } from '../words/index.ts'
import { type ClientClock, within } from './clock.ts'
import { ClientError } from './errors.ts'
import type { HttpClient } from './http.ts'
import { isJsonObject, type JsonObject, listMember } from './json.ts'
import type { ContentKey, Keys } from './keys.ts'
import type { Room } from './room.ts'
import { checkHit, type Hit, type SearchFilter, type SetAside } from './search-hit.ts'
import type { SearchKey } from './search-key.ts'
import { openWord, type RealmWord, sealQuestion } from './search-words.ts'

export interface SearchOptions extends SearchFilter {
  /** Larger pages for whoever must see everything; the core learns more hashes of one word together. */
  readonly isComplete?: boolean
  /** Results asked of the core at a time, 1 to 500; default 20. */
  readonly limit?: number
}

/** One page of results. */
export interface Found {
  /** Newest first, by the time that the core gives. Later pages may hold newer ones of rooms where much is said. */
  readonly hits: readonly Hit[]
  /** Rooms that the realm searched; absent if the core kept its word from us. */
  readonly rooms: number | undefined
  /** The realm could not search all rooms at once. */
  readonly isTruncated: boolean
  /** What the core sent and was not shown: decoys and words that do not match make some of it ordinary. */
  readonly setAside: Readonly<Record<SetAside, number>>
  /** Absent: there is no more. */
  readonly next?: () => Promise<Found>
}

/**
 * All words must be in a message, by their roots; `"words in quotes"` as they are written. Rejects
 * `client.invalid-argument` for a query without words, `client.core-refused`, `client.timed-out`,
 * `client.not-confirmed` for an answer that the realm did not give.
 */
export type Search = (words: string, options?: SearchOptions) => Promise<Found>

export interface SearchSettings {
  readonly http: HttpClient
  readonly clock: ClientClock
  /** Absent: this core has no search. */
  readonly searchUrl: string | undefined
  readonly searchKey: SearchKey
  readonly keys: Pick<Keys, 'retrieve'>
  readonly roomNamed: (roomId: string) => Promise<Room>
}

/** Longest that a page of results may take. */
export const SEARCH_TIMEOUT_MS = 45_000
/** Longest query, in UTF-16 units. */
const LONGEST = 16_384
const STANDARD_LIMIT = 20
/** The last one that can be asked for. */
const LAST_PAGE = 100_000
/** Pages without a single hit that are passed over at once. */
const PAGES_AT_ONCE = 8
/** The realm forgot the key, or it is not ours alone any more. */
const NEEDS_KEY: ReadonlySet<unknown> = new Set(['kms.unknown-key', 'kms.not-authorized'])

/** Where a page begins. */
interface Place {
  readonly page: number
  readonly before?: string
}

interface Asked {
  readonly words: string
  readonly options: SearchOptions
  /** Ids of hits that were shown. */
  readonly shown: Set<string>
}

interface Page {
  readonly items: readonly JsonObject[]
  readonly word: RealmWord | undefined
  readonly next: Place | undefined
}

export const createSearch = (settings: SearchSettings): Search => {
  const { clock } = settings
  const timely = async (found: Promise<Found>): Promise<Found> => {
    found.catch(() => undefined)
    const late = { milliseconds: SEARCH_TIMEOUT_MS, otherwise: undefined }
    const outcome = await within(found, clock, late)
    if (outcome !== undefined) return outcome
    throw new ClientError('client.timed-out', 'search')
  }
  const load = async (asked: Asked, from: Place): Promise<Found> => {
    const setAside = { unreadable: 0, 'not-matching': 0 }
    let page: Page = { items: [], word: undefined, next: from }
    let hits: readonly Hit[] = []
    for (let n = 0; n < PAGES_AT_ONCE && hits.length === 0 && page.next !== undefined; n += 1) {
      page = await askPage(settings, asked, page.next)
      const checked = await checkAll(settings, asked, page)
      for (const one of checked) if (typeof one === 'string') setAside[one] += 1
      hits = newHits(checked, asked.shown)
    }
    const { word, next } = page
    return {
      hits,
      rooms: word?.rooms,
      isTruncated: word?.isTruncated ?? false,
      setAside,
      ...(next === undefined ? {} : { next: () => timely(load(asked, next)) }),
    }
  }
  return async (words, options = {}) => {
    if (words.length > LONGEST || queryTermsOf(words, 'english').length === 0)
      throw new ClientError('client.invalid-argument', 'words')
    return await timely(load({ words, options, shown: new Set() }, { page: 0 }))
  }
}

/** Once more with a new key if the realm does not know the old one. */
async function askPage(settings: SearchSettings, asked: Asked, place: Place): Promise<Page> {
  const { searchKey } = settings
  const key = await searchKey.current()
  try {
    return await askUnder(key, settings, asked, place)
  } catch (error) {
    if (!(error instanceof ClientError) || !NEEDS_KEY.has(error.about)) throw error
    searchKey.drop(key)
    return await askUnder(await searchKey.current(), settings, asked, place)
  }
}

async function askUnder(
  key: ContentKey,
  { http, searchUrl }: SearchSettings,
  { words, options }: Asked,
  place: Place,
): Promise<Page> {
  if (searchUrl === undefined) throw new ClientError('client.core-refused', 'search')
  const query = await sealQuestion({ words, isComplete: options.isComplete === true }, key)
  const { limit = STANDARD_LIMIT } = options
  const answer = await http.ask('POST', `${searchUrl}/search`, {
    ...{ query, searchEncryptionKeyUrl: key.uri, limit, ...place },
    ...filtersOf(options),
  })
  const { activities, sealed } = answer
  const { page } = place
  const word =
    typeof sealed === 'string' ? await openWord(sealed, key, { question: query, page }) : undefined
  return {
    items: isJsonObject(activities) ? listMember(activities, 'items').slice(0, limit) : [],
    word,
    next: nextOf(answer, place, word),
  }
}

function filtersOf({ roomIds, senderId, since, until, hasFile }: SearchFilter): JsonObject {
  return {
    ...(roomIds === undefined ? {} : { roomIds }),
    ...(senderId === undefined ? {} : { senderId }),
    ...(since === undefined ? {} : { sinceDate: since }),
    ...(until === undefined ? {} : { maxDate: until }),
    ...(hasFile === undefined ? {} : { hasFile }),
  }
}

/** The rest of this page is the core's to name; whether there is a further one is the realm's. */
function nextOf(
  { next }: JsonObject,
  { page, before }: Place,
  word: RealmWord | undefined,
): Place | undefined {
  const named = isJsonObject(next) && next['page'] === page ? next['before'] : undefined
  if (typeof named === 'string') {
    if (named === before) throw new ClientError('client.invalid-answer', 'next')
    return { page, before: named }
  }
  return word?.isMore === true && page < LAST_PAGE ? { page: page + 1 } : undefined
}

async function checkAll(
  { keys, roomNamed }: SearchSettings,
  { words, options }: Asked,
  { items, word }: Page,
): Promise<readonly (Hit | SetAside)[]> {
  const languages = word?.languages.length ? word.languages : (['english'] as const)
  const finders = languages.map((language) => partsFinderOf(words, language))
  const checking = { keys, roomNamed: once(roomNamed), filter: options, finders }
  return await Promise.all(items.map((raw) => checkHit(raw, checking)))
}

/** One question for a room, however many results are from it. */
function once(ask: (roomId: string) => Promise<Room>): (roomId: string) => Promise<Room> {
  const asked = new Map<string, Promise<Room>>()
  return (roomId) => {
    const room = asked.get(roomId) ?? ask(roomId)
    asked.set(roomId, room)
    return room
  }
}

/** What this search has not shown before, newest first. */
function newHits(checked: readonly (Hit | SetAside)[], shown: Set<string>): readonly Hit[] {
  const hits: Hit[] = []
  for (const one of checked) {
    if (typeof one === 'string' || shown.has(one.id)) continue
    shown.add(one.id)
    hits.push(one)
  }
  return hits.toSorted((one, other) => Date.parse(other.publishedAt) - Date.parse(one.publishedAt))
}
