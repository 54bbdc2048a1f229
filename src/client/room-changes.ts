// Changes of who is in a room and of its key: core and realm make each together. Nothing here asks the realm alone.

import type { Agree, SharedRequest } from './agreed.ts'
import type { KmsRequest } from './channel.ts'
import type { Keys } from './keys.ts'
import { type Room, type RoomEvent, readEvent } from './room.ts'
import { type RoomBook, resourceOf } from './room-book.ts'

export interface RoomChanges {
  /** Somebody comes in. Whoever is there already stays there, and gets what they may lack at the realm. */
  add(roomId: string, userId: string): Promise<RoomEvent>
  /** Somebody goes, at once for keys not yet fetched; the next writer makes a new key. */
  remove(roomId: string, userId: string): Promise<RoomEvent>
  /** The caller goes. */
  leave(roomId: string): Promise<RoomEvent>
  /** A new key for what is written from now on; earlier ones stay readable to whoever is in the room. */
  rotate(roomId: string): Promise<Room>
}

export interface ChangeSettings {
  readonly agree: Agree
  readonly book: RoomBook
  readonly keys: Keys
  readonly conversationUrl: string
  readonly userId: string
}

export const createRoomChanges = (settings: ChangeSettings): RoomChanges => {
  const { agree, book, keys, userId } = settings
  const url = `${settings.conversationUrl}/activities`
  const act = async (roomId: string, { verb, object, request }: Act) => {
    const shared: SharedRequest = { url, body: activityIn(roomId, verb, object), request }
    return (await agree(shared)).view
  }
  const depart = async (roomId: string, whoId: string): Promise<RoomEvent> => {
    const resourceUri = resourceOf(await book.known(roomId))
    const uri = `${resourceUri}/authorizations?authId=${encodeURIComponent(whoId)}`
    const request = { method: 'delete', uri } as const
    const view = await act(roomId, { verb: 'leave', object: personOf(whoId), request })
    book.forget(roomId)
    return readEvent(view)
  }
  return {
    async add(roomId, whoId) {
      const resourceUri = resourceOf(await book.known(roomId))
      const members = { resourceUri, userIds: [whoId] }
      const request = { method: 'create', uri: '/authorizations', members } as const
      return readEvent(await act(roomId, { verb: 'add', object: personOf(whoId), request }))
    },
    remove: depart,
    leave: (roomId) => depart(roomId, userId),
    async rotate(roomId) {
      const resourceUri = resourceOf(await book.known(roomId))
      const { uri, bytes } = await keys.takeUnbound()
      const object = { objectType: 'conversation', defaultActivityEncryptionKeyUrl: uri }
      const request = { method: 'update', uri, members: { resourceUri } } as const
      await act(roomId, { verb: 'updateKey', object, request })
      keys.keepBound({ uri, bytes, resourceUri })
      book.rekey(roomId, uri)
      return await book.known(roomId)
    },
  }
}

interface Act {
  readonly verb: string
  readonly object: object
  readonly request: KmsRequest
}

/** Of an activity: what happens in which room. */
export const activityIn = (roomId: string, verb: string, object: object) => ({
  objectType: 'activity',
  verb,
  target: { id: roomId, objectType: 'conversation' },
  object,
  clientTempId: crypto.randomUUID(),
})

export const personOf = (id: string) => ({ objectType: 'person', id })
