// Boards over HTTP, on the paths and in the forms that real clients use. What is drawn on them is not kept here.

import { z } from 'zod'
import { isKmsUri, SEALED_MESSAGE_MAX_CHARS } from '../../boundary/index.ts'
import { json, type Route } from '../http/http.ts'
import { parseBody } from '../http/parse-body.ts'
import { isProblem } from '../http/problem.ts'
import { PATHS } from '../http/urls.ts'
import type { Boards } from './boards.ts'
import { numberIn } from './query.ts'
import { answered } from './room-routes.ts'

const CHANNELS = `${PATHS.board}/channels`
const URL_MAX_CHARS = 2048
const PAGE = { least: 1, most: 500, standard: 50 }

const url = z.string().max(URL_MAX_CHARS)
const kmsMessage = z.string().min(1).max(SEALED_MESSAGE_MAX_CHARS)

/** Clients say more of a new board (its kind, its size); none of that is kept. */
const NEW_CHANNEL = z.object({
  aclUrlLink: url,
  defaultEncryptionKeyUrl: z.string().refine(isKmsUri),
  kmsMessage,
})
const SHARE = z.strictObject({ kmsMessage })
const UNLINK = z.strictObject({
  aclLinkType: z.literal('INCOMING'),
  linkedAcl: url,
  aclLinkOperation: z.literal('DELETE'),
  kmsMessage,
})

export const boardRoutes = (boards: Boards): readonly Route[] => [
  {
    method: 'POST',
    path: CHANNELS,
    name: 'boards',
    async answer(call) {
      const wanted = parseBody(NEW_CHANNEL, await call.body())
      return isProblem(wanted) ? wanted : answered(call, await boards.create(call, wanted.value))
    },
  },
  {
    method: 'GET',
    path: CHANNELS,
    name: 'boards',
    async answer(call) {
      const limit = numberIn(call, 'channelsLimit', PAGE)
      if (isProblem(limit)) return limit
      const found = await boards.list(call, call.query('aclUrlLink') ?? '', limit)
      return isProblem(found) ? found : json(found)
    },
  },
  {
    method: 'GET',
    path: `${CHANNELS}/:id`,
    name: 'boards',
    async answer(call) {
      const found = await boards.show(call, call.param('id'))
      return isProblem(found) ? found : json(found)
    },
  },
  {
    method: 'PUT',
    path: `${CHANNELS}/:id/sharePolicies/transcoder`,
    name: 'boards',
    async answer(call) {
      const wanted = parseBody(SHARE, await call.body())
      if (isProblem(wanted)) return wanted
      return answered(
        call,
        await boards.share(call, call.param('id'), wanted.value.kmsMessage),
        200,
      )
    },
  },
  {
    method: 'PUT',
    path: `${PATHS.acl}/acls/:id/links`,
    name: 'boards',
    async answer(call) {
      const wanted = parseBody(UNLINK, await call.body())
      if (isProblem(wanted)) return wanted
      const unlinking = { boardId: call.param('id'), ...wanted.value }
      return answered(call, await boards.unlink(call, unlinking), 200)
    },
  },
]
