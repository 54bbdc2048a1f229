// The rooms that this client has seen, as it saw them last. What it remembers may be stale: the core says so when
// something is written, and then the room is read again. A room keeps its resource: the core cannot swap it, nor
// show a former key as the one for new messages.

import { ClientError } from './errors.ts'
import type { HttpClient } from './http.ts'
import type { JsonObject } from './json.ts'
import type { ContentKey, Keys } from './keys.ts'
import { type Room, readRoom } from './room.ts'

export interface RoomBook {
  /** Takes in a room as the core shows it. */
  open(raw: JsonObject): Promise<Room>
  /** Asks the core. */
  find(roomId: string): Promise<Room>
  /** From memory, or asks. */
  known(roomId: string): Promise<Room>
  /** What is remembered of its key is not so any more. */
  forget(roomId: string): void
  /** The room has this key now. */
  rekey(roomId: string, keyUri: string): void
  /** The room's key for new messages, or undefined if there has to be a new one first. */
  contentKey(room: Room): Promise<ContentKey | undefined>
  urlOf(roomId: string): string
}

export interface BookSettings {
  readonly http: HttpClient
  readonly keys: Keys
  readonly conversationUrl: string
}

export const createRoomBook = ({ http, keys, conversationUrl }: BookSettings): RoomBook => {
  const rooms = new Map<string, Room>()
  const resources = new Map<string, string>()
  /** By room, since it was read last: its key, of which the realm said that it bound none later. */
  const confirmed = new Map<string, string>()
  const isFormer = async (resourceUri: string, key: ContentKey): Promise<boolean> => {
    const last = await keys.newestOf(resourceUri)
    if (last === undefined || last.uri === key.uri) return false
    return (key.boundAtMs ?? 0) < (last.boundAtMs ?? 0)
  }
  const urlOf = (roomId: string): string =>
    `${conversationUrl}/conversations/${encodeURIComponent(roomId)}`
  const open = async (raw: JsonObject): Promise<Room> => {
    const room = await readRoom(raw, keys)
    const { id, resourceUri } = room
    const before = resources.get(id)
    if (before !== undefined && before !== resourceUri) throw invalid('kmsResourceObjectUrl')
    if (resourceUri !== undefined) resources.set(id, resourceUri)
    rooms.set(id, room)
    confirmed.delete(id)
    return room
  }
  const find = async (roomId: string): Promise<Room> => open(await http.ask('GET', urlOf(roomId)))
  const contentKeyOf = async (
    { id, keyUri, resourceUri }: Room,
    isAgain: boolean,
  ): Promise<ContentKey | undefined> => {
    if (keyUri === undefined) return undefined
    const key = await keys.retrieve(keyUri)
    // A key of another resource has other readers than this room.
    if (resourceUri === undefined || key.resourceUri !== resourceUri) {
      throw invalid('defaultActivityEncryptionKeyUrl')
    }
    if (confirmed.get(id) === keyUri) return key
    // Whoever left since knows the former keys. Somebody may have made a new one this very moment.
    if (await isFormer(resourceUri, key)) {
      if (!isAgain) return await contentKeyOf(await find(id), true)
      throw new ClientError('client.key-rolled-back', 'defaultActivityEncryptionKeyUrl')
    }
    confirmed.set(id, keyUri)
    return key
  }
  return {
    open,
    find,
    urlOf,
    known: async (roomId) => rooms.get(roomId) ?? (await find(roomId)),
    forget(roomId) {
      rooms.delete(roomId)
    },
    rekey(roomId, keyUri) {
      const room = rooms.get(roomId)
      if (room !== undefined) rooms.set(roomId, { ...room, keyUri })
    },
    contentKey: (room) => contentKeyOf(room, false),
  }
}

/** Every change of readers is asked for the room's resource. */
export const resourceOf = ({ resourceUri }: Room): string => {
  if (resourceUri !== undefined) return resourceUri
  throw invalid('kmsResourceObjectUrl')
}

function invalid(about: string): ClientError {
  return new ClientError('client.invalid-answer', about)
}
