// Boards of rooms: who may read one hangs on the room's resource, so that whoever leaves the room leaves its boards.
// Each is made, shown to somebody without a name, and taken away with the realm, in its room's turn.

import type { CorePart } from '../../boundary/index.ts'
import { instant, toRfc3339 } from '../../time.ts'
import { isProblem, type Problem, problem } from '../http/problem.ts'
import type { RoomUrls } from '../http/urls.ts'
import type { Plan, Result } from '../operations/operation.ts'
import type { BoardRow } from '../store/store.ts'
import {
  type Acted,
  type Asking,
  domainOf,
  type RoomParts,
  sealedInto,
  turnsOf,
} from './room-acts.ts'
import type { RoomChange } from './room-change.ts'
import { findRoom } from './rooms.ts'

export interface NewChannel {
  readonly aclUrlLink: string
  readonly defaultEncryptionKeyUrl: string
  readonly kmsMessage: string
}

export interface Unlinking {
  readonly boardId: string
  /** The list of the room, by its URL. */
  readonly linkedAcl: string
  readonly kmsMessage: string
}

export interface Boards {
  create(asking: Asking, wanted: NewChannel): Promise<Acted>
  show(asking: Asking, id: string): Promise<object | Problem>
  /** Of the room with this list. */
  list(asking: Asking, aclUrl: string, limit: number): Promise<object | Problem>
  /** Somebody without a name may read it from now on: the bearer is in the realm's sealed answer. */
  share(asking: Asking, id: string, kmsMessage: string): Promise<Acted>
  /** The board leaves the room, and with it everybody's right to its keys. */
  unlink(asking: Asking, unlinking: Unlinking): Promise<Acted>
}

interface Wish {
  readonly change: Omit<RoomChange, 'activities' | 'roomId'>
  /** By the room's resource. */
  readonly part: (resourceUri: string) => Omit<CorePart, 'user'>
  readonly kmsMessage: string
}

/** Planned when the room's turn has come: who asks must still be in it. */
const operate = async (
  parts: RoomParts,
  { caller, trackingId }: Asking,
  roomId: string,
  wish: Wish,
): Promise<Result> => {
  const { store, operations } = parts
  const seen = await findRoom(store, caller, roomId)
  if (isProblem(seen)) return seen
  const makePlan = async (): Promise<Plan | Problem> => {
    const room = await findRoom(store, caller, roomId)
    if (isProblem(room)) return room
    const domain = domainOf(parts, caller)
    if (isProblem(domain)) return domain
    // A room without a resource has nobody on whom a board could hang.
    if (room.kms_resource_object_url === null) return problem('core.rotation-required')
    const part = { user: caller.userId, ...wish.part(room.kms_resource_object_url) }
    const change = { roomId, activities: [], ...wish.change }
    return { change, ask: { domain, part, kmsMessage: wish.kmsMessage } }
  }
  return await operations.run({ turns: turnsOf(store, roomId), trackingId }, makePlan)
}

export const openBoards = (parts: RoomParts): Boards => {
  const { store, urls, surroundings } = parts

  /** Outsiders are told nothing, not even that there is a board. */
  const boardFor = async ({ caller }: Asking, id: string): Promise<BoardRow | Problem> => {
    const board = await store.findBoard(id)
    const room = board && (await store.findConversation(board.conversation_id, caller.userId))
    return board && room ? board : problem('core.unknown-board')
  }

  return {
    async create(asking, { aclUrlLink, defaultEncryptionKeyUrl: key, kmsMessage }) {
      const roomId = roomIdIn(aclUrlLink, urls)
      const openBoard = { id: surroundings.newId(), createdBy: asking.caller.userId, key }
      const result = await operate(parts, asking, roomId, {
        change: { openBoard },
        part: (subject) => ({
          operation: 'create-resource',
          keyUris: [key],
          subjects: [subject],
        }),
        kmsMessage,
      })
      if (!('applied' in result)) return result
      const board = await store.boardWithKey(roomId, key)
      return board === undefined
        ? problem('core.unknown-board')
        : sealedInto(toChannel(board, urls), result)
    },
    async show(asking, id) {
      const board = await boardFor(asking, id)
      return isProblem(board) ? board : toChannel(board, urls)
    },
    async list({ caller }, aclUrl, limit) {
      const room = await findRoom(store, caller, roomIdIn(aclUrl, urls))
      if (isProblem(room)) return room
      const rows = await store.boardsOf(room.id, limit)
      return { items: rows.map((row) => toChannel(row, urls)) }
    },
    async share(asking, id, kmsMessage) {
      const board = await boardFor(asking, id)
      if (isProblem(board)) return board
      const result = await operate(parts, asking, board.conversation_id, {
        change: {},
        part: () => ({
          operation: 'create-authorizations',
          resourceUri: board.kms_resource_url,
          anonymous: 1,
        }),
        kmsMessage,
      })
      // Observed of real clients: here, and only here, they look for it under this name.
      return 'applied' in result ? { kmsResponse: result.kmsMessage } : result
    },
    async unlink(asking, { boardId, linkedAcl, kmsMessage }) {
      const board = await boardFor(asking, boardId)
      if (isProblem(board)) return board
      if (linkedAcl !== urls.acl(board.conversation_id)) return problem('core.unknown-conversation')
      const result = await operate(parts, asking, board.conversation_id, {
        change: { closeBoard: board.id },
        part: (subject) => ({
          operation: 'delete-authorizations',
          resourceUri: board.kms_resource_url,
          subjects: [subject],
        }),
        kmsMessage,
      })
      const link = { aclUrl: urls.acl(board.id), linkedAcl, aclLinkOperation: 'DELETE' }
      return 'applied' in result ? sealedInto(link, result) : result
    },
  }
}

/** Rooms are named by their list here; what is no list of ours is no room of anybody. */
const roomIdIn = (aclUrl: string, urls: RoomUrls): string => {
  const start = urls.acl('')
  return aclUrl.startsWith(start) ? aclUrl.slice(start.length) : ''
}

/** A board as clients are shown it: to them it is a channel. */
const toChannel = (board: BoardRow, urls: RoomUrls) => ({
  channelId: board.id,
  channelUrl: urls.board(board.id),
  aclUrl: urls.acl(board.id),
  aclUrlLink: urls.acl(board.conversation_id),
  kmsResourceUrl: board.kms_resource_url,
  defaultEncryptionKeyUrl: board.default_encryption_key_url,
  creatorId: board.created_by,
  createdTime: toRfc3339(instant(board.created_at)),
})
