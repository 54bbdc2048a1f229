// Who may read a room, as the realm says, beside who is in it, as the core says. Where they differ, the realm's word
// is the one that counts, and the difference is shown: it is what a member would want to know.

import type { HttpClient } from './http.ts'
import { isJsonObject, type JsonObject, listMember, textMember } from './json.ts'
import type { Authorization, Resources } from './resources.ts'
import { type RoomBook, resourceOf } from './room-book.ts'

export interface RosterEntry {
  /** A user id; the URI of a resource whose people are meant; or, of a bearer, of its authorization. */
  readonly id: string
  readonly kind: 'person' | 'machine' | 'resource' | 'bearer'
  /** At the realm: this one may read what is in the room. */
  readonly isAuthorized: boolean
  /** As the realm calls it: `participant`, or `agent` for programs. */
  readonly role: string | undefined
  /** The core lists this one as a member. */
  readonly isListed: boolean
  readonly isModerator: boolean
  /** Known to the core once they have signed in there. */
  readonly organizationId: string | undefined
  /** Of another organisation than the caller. */
  readonly isOutsider: boolean
}

export interface RosterSettings {
  readonly http: HttpClient
  readonly resources: Resources
  readonly book: RoomBook
  readonly userId: string
}

/** In the order of the realm; those that only the core lists come last. */
export const createRoster =
  ({ http, resources, book, userId }: RosterSettings) =>
  async (roomId: string): Promise<readonly RosterEntry[]> => {
    const [authorizations, answer] = await Promise.all([
      resources.list(resourceOf(await book.known(roomId))),
      http.ask('GET', `${book.urlOf(roomId)}/participants`),
    ])
    const people = new Map(listMember(answer, 'items').map((raw) => [textMember(raw, 'id'), raw]))
    const ownId = people.get(userId)?.['orgId']
    const authorized = new Map(authorizations.map((one) => [one.authId, one]))
    const ids = [...new Set([...authorized.keys(), ...people.keys()])]
    return ids.map((id) => toEntry(id, { one: authorized.get(id), raw: people.get(id), ownId }))
  }

interface Known {
  readonly one: Authorization | undefined
  readonly raw: JsonObject | undefined
  /** The caller's organisation. */
  readonly ownId: unknown
}

function toEntry(id: string, { one, raw, ownId }: Known): RosterEntry {
  const orgId = raw?.['orgId']
  const properties = raw?.['roomProperties']
  return {
    id,
    kind: kindOf(id, one, raw),
    isAuthorized: one !== undefined,
    role: one?.role,
    isListed: raw !== undefined,
    isModerator: isJsonObject(properties) && properties['isModerator'] === true,
    organizationId: typeof orgId === 'string' ? orgId : undefined,
    isOutsider: typeof orgId === 'string' && orgId !== ownId,
  }
}

function kindOf(id: string, one?: Authorization, raw?: JsonObject): RosterEntry['kind'] {
  if (id === one?.uri) return 'bearer'
  if (id.startsWith('kms:')) return 'resource'
  return one?.role === 'agent' || raw?.['type'] === 'MACHINE' ? 'machine' : 'person'
}
