// Rooms at the core: made with a key and a resource at the realm, written and read under the room's keys. What goes to
// the core is ids, names of keys, and ciphertext.

import { ClientError } from './errors.ts'
import type { HttpClient } from './http.ts'
import { isJsonObject, type JsonObject, listMember, objectMember, textMember } from './json.ts'
import type { ContentKey, Keys } from './keys.ts'
import { openText, sealText } from './message.ts'
import type { Resources } from './resources.ts'

export interface Room {
  readonly id: string
  readonly url: string
  /** Of new messages; absent when the next writer has to make one. */
  readonly keyUri: string | undefined
  readonly resourceUri: string | undefined
  readonly title: string | undefined
  readonly participantIds: readonly string[]
}

export interface Message {
  readonly id: string
  readonly roomId: string
  readonly authorId: string
  readonly publishedAt: string
  readonly text: string
}

export interface NewRoom {
  readonly title: string
  /** Besides the caller. */
  readonly participantIds: readonly string[]
}

export interface Rooms {
  create(wanted: NewRoom): Promise<Room>
  find(roomId: string): Promise<Room>
  post(roomId: string, text: string): Promise<Message>
  /** Oldest first, at most `limit` (default 50), those after the message `after` if one is named. */
  history(
    roomId: string,
    page?: { readonly limit?: number; readonly after?: string },
  ): Promise<readonly Message[]>
  /** Calls for every message posted to a room of this person from now on, the own ones too. */
  onMessage(call: (message: Message) => void): () => void
}

export interface RoomsSettings {
  readonly http: HttpClient
  readonly conversationUrl: string
  readonly keys: Keys
  readonly resources: Resources
  /** A message that arrived and could not be read, by its id. */
  readonly onUnreadable: (activityId: string, error: unknown) => void
}

export interface RoomsWithEvents extends Rooms {
  /** An event of the socket; others than new messages are ignored. */
  receive(data: JsonObject): Promise<void>
}

export const createRooms = (settings: RoomsSettings): RoomsWithEvents => {
  const { http, keys, resources, conversationUrl } = settings
  const listeners = new Set<(message: Message) => void>()
  const known = new Map<string, Room>()

  const open = async (raw: JsonObject): Promise<Room> => {
    const room = await readRoom(raw, keys)
    known.set(room.id, room)
    return room
  }
  const urlOf = (roomId: string): string =>
    `${conversationUrl}/conversations/${encodeURIComponent(roomId)}`
  const find = async (roomId: string): Promise<Room> => open(await http.ask('GET', urlOf(roomId)))
  const keyFor = async (roomId: string): Promise<ContentKey> => {
    const { keyUri, resourceUri } = known.get(roomId) ?? (await find(roomId))
    if (keyUri !== undefined) return keys.retrieve(keyUri)
    if (resourceUri === undefined)
      throw new ClientError('client.invalid-answer', 'kmsResourceObjectUrl')
    return keys.rotate(resourceUri)
  }

  return {
    find,
    async create({ title, participantIds }) {
      const key = await keys.takeUnbound()
      const sealedTitle = await sealText(title, key)
      const resource = await resources.create({ userIds: participantIds, keyUris: [key.uri] })
      const body = {
        objectType: 'conversation',
        displayName: sealedTitle.ciphertext,
        encryptionKeyUrl: key.uri,
        defaultActivityEncryptionKeyUrl: key.uri,
        kmsResourceObjectUrl: resource.uri,
        participants: participantIds,
      }
      return open(await http.ask('POST', `${conversationUrl}/conversations`, body))
    },
    async post(roomId, text) {
      const { encryptionKeyUrl, ciphertext } = await sealText(text, await keyFor(roomId))
      const activity = {
        objectType: 'activity',
        verb: 'post',
        target: { id: roomId, objectType: 'conversation' },
        object: { objectType: 'comment', content: ciphertext, displayName: ciphertext },
        encryptionKeyUrl,
        clientTempId: crypto.randomUUID(),
      }
      return readMessage(await http.ask('POST', `${conversationUrl}/activities`, activity), keys)
    },
    async history(roomId, { limit = 50, after } = {}) {
      const query = new URLSearchParams({ limit: String(limit) })
      if (after !== undefined) query.set('after', after)
      const answer = await http.ask('GET', `${urlOf(roomId)}/activities?${query.toString()}`)
      const posts = listMember(answer, 'items').filter(isPost)
      return Promise.all(posts.map((raw) => readMessage(raw, keys)))
    },
    onMessage(call) {
      listeners.add(call)
      return () => listeners.delete(call)
    },
    async receive(data) {
      const { eventType, activity } = data
      if (eventType !== 'conversation.activity' || !isJsonObject(activity) || !isPost(activity))
        return
      try {
        const message = await readMessage(activity, keys)
        for (const call of listeners) call(message)
      } catch (error) {
        settings.onUnreadable(String(activity['id']), error)
      }
    },
  }
}

function isPost({ verb }: JsonObject): boolean {
  return verb === 'post'
}

async function readRoom(raw: JsonObject, keys: Keys): Promise<Room> {
  const { displayName, encryptionKeyUrl } = raw
  const isTitled = typeof displayName === 'string' && typeof encryptionKeyUrl === 'string'
  return {
    id: textMember(raw, 'id'),
    url: textMember(raw, 'url'),
    keyUri: optionalText(raw['defaultActivityEncryptionKeyUrl']),
    resourceUri: optionalText(raw['kmsResourceObjectUrl']),
    title: isTitled
      ? await openText(displayName, await keys.retrieve(encryptionKeyUrl))
      : undefined,
    participantIds: listMember(objectMember(raw, 'participants'), 'items').map((one) =>
      textMember(one, 'id'),
    ),
  }
}

async function readMessage(raw: JsonObject, keys: Keys): Promise<Message> {
  const { content, displayName } = objectMember(raw, 'object')
  const ciphertext = typeof content === 'string' ? content : displayName
  if (typeof ciphertext !== 'string') throw new ClientError('client.invalid-answer', 'object')
  const key = await keys.retrieve(textMember(raw, 'encryptionKeyUrl'))
  return {
    id: textMember(raw, 'id'),
    roomId: textMember(objectMember(raw, 'target'), 'id'),
    authorId: textMember(objectMember(raw, 'actor'), 'id'),
    publishedAt: textMember(raw, 'published'),
    text: await openText(ciphertext, key),
  }
}

function optionalText(raw: unknown): string | undefined {
  return typeof raw === 'string' ? raw : undefined
}
