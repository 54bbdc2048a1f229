// One query: who may ask and where is decided and recorded first; then it is opened, its words are cut and hashed for
// each room, and the hashes of all rooms leave as one sorted list. What was found nobody here ever learns.

import type { Act } from '../audit/index.ts'
import {
  HASH_BYTES,
  HASHES_PER_QUERY,
  type SearchDeclinedFrame,
  type SearchFrame,
  type SearchHashesFrame,
} from '../boundary/index.ts'
import {
  type AesKey,
  aesKeyFrom,
  decodeUtf8,
  directHeader,
  openDirect,
  parseCompactJwe,
  type Random,
  sealDirect,
} from '../crypto/index.ts'
import { type Keyring, permitSearch, type SearchKeyPlace, type SearchPermit } from '../kms/index.ts'
import { parseStrictJson, type Uris, verdictOf } from '../protocol/index.ts'
import { isRefusal, type Refusal, refuse } from '../refusal.ts'
import { type Language, queryTermsOf } from '../words/index.ts'
import type { Tokenizing } from './blind.ts'
import type { IndexLedger } from './ports.ts'
import { sortedHashes } from './posting-list.ts'
import { OCCURRENCES, type QueriedRoom, type QueryMode, querying } from './query-page.ts'
import type { OpenRoom, RoomMemory } from './room-memory.ts'

/** A longer query is a text, not a search. */
export const WORDS_MOST = 64
/** Rooms blinded before others get the thread. */
const ROOMS_AT_ONCE = 1000

/** What is asked of so many rooms always fits one answer, so that a search is never cut down to nothing. */
export const roomsAtOnce = (mode: QueryMode): number =>
  Math.min(ROOMS_AT_ONCE, Math.floor(HASHES_PER_QUERY / OCCURRENCES[mode]))

export interface SearchMeans {
  readonly ledger: IndexLedger
  readonly memory: RoomMemory
  readonly keyring: Keyring
  readonly random: Random
  readonly uris: Uris
  readonly tokenize: <Result>(work: Tokenizing<Result>) => Promise<Result>
  readonly pause: () => Promise<void>
}

export interface Query {
  readonly words: string
  readonly mode: QueryMode
}

const readObject = (text: string): Query | Refusal => {
  const parsed = parseStrictJson(text)
  const value = isRefusal(parsed) ? undefined : parsed.value
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse('indexer.query-malformed')
  }
  const { words, complete, ...rest }: Readonly<Record<string, unknown>> = { ...value }
  const isKnown = complete === undefined || typeof complete === 'boolean'
  if (typeof words !== 'string' || !isKnown || Object.keys(rest).length > 0) {
    return refuse('indexer.query-malformed')
  }
  return { words, mode: complete === true ? 'complete' : 'newest' }
}

/** A text is the words; an object, if the header says that it is one, says more. */
const openQuery = (sealed: string, key: AesKey): Query | Refusal => {
  const parts = parseCompactJwe(sealed)
  const bytes = parts === undefined ? undefined : openDirect(parts, key)
  const text = bytes === undefined ? undefined : decodeUtf8(bytes)
  bytes?.fill(0)
  if (text === undefined) return refuse('indexer.query-not-opened')
  return parts?.header.cty === 'application/json'
    ? readObject(text)
    : { words: text, mode: 'newest' }
}

interface Hashes {
  readonly hashes: Uint8Array
  readonly more: boolean
  readonly rooms: number
  /** Stemmers of these rooms: the client checks what was found by the same. */
  readonly languages: readonly Language[]
  readonly isTruncated: boolean
}

const NOTHING: Hashes = {
  hashes: new Uint8Array(0),
  more: false,
  rooms: 0,
  languages: [],
  isTruncated: false,
}

type Words = readonly (readonly string[])[]

/** A query is cut once for each language that the rooms have. */
const wordsIn = (query: Query): ((language: Language) => Words) => {
  const known = new Map<Language, Words>()
  return (language) => {
    const words = known.get(language) ?? queryTermsOf(query.words, language)
    known.set(language, words)
    return words
  }
}

const joined = (lists: readonly Uint8Array[]): Uint8Array => {
  if (lists.length === 1 && lists[0] !== undefined) return lists[0]
  const all = new Uint8Array(lists.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const list of lists) {
    all.set(list, at)
    at += list.length
  }
  return sortedHashes(all)
}

const countWords = (words: (language: Language) => Words): number => words('english').length

export class Search {
  readonly #means: SearchMeans

  constructor(means: SearchMeans) {
    this.#means = means
  }

  /** Rejects with a Fault only. */
  async answer(frame: SearchFrame): Promise<SearchHashesFrame | SearchDeclinedFrame> {
    const { ledger, keyring } = this.#means
    const { id } = frame
    if (!keyring.isUnlocked) return declined(id, refuse('kms.locked'))
    const permit = await ledger.commit((tx, now) => permitSearch(tx, frame, this.#means, now))
    if (isRefusal(permit)) return declined(id, permit)
    const secret = keyring.unwrap(permit.key.uri, permit.key.wrapped)
    const key = aesKeyFrom(secret)
    secret.wipe()
    const query = openQuery(frame.query, key)
    if (isRefusal(query)) return this.#refuse(frame, permit, query)
    const words = wordsIn(query)
    const count = countWords(words)
    if (count > WORDS_MOST) return this.#refuse(frame, permit, refuse('indexer.too-many-words'))
    const found = await this.#blind(permit.places, words, { page: frame.page, mode: query.mode })
    await this.#record(permit, { ...found, words: count })
    return this.#frame(frame, found, key)
  }

  /** The sealed words name the question and the page: an answer to another one is no answer to this. */
  #frame({ id, query, page }: SearchFrame, found: Hashes, key: AesKey): SearchHashesFrame {
    const { hashes, more, rooms, languages, isTruncated } = found
    const truncated = isTruncated ? { truncated: true } : {}
    const said = { query: tagOf(query), page, rooms, languages, more, ...truncated }
    return {
      ...{ type: 'search-hashes', id, more },
      hashes: Buffer.from(hashes).toString('base64'),
      sealed: sealDirect(JSON.stringify(said), key, directHeader(), this.#means.random),
    }
  }

  /** Rooms with the newest search keys first; what does not fit one answer is left out, and said so. */
  async #blind(
    places: readonly SearchKeyPlace[],
    words: (language: Language) => Words,
    asked: { readonly page: number; readonly mode: QueryMode },
  ): Promise<Hashes> {
    const lists: Uint8Array[] = []
    const rooms = new Set<string>()
    const languages = new Set<Language>()
    let [bytes, more, isTruncated] = [0, false, false]
    const atOnce = roomsAtOnce(asked.mode)
    for (let from = 0; from < places.length; from += atOnce) {
      if (from > 0) await this.#means.pause()
      const ids = places.slice(from, from + atOnce).map(({ id }) => id)
      const opened = [...(await this.#means.memory.open(ids)).values()]
      const queried = opened.map((room) => toQueried(room, words)).filter(hasWords)
      const list = await this.#means.tokenize(querying(queried, asked))
      isTruncated = bytes + list.hashes.length > HASHES_PER_QUERY * HASH_BYTES
      if (isTruncated) break
      for (const { searchKey, language } of opened) {
        rooms.add(searchKey.resourceUri)
        languages.add(language)
      }
      bytes += list.hashes.length
      more ||= list.more
      lists.push(list.hashes)
    }
    if (lists.length === 0) return { ...NOTHING, isTruncated }
    const searched = { rooms: rooms.size, languages: [...languages] }
    return { ...searched, hashes: joined(lists), more, isTruncated }
  }

  async #record(
    { actor }: SearchPermit,
    { rooms, words, hashes, more }: Hashes & { readonly words: number },
  ): Promise<void> {
    const details = { rooms, words, hashes: hashes.length / HASH_BYTES, more }
    await this.#means.ledger.commit(async () => ({
      result: undefined,
      acts: [{ action: 'search.answered', outcome: 'done', actor, type: 'SEARCH', details }],
    }))
  }

  async #refuse(
    { id }: SearchFrame,
    { actor, key }: SearchPermit,
    refusal: Refusal,
  ): Promise<SearchDeclinedFrame> {
    const act: Act = {
      action: 'search.refused',
      outcome: 'refused',
      code: refusal.refused,
      actor,
      type: 'SEARCH',
      keys: [key.uri],
    }
    await this.#means.ledger.commit(async () => ({ result: undefined, acts: [act] }))
    return declined(id, refusal)
  }
}

const toQueried = (room: OpenRoom, words: (language: Language) => Words): QueriedRoom => ({
  key: room.key,
  counters: room.counters,
  totals: room.totals,
  words: words(room.language),
})

/** The last part of a compact JWE: no other text under the same key has the same. */
const tagOf = (compact: string): string => compact.slice(compact.lastIndexOf('.') + 1)

const hasWords = ({ words }: QueriedRoom): boolean => words.length > 0

const declined = (id: string, refusal: Refusal): SearchDeclinedFrame => ({
  type: 'search-declined',
  id,
  status: verdictOf(refusal).status,
  code: refusal.refused,
})
