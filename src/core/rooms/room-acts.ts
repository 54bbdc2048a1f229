// What members do in a room: an activity is planned, the realm asked where it changes who may read, and applied.
// That takes the room's turn; what is merely said does not wait for it.

import type { Caller } from '../http/caller.ts'
import { isProblem, type Problem, problem } from '../http/problem.ts'
import type { RoomUrls } from '../http/urls.ts'
import type { Result } from '../operations/operation.ts'
import type { Operations } from '../operations/operations.ts'
import type { Surroundings } from '../ports.ts'
import type { Realms } from '../realms/realms.ts'
import type { ConversationRow, CoreStore } from '../store/store.ts'
import { planActivity, type Scene } from './plan-activity.ts'
import type { Activity } from './room-bodies.ts'
import { toActivity } from './room-views.ts'
import { findRoom } from './rooms.ts'

/** Who asks, in which request. */
export interface Asking {
  readonly caller: Caller
  readonly trackingId: string
}

/** What the client gets: an object, the realm's sealed "no", or ours. */
export type Acted = object | Problem

export interface RoomActs {
  act(asking: Asking, roomId: string, activity: Activity): Promise<Acted>
}

export interface RoomParts {
  readonly store: CoreStore
  readonly operations: Operations
  readonly realms: Realms
  readonly urls: RoomUrls
  readonly surroundings: Surroundings
  readonly membersPerRoom: number
}

const CHANGES_READERS: readonly Activity['verb'][] = ['add', 'leave', 'remove', 'updateKey']

/** Rooms of a team wait for each other: leaving its general room changes all of them. */
const turnOf = ({ id, team_id }: ConversationRow): string => team_id ?? id

/** Of these rooms, as they are when it is asked; a room that is gone has its own. */
export const turnsOf =
  (store: CoreStore, ...roomIds: readonly string[]) =>
  async (): Promise<readonly string[]> =>
    Promise.all(
      roomIds.map(async (id) => {
        const room = await store.conversation(id)
        return room === undefined ? id : turnOf(room)
      }),
    )

/** A room that enters a team or leaves it changes with it. */
const concernedBy = ({ verb, object }: Activity, roomId: string): readonly string[] => {
  const isOther = verb === 'remove' || (verb === 'add' && object.objectType === 'conversation')
  return isOther ? [roomId, object.id] : [roomId]
}

/** The realm of a caller, by its domain. */
export const domainOf = ({ realms }: RoomParts, { organizationId }: Caller): string | Problem =>
  realms.serving(organizationId)?.domain ?? problem('core.organization-not-served')

/** What is known of the room when its turn has come. */
export const sceneOf = async (
  parts: RoomParts,
  caller: Caller,
  room: ConversationRow,
): Promise<Scene | Problem> => {
  const domain = domainOf(parts, caller)
  if (isProblem(domain)) return domain
  const members = new Map((await parts.store.participantsOf(room.id)).map((one) => [one.id, one]))
  const { membersPerRoom, surroundings } = parts
  return { room, members, userId: caller.userId, domain, membersPerRoom, newId: surroundings.newId }
}

/** The realm's sealed answer travels inside the answer to the request that carried the question. */
export const sealedInto = (
  view: object,
  { kmsMessage }: { readonly kmsMessage?: string },
): object => (kmsMessage === undefined ? view : { ...view, kmsMessage })

export const openRoomActs = (parts: RoomParts): RoomActs => {
  const { store, operations, urls } = parts
  const planFor = async (caller: Caller, roomId: string, activity: Activity) => {
    const room = await findRoom(store, caller, roomId)
    if (isProblem(room)) return room
    const scene = await sceneOf(parts, caller, room)
    if (isProblem(scene)) return scene
    return planActivity(activity, { ...scene, ...(await about(store, scene, activity)) })
  }
  const acted = async (result: Result, roomId: string, activity: Activity): Promise<Acted> => {
    if (!('applied' in result)) return result
    const [written] = result.applied.activities
    const row = written ?? (await lastAdded(store, roomId, activity))
    return row === undefined
      ? problem('core.unknown-activity')
      : sealedInto(toActivity(row, roomId, urls), result)
  }
  return {
    async act({ caller, trackingId }, roomId, activity) {
      const room = await findRoom(store, caller, roomId)
      if (isProblem(room)) return room
      if (CHANGES_READERS.includes(activity.verb)) {
        const occasion = { turns: turnsOf(store, ...concernedBy(activity, roomId)), trackingId }
        const result = await operations.run(occasion, () => planFor(caller, roomId, activity))
        return await acted(result, roomId, activity)
      }
      const plan = await planFor(caller, roomId, activity)
      if (isProblem(plan)) return plan
      const applied = await operations.change(plan.change, plan.condition)
      return isProblem(applied) ? applied : await acted({ applied }, roomId, activity)
    },
  }
}

/** Adding somebody who is in the room already answers with how they came. */
const lastAdded = async (store: CoreStore, roomId: string, activity: Activity) =>
  activity.verb === 'add' ? await store.lastAdded(roomId, activity.object.id) : undefined

/** What the activity is about, besides its room. */
const about = async (store: CoreStore, { room, userId }: Scene, activity: Activity) => {
  switch (activity.verb) {
    case 'updateKey': {
      const key = activity.object.defaultActivityEncryptionKeyUrl
      return { isFormerKey: await store.isFormerKey(room.id, key) }
    }
    case 'delete':
      return { meant: await store.findActivity(room.id, activity.object.id) }
    case 'post':
    case 'share':
      if (activity.parent?.type !== 'edit') return {}
      return { meant: await store.findActivity(room.id, activity.parent.id) }
    case 'add':
      if (activity.object.objectType === 'person') return {}
      return {
        other: await store.findConversation(activity.object.id, userId),
        othersMembers: await store.participantsOf(activity.object.id),
      }
    case 'remove':
      return { other: await store.findConversation(activity.object.id, userId) }
    default:
      return {}
  }
}
