// Rooms, messages and what else happens in rooms, read from what the core shows. Texts open under the room's keys;
// the core's word on who may read is not taken for the realm's (see roster.ts).

import { ClientError } from './errors.ts'
import { type JsonObject, listMember, objectMember, textMember } from './json.ts'
import type { Keys } from './keys.ts'
import { openText } from './message.ts'

export interface Room {
  readonly id: string
  readonly url: string
  /** Of new messages; absent when the next writer has to make one. */
  readonly keyUri: string | undefined
  readonly resourceUri: string | undefined
  readonly title: string | undefined
  /** As the core lists them. */
  readonly participantIds: readonly string[]
  /** The core knows of members of more than one organisation. */
  readonly isExternal: boolean
  /** The team it is in, which has the id of its general room. */
  readonly teamId: string | undefined
}

export interface Message {
  readonly id: string
  readonly roomId: string
  readonly authorId: string
  readonly publishedAt: string
  readonly text: string
}

/** What happened in a room besides messages: `create`, `add`, `leave`, `updateKey`, `update` (the title), `lock` ... */
export interface RoomEvent {
  readonly id: string
  readonly roomId: string
  readonly verb: string
  readonly actorId: string
  readonly publishedAt: string
  /** Whom, or which room, it is about. */
  readonly subjectId: string | undefined
  /** The new key of an `updateKey`. */
  readonly keyUri: string | undefined
}

export const isPost = ({ verb }: JsonObject): boolean => verb === 'post'

/** The title's key proves whose resource this is: one of another room would send the caller's additions there. */
export const readRoom = async (raw: JsonObject, keys: Keys): Promise<Room> => {
  const { team } = raw
  const isInTeam = typeof team === 'object' && team !== null && 'id' in team
  return {
    id: textMember(raw, 'id'),
    url: textMember(raw, 'url'),
    keyUri: optionalText(raw['defaultActivityEncryptionKeyUrl']),
    resourceUri: optionalText(raw['kmsResourceObjectUrl']),
    title: await readTitle(raw, keys),
    participantIds: listMember(objectMember(raw, 'participants'), 'items').map((one) =>
      textMember(one, 'id'),
    ),
    isExternal: raw['isExternal'] === true,
    teamId: isInTeam ? optionalText(team.id) : undefined,
  }
}

const readTitle = async (raw: JsonObject, keys: Keys): Promise<string | undefined> => {
  const { displayName, encryptionKeyUrl, kmsResourceObjectUrl } = raw
  if (typeof displayName !== 'string' || typeof encryptionKeyUrl !== 'string') return undefined
  const key = await keys.retrieve(encryptionKeyUrl)
  if (key.resourceUri === kmsResourceObjectUrl) return await openText(displayName, key)
  throw new ClientError('client.invalid-answer', 'kmsResourceObjectUrl')
}

export const readMessage = async (raw: JsonObject, keys: Keys): Promise<Message> => {
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

export const readEvent = (raw: JsonObject): RoomEvent => {
  const object = objectMember(raw, 'object')
  return {
    id: textMember(raw, 'id'),
    roomId: textMember(objectMember(raw, 'target'), 'id'),
    verb: textMember(raw, 'verb'),
    actorId: textMember(objectMember(raw, 'actor'), 'id'),
    publishedAt: textMember(raw, 'published'),
    subjectId: optionalText(object['id']),
    keyUri: optionalText(object['defaultActivityEncryptionKeyUrl']),
  }
}

function optionalText(raw: unknown): string | undefined {
  return typeof raw === 'string' ? raw : undefined
}
