// Conversations and their messages as the cloud sees them: who is in, which keys are named, ciphertext, times.
// It refuses anything readable, and tells outsiders nothing, not even that a conversation exists.

import { instant, toRfc3339 } from '../time.ts'
import type { Caller } from './caller.ts'
import type { Surroundings } from './ports.ts'
import { isProblem, type Problem, problem } from './problem.ts'
import type { ActivityRow, ConversationRow, CoreStore, ParticipantRow } from './store.ts'

export interface NewConversation {
  readonly displayName?: string | undefined
  readonly encryptionKeyUrl?: string | undefined
  readonly defaultActivityEncryptionKeyUrl?: string | undefined
  readonly kmsResourceObjectUrl?: string | undefined
  readonly participants: readonly string[]
}

export interface NewActivity {
  readonly conversationId: string
  readonly content: string
  readonly displayName?: string | undefined
  readonly encryptionKeyUrl: string
}

export interface Rooms {
  create(caller: Caller, wanted: NewConversation): Promise<object>
  show(caller: Caller, id: string): Promise<object | Problem>
  post(caller: Caller, wanted: NewActivity): Promise<object | Problem>
  list(caller: Caller, page: Page): Promise<object | Problem>
}

export interface Page {
  readonly conversationId: string
  readonly after?: string
  readonly limit: number
}

export interface RoomRules {
  /** Everything before a conversation id. */
  readonly urlBase: string
  /** Hands an event to all devices of these users; `data` is JSON text. */
  readonly tell: (userIds: readonly string[], data: string) => Promise<void>
}

export const openRooms = (
  store: CoreStore,
  rules: RoomRules,
  surroundings: Surroundings,
): Rooms => {
  const { now, newId } = surroundings
  const find = async (caller: Caller, id: string): Promise<ConversationRow | Problem> =>
    (await store.findConversation(id, caller.userId)) ?? problem('core.unknown-conversation')
  const url = (id: string): string => `${rules.urlBase}${id}`
  const view = async (row: ConversationRow): Promise<object> =>
    toConversation(row, await store.participantsOf(row.id), url(row.id))

  return {
    async create(caller, wanted) {
      const row = toConversationRow(wanted, { id: newId(), by: caller.userId, at: now() })
      await store.addConversation(row, [...new Set([caller.userId, ...wanted.participants])])
      return await view(row)
    },
    async show(caller, id) {
      const row = await find(caller, id)
      return isProblem(row) ? row : await view(row)
    },
    async post(caller, wanted) {
      const room = await find(caller, wanted.conversationId)
      if (isProblem(room)) return room
      const row = toActivityRow(wanted, { id: newId(), by: caller.userId, at: now() })
      await store.addActivity(row)
      const activity = toActivity(row, url(room.id))
      const members = (await store.participantsOf(room.id)).map(({ id }) => id)
      await rules.tell(members, JSON.stringify({ eventType: 'conversation.activity', activity }))
      return activity
    },
    async list(caller, page) {
      const room = await find(caller, page.conversationId)
      if (isProblem(room)) return room
      const rows = await store.activitiesOf(page)
      return { items: rows.map((row) => toActivity(row, url(room.id))) }
    },
  }
}

interface Mark {
  readonly id: string
  readonly by: string
  readonly at: number
}

const toConversationRow = (wanted: NewConversation, { id, by, at }: Mark): ConversationRow => ({
  id,
  created_by: by,
  display_name: wanted.displayName ?? null,
  encryption_key_url: wanted.encryptionKeyUrl ?? null,
  default_activity_encryption_key_url: wanted.defaultActivityEncryptionKeyUrl ?? null,
  kms_resource_object_url: wanted.kmsResourceObjectUrl ?? null,
  created_at: at,
})

type NewActivityRow = Omit<ActivityRow, 'sequence'>

const toActivityRow = (wanted: NewActivity, { id, by, at }: Mark): NewActivityRow => ({
  id,
  conversation_id: wanted.conversationId,
  actor_id: by,
  verb: 'post',
  content: wanted.content,
  display_name: wanted.displayName ?? null,
  encryption_key_url: wanted.encryptionKeyUrl,
  published_at: at,
})

const toConversation = (
  row: ConversationRow,
  participants: readonly ParticipantRow[],
  url: string,
) => ({
  id: row.id,
  url,
  objectType: 'conversation',
  published: toRfc3339(instant(row.created_at)),
  ...present({
    displayName: row.display_name,
    encryptionKeyUrl: row.encryption_key_url,
    defaultActivityEncryptionKeyUrl: row.default_activity_encryption_key_url,
    kmsResourceObjectUrl: row.kms_resource_object_url,
  }),
  participants: {
    items: participants.map(({ id, email }) => ({
      id,
      objectType: 'person',
      ...present({ emailAddress: email }),
    })),
  },
})

const toActivity = (row: NewActivityRow, conversationUrl: string) => ({
  id: row.id,
  objectType: 'activity',
  verb: row.verb,
  published: toRfc3339(instant(row.published_at)),
  actor: { id: row.actor_id, objectType: 'person' },
  target: { id: row.conversation_id, url: conversationUrl, objectType: 'conversation' },
  object: {
    objectType: 'comment',
    content: row.content,
    ...present({ displayName: row.display_name }),
  },
  encryptionKeyUrl: row.encryption_key_url,
})

/** Members that have a value. */
const present = (members: Readonly<Record<string, string | null>>): Record<string, string> => {
  const there: Record<string, string> = {}
  for (const [name, value] of Object.entries(members)) if (value !== null) there[name] = value
  return there
}
