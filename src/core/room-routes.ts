// Conversations and activities over HTTP. Titles and messages must be compact JWE and keys must be `kms:`
// URIs: the cloud stores nothing it could read. A `kmsMessage` in a body is refused, never skipped.

import { z } from 'zod'
import { isCompactJose, isKmsUri } from '../boundary/index.ts'
import { isUuid } from '../id.ts'
import { type Answer, type Call, json, type Route } from './http.ts'
import { parseBody } from './parse-body.ts'
import { isProblem, type Problem, problem } from './problem.ts'
import type { Rooms } from './rooms.ts'
import { PATHS } from './urls.ts'

const SEALED_MAX_CHARS = 256 * 1024
const PARTICIPANTS_MAX = 1000
const PAGE_DEFAULT = 50
const PAGE_MAX = 500

const kmsUri = z.string().refine(isKmsUri)
const userId = z.string().refine(isUuid)
/** Readable text is refused below, with a code of its own. */
const sealed = z.string().max(SEALED_MAX_CHARS)

const NEW_CONVERSATION = z.strictObject({
  objectType: z.literal('conversation').optional(),
  displayName: sealed.optional(),
  encryptionKeyUrl: kmsUri.optional(),
  defaultActivityEncryptionKeyUrl: kmsUri.optional(),
  kmsResourceObjectUrl: kmsUri.optional(),
  participants: z.array(userId).max(PARTICIPANTS_MAX),
})

const NEW_ACTIVITY = z.strictObject({
  objectType: z.literal('activity').optional(),
  verb: z.literal('post'),
  target: z.strictObject({
    id: z.string().refine(isUuid),
    objectType: z.literal('conversation').optional(),
    url: z.string().max(1024).optional(),
  }),
  object: z.strictObject({
    objectType: z.literal('comment').optional(),
    content: sealed,
    displayName: sealed.optional(),
  }),
  encryptionKeyUrl: kmsUri,
  clientTempId: z.string().max(256).optional(),
})

const isJwe = (text: string): boolean =>
  isCompactJose(text, SEALED_MAX_CHARS) && text.split('.').length === 5

const whyReadable = (
  members: Readonly<Record<string, string | undefined>>,
): Problem | undefined => {
  for (const [name, text] of Object.entries(members)) {
    if (text !== undefined && !isJwe(text)) return problem('core.not-ciphertext', name)
  }
  return undefined
}

export const roomRoutes = (rooms: Rooms): readonly Route[] => [
  {
    method: 'POST',
    path: `${PATHS.conversation}/conversations`,
    name: 'conversations',
    async answer({ caller, body }) {
      const wanted = parseBody(NEW_CONVERSATION, await body())
      if (isProblem(wanted)) return wanted
      const { displayName } = wanted.value
      return whyReadable({ displayName }) ?? json(await rooms.create(caller, wanted.value), 201)
    },
  },
  {
    method: 'GET',
    path: `${PATHS.conversation}/conversations/:id`,
    name: 'conversations',
    async answer({ caller, param }) {
      return shown(await rooms.show(caller, param('id')))
    },
  },
  {
    method: 'POST',
    path: `${PATHS.conversation}/activities`,
    name: 'activities',
    answer: (call) => postActivity(call, rooms),
  },
  {
    method: 'GET',
    path: `${PATHS.conversation}/conversations/:id/activities`,
    name: 'activities',
    answer: (call) => listActivities(call, rooms),
  },
]

const shown = (found: object | Problem, status = 200): Answer =>
  isProblem(found) ? found : json(found, status)

const postActivity = async ({ caller, body }: Call, rooms: Rooms): Promise<Answer> => {
  const wanted = parseBody(NEW_ACTIVITY, await body())
  if (isProblem(wanted)) return wanted
  const { target, object, encryptionKeyUrl } = wanted.value
  const { content, displayName } = object
  const readable = whyReadable({ content, displayName })
  if (readable !== undefined) return readable
  const activity = { conversationId: target.id, content, displayName, encryptionKeyUrl }
  return shown(await rooms.post(caller, activity), 201)
}

const listActivities = async ({ caller, param, query }: Call, rooms: Rooms): Promise<Answer> => {
  const limit = Number(query('limit') ?? PAGE_DEFAULT)
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_MAX) {
    return problem('core.body-invalid', 'limit')
  }
  const after = query('after')
  const page = { conversationId: param('id'), limit }
  return shown(await rooms.list(caller, after === undefined ? page : { ...page, after }))
}
