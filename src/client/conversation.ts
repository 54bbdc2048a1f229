// Rooms at the core: made, joined, left, written and read. What goes to the core is ids, names of keys, ciphertext,
// and sealed requests to the realm, without which nothing changes who may read.

import { createAgree } from './agreed.ts'
import type { Wraps } from './channel.ts'
import { type Content, createContent } from './content.ts'
import type { HttpClient } from './http.ts'
import { isJsonObject, type JsonObject, listMember } from './json.ts'
import type { Keys } from './keys.ts'
import type { Resources } from './resources.ts'
import { isPost, type Message, type Room, type RoomEvent, readEvent, readMessage } from './room.ts'
import { createRoomBook } from './room-book.ts'
import { activityIn, createRoomChanges, personOf, type RoomChanges } from './room-changes.ts'
import { createRoomMaking, type RoomMaking } from './room-making.ts'
import { createRoster, type RosterEntry } from './roster.ts'

/** Oldest first, at most `limit` activities (default 50), those after the one that `after` names. */
export interface Page {
  readonly limit?: number
  readonly after?: string
}

export interface Rooms extends RoomMaking, RoomChanges, Content {
  find(roomId: string): Promise<Room>
  /** Messages of a page of the room. */
  history(roomId: string, page?: Page): Promise<readonly Message[]>
  /** What else happened there: who came and went by whose hand, new keys, titles and locks. */
  events(roomId: string, page?: Page): Promise<readonly RoomEvent[]>
  /** Who may read the room, and who is said to be in it. */
  roster(roomId: string): Promise<readonly RosterEntry[]>
  /** From now on (or no longer) only moderators change who is in the room, and its title. */
  lock(roomId: string, isLocked: boolean): Promise<void>
  /** The first moderator may be anyone, also the caller; then moderators make moderators. */
  setModerator(roomId: string, userId: string, isModerator: boolean): Promise<void>
  /** Calls for every message posted to a room of this person from now on, the own ones too. */
  onMessage(call: (message: Message) => void): () => void
  /** Calls for everything else that happens in their rooms from now on. */
  onEvent(call: (event: RoomEvent) => void): () => void
}

export interface RoomsSettings {
  readonly http: HttpClient
  readonly conversationUrl: string
  readonly userId: string
  readonly channel: Wraps
  readonly keys: Keys
  readonly resources: Resources
  /** A message that arrived and could not be read, by its id. */
  readonly onUnreadable: (activityId: string, error: unknown) => void
}

export interface RoomsWithEvents extends Rooms {
  /** From memory, or asks. */
  known(roomId: string): Promise<Room>
  /** An event of the socket; others than activities are ignored. */
  receive(data: JsonObject): Promise<void>
}

export const createRooms = (settings: RoomsSettings): RoomsWithEvents => {
  const { http, keys, conversationUrl } = settings
  const book = createRoomBook(settings)
  const parts = { ...settings, book, agree: createAgree(http, settings.channel) }
  const changes = createRoomChanges(parts)
  const activitiesOf = async (roomId: string, { limit = 50, after }: Page = {}) => {
    const query = new URLSearchParams({ limit: String(limit) })
    if (after !== undefined) query.set('after', after)
    const answer = await http.ask('GET', `${book.urlOf(roomId)}/activities?${query.toString()}`)
    return listMember(answer, 'items')
  }
  const act = async (roomId: string, verb: string, object: object): Promise<void> => {
    await http.ask('POST', `${conversationUrl}/activities`, activityIn(roomId, verb, object))
  }
  return {
    ...createRoomMaking(parts),
    ...changes,
    ...createContent({ ...parts, changes }),
    ...createEars(settings),
    find: book.find,
    known: book.known,
    roster: createRoster(parts),
    async history(roomId, page) {
      const posts = (await activitiesOf(roomId, page)).filter(isPost)
      return Promise.all(posts.map((raw) => readMessage(raw, keys)))
    },
    async events(roomId, page) {
      const others = (await activitiesOf(roomId, page)).filter((raw) => !isPost(raw))
      return others.map(readEvent)
    },
    lock: (roomId, isLocked) =>
      act(roomId, isLocked ? 'lock' : 'unlock', { objectType: 'conversation' }),
    setModerator: (roomId, userId, isModerator) =>
      act(roomId, isModerator ? 'assignModerator' : 'unassignModerator', personOf(userId)),
  }
}

/** Whoever listens to rooms. */
function createEars({ keys, onUnreadable }: RoomsSettings) {
  const messages = new Set<(message: Message) => void>()
  const events = new Set<(event: RoomEvent) => void>()
  const hear = async (activity: JsonObject): Promise<void> => {
    if (isPost(activity)) {
      const message = await readMessage(activity, keys)
      for (const call of messages) call(message)
    } else {
      const event = readEvent(activity)
      for (const call of events) call(event)
    }
  }
  return {
    onMessage: (call: (message: Message) => void) => listen(messages, call),
    onEvent: (call: (event: RoomEvent) => void) => listen(events, call),
    async receive({ eventType, activity }: JsonObject) {
      if (eventType !== 'conversation.activity' || !isJsonObject(activity)) return
      try {
        await hear(activity)
      } catch (error) {
        onUnreadable(String(activity['id']), error)
      }
    },
  }
}

function listen<Heard>(ears: Set<Heard>, ear: Heard): () => void {
  ears.add(ear)
  return () => ears.delete(ear)
}
