// `POST /search`: a sealed query goes to the caller's own realm, hashes come back and are matched, and the caller gets
// the messages as ciphertext, newest first: only of rooms that the core, too, knows the caller to be in.

import type { SearchHashesFrame } from '../../boundary/index.ts'
import type { Call, Route } from '../http/http.ts'
import { json } from '../http/http.ts'
import { parseBody } from '../http/parse-body.ts'
import { isProblem, type Problem, problem, toDeclinedResponse } from '../http/problem.ts'
import { PATHS, type RoomUrls } from '../http/urls.ts'
import type { Surroundings } from '../ports.ts'
import type { Realms } from '../realms/realms.ts'
import { toActivity } from '../rooms/room-views.ts'
import type { CoreStore, FoundRow } from '../store/store.ts'
import { newestOf } from './newest.ts'
import type { Postings } from './postings.ts'
import type { Queries } from './queries.ts'
import { RESULTS, SEARCH_BODY, type SearchBody } from './search-body.ts'

export interface SearchRooms {
  readonly store: Pick<CoreStore, 'foundRows' | 'resourcesOf'>
  readonly realms: Realms
  readonly postings: Postings
  readonly queries: Queries
  readonly urls: RoomUrls
  readonly surroundings: Surroundings
}

/** Ciphertext of one answer; one activity at least. */
const ANSWER_CHARS = 8 * 1024 * 1024

export const searchRoutes = (rooms: SearchRooms): readonly Route[] => [
  {
    method: 'POST',
    path: `${PATHS.search}/search`,
    name: 'search',
    answer: (call) => answer(call, rooms),
  },
]

const answer = async (call: Call, rooms: SearchRooms): Promise<Response | Problem> => {
  const wanted = parseBody(SEARCH_BODY, await call.body())
  if (isProblem(wanted)) return wanted
  const said = await askRealm(call, wanted.value, rooms)
  if (isProblem(said) || said instanceof Response) return said
  return json(await results(call, wanted.value, { rooms, said }))
}

const askRealm = async (
  { caller, trackingId }: Call,
  wanted: SearchBody,
  { realms, store, queries, surroundings }: SearchRooms,
): Promise<SearchHashesFrame | Problem | Response> => {
  const realm = realms.serving(caller.organizationId)
  if (realm === undefined) return problem('core.organization-not-served')
  if (realm.state === 'locked') return problem('kms.locked')
  const resourceUris = wanted.roomIds && (await store.resourcesOf(caller.userId, wanted.roomIds))
  // Rooms that the caller is not in are rooms without matches.
  if (resourceUris?.length === 0) return NOTHING
  const said = await queries.ask(realm.domain, {
    httpUser: caller.userId,
    query: wanted.query,
    keyUri: wanted.searchEncryptionKeyUrl,
    page: wanted.page,
    ...(resourceUris === undefined ? {} : { resourceUris }),
  })
  surroundings.meter.search(outcomeOf(said))
  if (isProblem(said)) return said
  return said.type === 'search-declined' ? toDeclinedResponse(said, trackingId) : said
}

const NOTHING: SearchHashesFrame = { type: 'search-hashes', id: 'none', hashes: '', more: false }

const outcomeOf = (said: { readonly type: string } | Problem) => {
  if (isProblem(said)) return 'failed'
  return said.type === 'search-declined' ? 'declined' : 'answered'
}

interface Said {
  readonly rooms: SearchRooms
  readonly said: SearchHashesFrame
}

const results = async (
  { caller }: Call,
  wanted: SearchBody,
  { rooms, said }: Said,
): Promise<object> => {
  const limit = limitOf(wanted)
  const refs = await rooms.postings.find(Buffer.from(said.hashes, 'base64'))
  const found = await newestOf(rooms.store, {
    refs,
    userId: caller.userId,
    limit: limit + 1,
    before: wanted.before,
    senderId: wanted.senderId,
    since: wanted.sinceDate,
    until: wanted.maxDate,
    hasFile: wanted.hasFile,
    roomIds: wanted.roomIds,
  })
  const shown = fitting(found.slice(0, limit))
  const next = nextOf(wanted, { said, last: shown.length < found.length && shown.at(-1) })
  return {
    activities: { items: shown.map((row) => toFound(row, rooms.urls)) },
    page: wanted.page,
    more: next !== undefined,
    ...(next === undefined ? {} : { next }),
    ...(said.sealed === undefined ? {} : { sealed: said.sealed }),
  }
}

const limitOf = ({ limit, size }: SearchBody): number => {
  const asked = limit ?? size ?? RESULTS.standard
  return asked < RESULTS.least ? RESULTS.standard : asked
}

const fitting = (rows: readonly FoundRow[]): readonly FoundRow[] => {
  let chars = 0
  const end = rows.findIndex(({ object }, n) => {
    chars += object.length
    return chars > ANSWER_CHARS && n > 0
  })
  return end === -1 ? rows : rows.slice(0, end)
}

/** The rest of this page first, then the realm's next one: nothing between two pages is lost. */
const nextOf = (
  { page }: SearchBody,
  { said, last }: { readonly said: SearchHashesFrame; readonly last: FoundRow | false | undefined },
): object | undefined => {
  if (last) return { page, before: `${last.published_at}.${last.id}` }
  return said.more ? { page: page + 1 } : undefined
}

/** A room found by its first title: that is kept with the room, not with the activity. */
const toFound = (row: FoundRow, urls: RoomUrls): object => {
  const activity = toActivity(row, row.conversation_id, urls)
  if (row.verb !== 'create' || row.title === null || row.titleKeyUri === null) return activity
  const { title: displayName, titleKeyUri: encryptionKeyUrl } = row
  const lists = { participants: { items: [] }, activities: { items: [] } }
  const object = { objectType: 'conversation', id: row.conversation_id, displayName, ...lists }
  return { ...activity, object: { ...object, encryptionKeyUrl }, encryptionKeyUrl }
}
