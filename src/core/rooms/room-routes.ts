// Conversations, activities and teams over HTTP, on the paths and in the forms that real clients use. What people
// wrote must be ciphertext: the cloud stores nothing it could read.

import { isUuid } from '../../id.ts'
import { type Answer, type Call, json, type Route } from '../http/http.ts'
import { orEmpty, parseBody } from '../http/parse-body.ts'
import { isProblem, type Problem, problem, toSealedRefusal } from '../http/problem.ts'
import { PATHS } from '../http/urls.ts'
import type { ActivityPage } from '../store/store.ts'
import { isWanted, momentIn, numberIn } from './query.ts'
import type { Acted, RoomActs } from './room-acts.ts'
import {
  ACTIVITY,
  JOIN,
  NEW_CONVERSATION,
  type NewConversation,
  readableMember,
} from './room-bodies.ts'
import type { RoomMaking } from './room-making.ts'
import type { Extent, Rooms } from './rooms.ts'

const CONVERSATIONS = `${PATHS.conversation}/conversations`
const ACTIVITIES = `${PATHS.conversation}/activities`
const TEAMS = `${PATHS.conversation}/teams`
const PAGE = { least: 1, most: 500, standard: 50 }
const WITHIN_A_ROOM = { least: 0, most: 500, standard: 0 }

/** All that changes rooms. */
export type Acts = RoomActs & RoomMaking

export const roomRoutes = (rooms: Rooms, acts: Acts): readonly Route[] => [
  ...conversationRoutes(rooms, acts),
  ...activityRoutes(rooms, acts),
  ...teamRoutes(rooms, acts),
]

const conversationRoutes = (rooms: Rooms, acts: Acts): readonly Route[] => [
  {
    method: 'POST',
    path: CONVERSATIONS,
    name: 'conversations',
    answer: (call) => withNewRoom(call, (wanted) => acts.create(call, wanted)),
  },
  {
    method: 'GET',
    path: CONVERSATIONS,
    name: 'conversations',
    async answer(call) {
      const limit = numberIn(call, 'conversationsLimit', { least: 1, most: 1000, standard: 100 })
      const extent = extentIn(call)
      if (isProblem(limit)) return limit
      return isProblem(extent) ? extent : shown(await rooms.list(call.caller, limit, extent))
    },
  },
  {
    method: 'GET',
    path: `${CONVERSATIONS}/user/:userId`,
    name: 'conversations',
    async answer(call) {
      const extent = extentIn(call)
      if (isProblem(extent)) return extent
      return shown(await rooms.showPair(call.caller, call.param('userId'), extent))
    },
  },
  {
    method: 'GET',
    path: `${CONVERSATIONS}/:id`,
    name: 'conversations',
    async answer(call) {
      const extent = extentIn(call)
      return isProblem(extent)
        ? extent
        : shown(await rooms.show(call.caller, call.param('id'), extent))
    },
  },
  {
    method: 'GET',
    path: `${CONVERSATIONS}/:id/participants`,
    name: 'conversations',
    answer: async ({ caller, param }) => shown(await rooms.roster(caller, param('id'))),
  },
]

const activityRoutes = (rooms: Rooms, acts: Acts): readonly Route[] => [
  {
    method: 'POST',
    path: ACTIVITIES,
    name: 'activities',
    answer: (call) => postActivity(call, acts),
  },
  ...['activities', 'content'].map(
    (resource): Route => ({
      method: 'POST',
      path: `${CONVERSATIONS}/:id/${resource}`,
      name: 'activities',
      answer: (call) => postActivity(call, acts, call.param('id')),
    }),
  ),
  {
    method: 'GET',
    path: `${CONVERSATIONS}/:id/activities`,
    name: 'activities',
    async answer(call) {
      const page = pageIn(call)
      return isProblem(page) ? page : shown(await rooms.activities(call.caller, page))
    },
  },
  {
    method: 'GET',
    path: `${CONVERSATIONS}/:id/activities/:activityId`,
    name: 'activities',
    answer: async ({ caller, param }) =>
      shown(await rooms.activity(caller, param('id'), param('activityId'))),
  },
  {
    method: 'GET',
    path: `${CONVERSATIONS}/:id/parents`,
    name: 'activities',
    answer: async ({ caller, param }) => shown(await rooms.parents(caller, param('id'))),
  },
  {
    method: 'GET',
    path: `${CONVERSATIONS}/:id/parents/:parentId`,
    name: 'activities',
    async answer(call) {
      const page = pageIn(call)
      if (isProblem(page)) return page
      const parent = { parentId: call.param('parentId'), parentType: call.query('activityType') }
      return shown(await rooms.activities(call.caller, { ...page, ...parent }))
    },
  },
]

const teamRoutes = (rooms: Rooms, acts: Acts): readonly Route[] => [
  {
    method: 'POST',
    path: TEAMS,
    name: 'teams',
    answer: (call) =>
      withNewRoom(call, (wanted) => acts.create(call, { ...wanted, objectType: 'team' })),
  },
  {
    method: 'GET',
    path: TEAMS,
    name: 'teams',
    answer: async ({ caller }) => shown(await rooms.teams(caller)),
  },
  {
    method: 'GET',
    path: `${TEAMS}/:id`,
    name: 'teams',
    async answer(call) {
      const isWhole = isWanted(call, 'includeTeamConversations')
      return shown(await rooms.team(call.caller, call.param('id'), isWhole))
    },
  },
  {
    method: 'GET',
    path: `${TEAMS}/:id/conversations`,
    name: 'teams',
    answer: async ({ caller, param }) => shown(await rooms.teamRooms(caller, param('id'))),
  },
  {
    method: 'POST',
    path: `${TEAMS}/:id/conversations`,
    name: 'teams',
    answer: (call) =>
      withNewRoom(call, (wanted) => acts.createInTeam(call, call.param('id'), wanted)),
  },
  {
    method: 'POST',
    path: `${TEAMS}/:id/conversations/:roomId/participants`,
    name: 'teams',
    async answer(call) {
      const wanted = parseBody(JOIN, orEmpty(await call.body()))
      if (isProblem(wanted)) return wanted
      const { kmsMessage } = wanted.value
      const join = { teamId: call.param('id'), roomId: call.param('roomId'), kmsMessage }
      return answered(call, await acts.join(call, join))
    },
  },
]

const shown = (found: object | Problem): Answer => (isProblem(found) ? found : json(found))

/** What came of a change: the object, the realm's sealed "no", or ours. */
export const answered = ({ trackingId }: Call, acted: Acted, status = 201): Answer => {
  if (isProblem(acted)) return acted
  return 'sealedRefusal' in acted && typeof acted.sealedRefusal === 'string'
    ? toSealedRefusal(acted.sealedRefusal, trackingId)
    : json(acted, status)
}

const withNewRoom = async (
  call: Call,
  act: (wanted: NewConversation) => Promise<Acted>,
): Promise<Answer> => {
  const wanted = parseBody(NEW_CONVERSATION, await call.body())
  if (isProblem(wanted)) return wanted
  const readable = readableMember(wanted.value)
  if (readable !== undefined) return problem('core.not-ciphertext', readable)
  return answered(call, await act(wanted.value))
}

const postActivity = async (call: Call, acts: Acts, inRoom?: string): Promise<Answer> => {
  const wanted = parseBody(ACTIVITY, await call.body())
  if (isProblem(wanted)) return wanted
  const { target, object } = wanted.value
  const roomId = inRoom ?? target?.id
  const isNamedOnce = target === undefined || target.id === roomId
  if (roomId === undefined || !isNamedOnce) return problem('core.body-invalid', 'target.id')
  const readable = readableMember(object)
  if (readable !== undefined) return problem('core.not-ciphertext', readable)
  return answered(call, await acts.act(call, roomId, wanted.value))
}

const extentIn = (call: Call): Extent | Problem => {
  const activities = numberIn(call, 'activitiesLimit', WITHIN_A_ROOM)
  if (isProblem(activities)) return activities
  const isListed = isWanted(call, 'includeParticipants') && call.query('participantsLimit') !== '0'
  return { isListed, activities }
}

const pageIn = (call: Call): ActivityPage | Problem => {
  const limit = numberIn(call, 'limit', PAGE)
  const [since, until, around] = ['sinceDate', 'maxDate', 'midDate'].map((name) =>
    momentIn(call, name),
  )
  for (const one of [limit, since, until, around]) if (isProblem(one)) return one
  if (isProblem(limit) || isProblem(since) || isProblem(until) || isProblem(around)) {
    return problem('core.body-invalid', 'limit')
  }
  const [after, before] = ['after', 'before'].map((name) => uuidOr(call.query(name)))
  return { conversationId: call.param('id'), limit, since, until, around, after, before }
}

const uuidOr = (raw: string | undefined): string | undefined => (isUuid(raw) ? raw : undefined)
