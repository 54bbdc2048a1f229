// Conversations, teams and activities as the cloud shows them: who is in, which keys are named, ciphertext, times.
// It tells outsiders nothing, not even that a room exists.

import type { Caller } from '../http/caller.ts'
import { isProblem, type Problem, problem } from '../http/problem.ts'
import type { RoomUrls } from '../http/urls.ts'
import type { ActivityPage, ActivityRow, ConversationRow, CoreStore } from '../store/store.ts'
import { toPair } from './room-change.ts'
import { toActivity, toConversation, toPerson, toTeam } from './room-views.ts'

/** How much of a room is asked for. */
export interface Extent {
  readonly isListed: boolean
  readonly activities: number
}

type Asked = Pick<Caller, 'userId'>

export interface Rooms {
  show(caller: Asked, id: string, extent: Extent): Promise<object | Problem>
  /** The one-to-one room with somebody. */
  showPair(caller: Asked, userId: string, extent: Extent): Promise<object | Problem>
  list(caller: Asked, limit: number, extent: Extent): Promise<object>
  roster(caller: Asked, id: string): Promise<object | Problem>
  activities(caller: Asked, page: ActivityPage): Promise<object | Problem>
  activity(caller: Asked, roomId: string, id: string): Promise<object | Problem>
  /** Which activities have answers and edits. */
  parents(caller: Asked, roomId: string): Promise<object | Problem>
  team(caller: Asked, id: string, isWhole: boolean): Promise<object | Problem>
  teams(caller: Asked): Promise<object>
  teamRooms(caller: Asked, id: string): Promise<object | Problem>
}

/** The room, if the caller is in it. */
export const findRoom = async (
  store: CoreStore,
  { userId }: Asked,
  id: string,
): Promise<ConversationRow | Problem> =>
  (await store.findConversation(id, userId)) ?? problem('core.unknown-conversation')

/** The general room of a team, if the caller is in it. */
export const findTeam = async (
  store: CoreStore,
  { userId }: Asked,
  id: string,
): Promise<ConversationRow | Problem> => {
  const general = await store.findConversation(id, userId)
  return general === undefined || general.team_id !== id ? problem('core.unknown-team') : general
}

/** A room as it is shown, with activities that are at hand or the newest ones. */
export const viewRoom = async (
  store: CoreStore,
  urls: RoomUrls,
  { row, isListed, activities }: RoomView,
): Promise<object> => {
  const members = await store.participantsOf(row.id)
  return toConversation(row, urls, { members, isListed, activities })
}

interface RoomView {
  readonly row: ConversationRow
  readonly isListed: boolean
  readonly activities: readonly ActivityRow[]
}

const ROOMS_OF_A_USER = 1000

export const openRooms = (store: CoreStore, urls: RoomUrls): Rooms => {
  const view = async (row: ConversationRow, extent: Extent): Promise<object> => {
    const page = { conversationId: row.id, limit: extent.activities }
    const activities = extent.activities === 0 ? [] : await store.activitiesOf(page)
    return await viewRoom(store, urls, { row, isListed: extent.isListed, activities })
  }
  const viewBriefly = (row: ConversationRow) => view(row, { isListed: false, activities: 0 })
  const viewTeam = async (general: ConversationRow, isWhole: boolean): Promise<object> => {
    const rows = isWhole ? await store.teamRooms(general.id) : [general]
    const rooms = await Promise.all(rows.map(viewBriefly))
    return toTeam(general, urls, { rooms, members: await store.participantsOf(general.id) })
  }
  /** Goes on only for members of the room. */
  const inRoom = async (
    caller: Asked,
    id: string,
    answer: (row: ConversationRow) => Promise<object | Problem>,
  ): Promise<object | Problem> => {
    const row = await findRoom(store, caller, id)
    return isProblem(row) ? row : await answer(row)
  }

  return {
    show: (caller, id, extent) => inRoom(caller, id, (row) => view(row, extent)),
    async showPair(caller, otherId, extent) {
      const pair = await store.findPair(toPair(caller.userId, otherId))
      return await inRoom(caller, pair?.id ?? '', (row) => view(row, extent))
    },
    async list({ userId }, limit, extent) {
      const rows = await store.conversationsOf(userId, limit)
      return { items: await Promise.all(rows.map((row) => view(row, extent))) }
    },
    roster: (caller, id) =>
      inRoom(caller, id, async () => ({ items: (await store.participantsOf(id)).map(toPerson) })),
    activities: (caller, page) =>
      inRoom(caller, page.conversationId, async ({ id }) => {
        const rows = await store.activitiesOf(page)
        return { items: rows.map((row) => toActivity(row, id, urls)) }
      }),
    activity: (caller, roomId, id) =>
      inRoom(caller, roomId, async () => {
        const row = await store.findActivity(roomId, id)
        return row === undefined ? problem('core.unknown-activity') : toActivity(row, roomId, urls)
      }),
    parents: (caller, roomId) => inRoom(caller, roomId, () => store.parentsIn(roomId)),
    async team(caller, id, isWhole) {
      const general = await findTeam(store, caller, id)
      return isProblem(general) ? general : await viewTeam(general, isWhole)
    },
    async teams({ userId }) {
      const rows = await store.conversationsOf(userId, ROOMS_OF_A_USER)
      const generals = rows.filter(({ id, team_id }) => id === team_id)
      return { items: await Promise.all(generals.map((general) => viewTeam(general, false))) }
    },
    async teamRooms(caller, id) {
      const general = await findTeam(store, caller, id)
      if (isProblem(general)) return general
      const rows = await store.teamRooms(id)
      return { items: await Promise.all(rows.map(viewBriefly)) }
    },
  }
}
