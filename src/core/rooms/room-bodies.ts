// The bodies that real clients send to the conversation service, member by member. Texts that people wrote must be
// compact JWE, keys and resources `kms:` URIs; of people and targets only the id is read.

import { z } from 'zod'
import { isCompactJose, isKmsUri, SEALED_MESSAGE_MAX_CHARS } from '../../boundary/index.ts'
import { isUuid } from '../../id.ts'

const SEALED_MAX_CHARS = 256 * 1024
const FILES_MAX = 100
const PEOPLE_MAX = 5000

const kmsUri = z.string().refine(isKmsUri)
const uuid = z.string().refine(isUuid)
/** Ciphertext; readable text is refused with a code of its own (`whyReadable`). */
const sealed = z.string().max(SEALED_MAX_CHARS)
const word = z.string().max(256)
const count = z.int().min(0)

/** Only the id is read; what else clients say of people, rooms and activities is dropped. */
const named = z.object({ id: uuid })
const target = z.object({ id: uuid })

const mentions = z.object({ items: z.array(z.object({ objectType: word.optional(), id: uuid })) })
const groupMentions = z.object({
  items: z.array(
    z.object({ objectType: word.optional(), groupType: z.enum(['all', 'moderators']) }),
  ),
})

const comment = z.strictObject({
  objectType: z.literal('comment').optional(),
  displayName: sealed.optional(),
  content: sealed.optional(),
  mentions: mentions.optional(),
  groupMentions: groupMentions.optional(),
})

const picture = z.strictObject({
  url: word.max(2048).optional(),
  scr: sealed,
  width: count.optional(),
  height: count.optional(),
})

const file = z.strictObject({
  objectType: z.literal('file'),
  displayName: sealed.optional(),
  content: sealed.optional(),
  scr: sealed,
  url: word.max(2048).optional(),
  fileSize: count.optional(),
  mimeType: z
    .string()
    .regex(/^[\w.+-]{1,64}\/[\w.+-]{1,127}$/)
    .optional(),
  width: count.optional(),
  height: count.optional(),
  image: picture.optional(),
})

const content = z.strictObject({
  objectType: z.literal('content'),
  displayName: sealed.optional(),
  content: sealed.optional(),
  mentions: mentions.optional(),
  groupMentions: groupMentions.optional(),
  contentCategory: z.enum(['documents', 'images', 'videos']).optional(),
  files: z.strictObject({ items: z.array(file).min(1).max(FILES_MAX) }),
})

const kmsMessage = z.string().min(1).max(SEALED_MESSAGE_MAX_CHARS).optional()

const common = {
  objectType: z.literal('activity').optional(),
  actor: z.object({}).optional(),
  target: target.optional(),
  clientTempId: word.optional(),
}
const parent = z.strictObject({ id: uuid, type: z.enum(['reply', 'edit']) }).optional()
const written = { ...common, parent, encryptionKeyUrl: kmsUri }

/** One activity, by its verb. Only those that change who may read carry a `kmsMessage`. */
export const ACTIVITY = z.discriminatedUnion('verb', [
  z.strictObject({ ...written, verb: z.literal('post'), object: comment }),
  z.strictObject({ ...written, verb: z.literal('share'), object: content }),
  z.strictObject({
    ...written,
    verb: z.literal('update'),
    object: z.object({ displayName: sealed }),
  }),
  z.strictObject({
    ...common,
    verb: z.literal('add'),
    object: z.object({ id: uuid, objectType: z.enum(['person', 'conversation']) }),
    kmsMessage,
  }),
  z.strictObject({ ...common, verb: z.literal('leave'), object: named, kmsMessage }),
  z.strictObject({ ...common, verb: z.literal('remove'), object: named, kmsMessage }),
  z.strictObject({
    ...common,
    verb: z.literal('updateKey'),
    object: z.object({ defaultActivityEncryptionKeyUrl: kmsUri }),
    kmsMessage,
  }),
  z.strictObject({ ...common, verb: z.enum(['lock', 'unlock']), object: z.object({}).optional() }),
  z.strictObject({
    ...common,
    verb: z.enum(['assignModerator', 'unassignModerator']),
    object: named,
  }),
  z.strictObject({ ...common, verb: z.literal('delete'), object: named }),
])

export type Activity = z.infer<typeof ACTIVITY>

const first = z.discriminatedUnion('verb', [
  z.strictObject({ ...common, verb: z.literal('create'), object: z.object({}).optional() }),
  z.strictObject({ ...common, verb: z.literal('add'), object: named }),
  z.strictObject({ ...written, verb: z.literal('post'), object: comment }),
])

/** What clients make of the members they fill in for themselves. */
const filledIn = z.object({}).optional()

/** A new room or team. Its members come in by activities `add`; its resource by the realm's answer, and in no other way. */
export const NEW_CONVERSATION = z.strictObject({
  objectType: z.enum(['conversation', 'team']).optional(),
  displayName: sealed.optional(),
  summary: sealed.optional(),
  encryptionKeyUrl: kmsUri.optional(),
  defaultActivityEncryptionKeyUrl: kmsUri.optional(),
  tags: z.array(word).max(10).optional(),
  activities: z.object({ items: z.array(first).max(PEOPLE_MAX) }).optional(),
  participants: filledIn,
  conversations: filledIn,
  teamMembers: filledIn,
  kmsMessage,
})

export type NewConversation = z.infer<typeof NEW_CONVERSATION>

/** Somebody joins a room of their team. */
export const JOIN = z.object({ kmsMessage })

const isJwe = (text: string): boolean =>
  isCompactJose(text, SEALED_MAX_CHARS) && text.split('.').length === 5

/** Members that people write; the cloud must not be able to read them. */
const WRITTEN = new Set(['displayName', 'content', 'summary', 'scr'])

/** The name of a member that should be ciphertext and is not, wherever it stands. */
export const readableMember = (value: unknown): string | undefined => {
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, member] of Object.entries(value)) {
    const isReadable = typeof member === 'string' && WRITTEN.has(name) && !isJwe(member)
    const found = isReadable ? name : readableMember(member)
    if (found !== undefined) return found
  }
  return undefined
}
