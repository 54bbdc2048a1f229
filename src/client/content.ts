// Messages and titles, written under the room's key. The core refuses content under no, an old or a strange key: then
// the room is read again, a new key is made if it has none, and the same content is sent under that. A few times.

import { coreRefusal, type HttpClient, isSuccess } from './http.ts'
import { isJsonObject, type JsonObject } from './json.ts'
import type { ContentKey, Keys } from './keys.ts'
import { type SealedText, sealText } from './message.ts'
import { type Message, readMessage } from './room.ts'
import type { RoomBook } from './room-book.ts'
import { activityIn, type RoomChanges } from './room-changes.ts'

export interface Content {
  post(roomId: string, text: string): Promise<Message>
  setTitle(roomId: string, title: string): Promise<void>
}

export interface ContentSettings {
  readonly http: HttpClient
  readonly book: RoomBook
  readonly changes: RoomChanges
  readonly keys: Keys
  readonly conversationUrl: string
}

/** Observed of real clients: what the core says of keys that are not the room's, any more or yet. */
const STALE: ReadonlySet<unknown> = new Set([
  /** The room needs a new key first. */ 1_400_087, /** It has a newer one. */ 1_409_004,
  /** This is not its key. */ 1_400_049,
])
/** Others may leave or rotate in between; more often than this it is no coincidence. */
const TRIES = 4

export const createContent = (settings: ContentSettings): Content => {
  const { http, book, changes, keys } = settings
  const url = `${settings.conversationUrl}/activities`

  const keyFor = async (roomId: string): Promise<ContentKey> => {
    const key = await book.contentKey(await book.known(roomId))
    if (key !== undefined) return key
    const { keyUri } = await changes.rotate(roomId)
    return await keys.retrieve(String(keyUri))
  }
  const write = async (roomId: string, text: string, toBody: ToBody): Promise<JsonObject> => {
    for (let tries = 1; ; tries += 1) {
      const sealed = await sealText(text, await keyFor(roomId))
      const result = await http.send('POST', url, toBody(sealed))
      const { status, json } = result
      if (isSuccess(status) && isJsonObject(json)) return json
      if (!STALE.has(json?.['errorCode']) || tries === TRIES) throw coreRefusal(result)
      book.forget(roomId)
    }
  }
  return {
    async post(roomId, text) {
      const activity = activityIn(roomId, 'post', {})
      const written = await write(roomId, text, ({ encryptionKeyUrl, ciphertext }) => {
        const object = { objectType: 'comment', content: ciphertext, displayName: ciphertext }
        return { ...activity, object, encryptionKeyUrl }
      })
      return await readMessage(written, keys)
    },
    async setTitle(roomId, title) {
      const activity = activityIn(roomId, 'update', {})
      await write(roomId, title, ({ encryptionKeyUrl, ciphertext }) => {
        const object = { objectType: 'conversation', displayName: ciphertext }
        return { ...activity, object, encryptionKeyUrl }
      })
      book.forget(roomId)
    },
  }
}

type ToBody = (sealed: SealedText) => JsonObject
