// The body of a search as real clients send it, and what our own clients may add. An unknown member refuses the whole
// body: a filter that was passed over would show more than was asked for.

import { z } from 'zod'
import {
  isCompactJose,
  isKmsUri,
  LAST_PAGE,
  ROOMS_PER_QUERY,
  SEALED_QUERY_MAX_CHARS,
} from '../../boundary/index.ts'
import { isUuid } from '../../id.ts'
import { parseRfc3339 } from '../../time.ts'

export const RESULTS = { least: 1, most: 500, standard: 20 }

const isJwe = (text: string): boolean =>
  isCompactJose(text, SEALED_QUERY_MAX_CHARS) && text.split('.').length === 5

const uuid = z.string().refine(isUuid)
const moment = z
  .union([z.int().min(0), z.string().transform((text) => parseRfc3339(text))])
  .refine((value) => value !== undefined)
/** Observed of real clients: zero and less mean the standard. */
const limit = z.int().max(RESULTS.most)

/** `1790000000000.UUID`: the last result before which to go on. */
const before = z
  .string()
  .regex(/^\d{1,15}\.[0-9a-f-]{36}$/)
  .transform((text) => {
    const [at = '', id = ''] = text.split('.')
    return { at: Number(at), id }
  })

export const SEARCH_BODY = z.strictObject({
  query: z.string().refine(isJwe),
  searchEncryptionKeyUrl: z.string().refine(isKmsUri),
  limit: limit.optional(),
  /** The same, observed of real clients. */
  size: limit.optional(),
  includeRemoteClusterReferences: z.boolean().optional(),
  /** Filters: only these rooms, this sender, this time, only shared files. */
  roomIds: z.array(uuid).min(1).max(ROOMS_PER_QUERY).optional(),
  senderId: uuid.optional(),
  sinceDate: moment.optional(),
  maxDate: moment.optional(),
  hasFile: z.boolean().optional(),
  /** Where to go on: `next` of the answer before. */
  page: z.int().min(0).max(LAST_PAGE).default(0),
  before: before.optional(),
})

export type SearchBody = z.infer<typeof SEARCH_BODY>
