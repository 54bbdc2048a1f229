// Rooms and teams are made, and somebody joins a room of their team. A pair of people has one room, whoever asks
// for it, and however often.

import { isProblem, type Problem, problem } from '../http/problem.ts'
import type { Plan, Result } from '../operations/operation.ts'
import type { ConversationRow } from '../store/store.ts'
import { planJoin } from './plan-activity.ts'
import { membersOf, pairOf, planRoom } from './plan-room.ts'
import {
  type Acted,
  type Asking,
  domainOf,
  type RoomParts,
  sceneOf,
  sealedInto,
} from './room-acts.ts'
import type { NewConversation } from './room-bodies.ts'
import { toTeam } from './room-views.ts'
import { findTeam, viewRoom } from './rooms.ts'

export interface RoomMaking {
  create(asking: Asking, wanted: NewConversation): Promise<Acted>
  createInTeam(asking: Asking, teamId: string, wanted: NewConversation): Promise<Acted>
  join(asking: Asking, join: Join): Promise<Acted>
}

export interface Join {
  readonly teamId: string
  readonly roomId: string
  readonly kmsMessage: string | undefined
}

export const openRoomMaking = (parts: RoomParts): RoomMaking => {
  const { store, operations, urls, surroundings, membersPerRoom } = parts
  const { newId } = surroundings

  const roomMade = async (result: Result): Promise<Acted> => {
    if (!('applied' in result)) return result
    const { roomId, activities } = result.applied
    const row = await store.conversation(roomId)
    if (row === undefined) return problem('core.unknown-conversation')
    const room = await viewRoom(store, urls, { row, isListed: true, activities })
    if (row.team_id !== row.id) return sealedInto(room, result)
    const members = await store.participantsOf(row.id)
    return sealedInto(toTeam(row, urls, { rooms: [room], members }), result)
  }
  const make = async (
    { caller, trackingId }: Asking,
    wanted: NewConversation,
    general?: ConversationRow,
  ): Promise<Acted> => {
    const domain = domainOf(parts, caller)
    if (isProblem(domain)) return domain
    const maker = { userId: caller.userId, domain, newId, membersPerRoom }
    const pair = pairIn(wanted, caller.userId)
    const makePlan = async (): Promise<Plan | Problem> =>
      pair !== undefined && (await store.findPair(pair)) !== undefined
        ? problem('core.direct-room-exists')
        : planRoom(wanted, maker, general)
    const turn = general?.id ?? pair ?? newId()
    const turns = () => [turn]
    return await roomMade(await operations.run({ turns, trackingId }, makePlan))
  }

  return {
    async create(asking, wanted) {
      const made = await make(asking, wanted)
      const pair = pairIn(wanted, asking.caller.userId)
      const isThere = isProblem(made) && made.problem === 'core.direct-room-exists'
      if (!isThere || pair === undefined || hasWords(wanted)) return made
      // Both made it at once, or a client asks again: here it is.
      const there = await store.findPair(pair)
      const row = there && (await store.findConversation(there.id, asking.caller.userId))
      if (row === undefined) return made
      return await viewRoom(store, urls, { row, isListed: true, activities: [] })
    },
    async createInTeam(asking, teamId, wanted) {
      const general = await findTeam(store, asking.caller, teamId)
      return isProblem(general) ? general : await make(asking, wanted, general)
    },
    async join({ caller, trackingId }, { teamId, roomId, kmsMessage }) {
      const general = await findTeam(store, caller, teamId)
      if (isProblem(general)) return general
      const makePlan = async (): Promise<Plan | Problem> => {
        const room = await store.conversation(roomId)
        if (room?.team_id !== teamId) return problem('core.unknown-conversation')
        const scene = await sceneOf(parts, caller, room)
        return isProblem(scene) ? scene : planJoin(kmsMessage, scene)
      }
      return await roomMade(await operations.run({ turns: () => [teamId], trackingId }, makePlan))
    },
  }
}

const pairIn = (wanted: NewConversation, makerId: string): string | undefined => {
  const pair = pairOf(wanted, membersOf(wanted, makerId))
  return typeof pair === 'string' ? pair : undefined
}

/** Words under a key that the room does not have must not vanish silently. */
const hasWords = ({ activities }: NewConversation): boolean =>
  activities?.items.some(({ verb }) => verb === 'post') ?? false
