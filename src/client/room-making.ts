// Rooms, one-to-one rooms, teams and rooms in teams are made together with their resource at the realm, and joined.

import type { Agree } from './agreed.ts'
import { ClientError } from './errors.ts'
import type { HttpClient } from './http.ts'
import { type JsonObject, listMember, objectMember, textMember } from './json.ts'
import type { Keys } from './keys.ts'
import { sealText } from './message.ts'
import type { Room } from './room.ts'
import { type RoomBook, resourceOf } from './room-book.ts'
import { personOf } from './room-changes.ts'

export interface NewRoom {
  readonly title: string
  /** Besides the caller. */
  readonly participantIds: readonly string[]
}

export interface RoomMaking {
  create(wanted: NewRoom): Promise<Room>
  /** The one room of the caller and somebody else, made if there is none yet. */
  direct(userId: string): Promise<Room>
  /** A team: its general room, whose id is the team's. */
  createTeam(wanted: NewRoom): Promise<Room>
  /** A room of a team: everybody in the team may read its title and join it. */
  createInTeam(teamId: string, wanted: NewRoom): Promise<Room>
  /** The caller enters a room of a team that they are in. */
  joinInTeam(teamId: string, roomId: string): Promise<Room>
}

export interface MakingSettings {
  readonly agree: Agree
  readonly book: RoomBook
  readonly keys: Keys
  readonly http: HttpClient
  readonly conversationUrl: string
  readonly userId: string
}

/** What a kind of room adds to a plain one. */
interface Kind {
  readonly path: string
  readonly more?: JsonObject
  /** Resources whose people may read too. */
  readonly alsoAuthorized?: readonly string[]
}

export const createRoomMaking = (settings: MakingSettings): RoomMaking => {
  const { agree, book, keys, http, conversationUrl, userId } = settings

  const make = async (wanted: Partial<NewRoom>, kind: Kind): Promise<Room> => {
    const { participantIds = [], title } = wanted
    const key = await keys.takeUnbound()
    const sealed = title === undefined ? undefined : await sealText(title, key)
    const memberIds = [...new Set([userId, ...participantIds])]
    const body = {
      objectType: 'conversation',
      ...(sealed === undefined ? {} : { displayName: sealed.ciphertext }),
      encryptionKeyUrl: key.uri,
      defaultActivityEncryptionKeyUrl: key.uri,
      activities: { items: [{ verb: 'create' }, ...memberIds.map(toAddition)] },
      ...kind.more,
    }
    const userIds = [...memberIds, ...(kind.alsoAuthorized ?? [])]
    const request = {
      method: 'create',
      uri: '/resources',
      members: { userIds, keyUris: [key.uri] },
    } as const
    const { view, answer } = await agree({ url: `${conversationUrl}${kind.path}`, body, request })
    const resourceUri = textMember(objectMember(answer, 'resource'), 'uri')
    keys.keepBound({ ...key, resourceUri })
    const room = await book.open(roomIn(view))
    if (room.resourceUri !== resourceUri) throw new ClientError('client.not-confirmed')
    return room
  }
  const findDirect = async (otherId: string): Promise<Room | undefined> => {
    const url = `${conversationUrl}/conversations/user/${encodeURIComponent(otherId)}`
    try {
      return await book.open(await http.ask('GET', url))
    } catch (error) {
      if (error instanceof ClientError && error.status === 404) return undefined
      throw error
    }
  }

  return {
    create: (wanted) => make(wanted, { path: '/conversations' }),
    async direct(otherId) {
      const more = { tags: ['ONE_ON_ONE'] }
      const there = await findDirect(otherId)
      if (there !== undefined) return there
      try {
        return await make({ participantIds: [otherId] }, { path: '/conversations', more })
      } catch (error) {
        // Both made it at once, and the core shows the other's: the realm had no part in that.
        const made = isUnconfirmed(error) ? await findDirect(otherId) : undefined
        if (made === undefined) throw error
        return made
      }
    },
    createTeam: (wanted) => make(wanted, { path: '/teams', more: { objectType: 'team' } }),
    async createInTeam(teamId, wanted) {
      const general = resourceOf(await book.known(teamId))
      const path = `/teams/${encodeURIComponent(teamId)}/conversations`
      return await make(wanted, { path, alsoAuthorized: [general] })
    },
    joinInTeam: createJoining(settings),
  }
}

const createJoining =
  ({ agree, book, http, conversationUrl, userId }: MakingSettings): RoomMaking['joinInTeam'] =>
  async (teamId, roomId) => {
    const team = `${conversationUrl}/teams/${encodeURIComponent(teamId)}/conversations`
    const listed = listMember(await http.ask('GET', team), 'items')
    const room = listed.find(({ id }) => id === roomId)
    if (room === undefined) throw new ClientError('client.invalid-argument', 'roomId')
    const resourceUri = textMember(room, 'kmsResourceObjectUrl')
    const members = { resourceUri, userIds: [userId] }
    const { view } = await agree({
      url: `${team}/${encodeURIComponent(roomId)}/participants`,
      body: {},
      request: { method: 'create', uri: '/authorizations', members },
    })
    return await book.open(view)
  }

const toAddition = (id: string) => ({ verb: 'add', object: personOf(id) })

/** A team is shown with its general room inside. */
function roomIn(view: JsonObject): JsonObject {
  if (view['objectType'] !== 'team') return view
  const [general] = listMember(objectMember(view, 'conversations'), 'items')
  if (general !== undefined) return general
  throw new ClientError('client.invalid-answer', 'conversations')
}

function isUnconfirmed(error: unknown): boolean {
  return error instanceof ClientError && error.code === 'client.not-confirmed'
}
