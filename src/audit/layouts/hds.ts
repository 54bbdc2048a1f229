// The layout `hds`: the line that parsers of the commercial on-premises product read, a tag and `name: value` pairs:
// `[KMS:REQUEST] … method: …, type: …, URI: …, userId: …, ecdheKid: …`. A value has neither space nor comma, whatever
// a client put into it, so that nobody writes a pair of their own into somebody else's line.

import { toRfc3339 } from '../../time.ts'
import { type EntryFields, textOf } from './fields.ts'

const encoder = new TextEncoder()

const percent = (character: string): string =>
  [...encoder.encode(character)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('')

/** Visible ASCII without comma and percent sign stays; the rest is percent-encoded UTF-8 (RFC 3986 §2.1). */
const token = (value: string): string => value.toWellFormed().replace(/[^!-~]|[,%]/gu, percent)

type Pair = readonly [label: string, value: string | number | undefined]

/** These stand in every line, `null` where there is nothing to say; the order is part of the layout. */
const always = (entry: EntryFields): readonly Pair[] => [
  ['method', entry.text('method')],
  ['type', entry.text('type')],
  ['URI', entry.text('uri')],
  ['userId', textOf(entry.actor['id'])],
  ['ecdheKid', entry.text('session')],
]

const before = (entry: EntryFields): readonly Pair[] => [
  ['sequence', entry.sequence],
  ['action', entry.text('action')],
  ['deviceId', entry.text('clientId')],
  ['requestId', entry.text('requestId')],
  ['trackingId', entry.text('trackingId')],
]

const behind = (entry: EntryFields): readonly Pair[] => [
  ['outcome', entry.text('outcome')],
  ['code', entry.text('code')],
  ['onBehalfOf', entry.text('onBehalfOf')],
  ['resource', entry.text('resource')],
  ['keys', entry.texts('keys').join(';') || undefined],
  ['sizeBytes', entry.number('sizeBytes')],
  ['durationMs', entry.number('durationMs')],
]

const printed = ([label, value]: Pair): string =>
  `${label}: ${value === undefined || value === '' ? 'null' : token(`${value}`)}`

const isThere = ([, value]: Pair): boolean => value !== undefined

/** What a client or another realm asked for, done or refused (`actions.md`); everything else is the realm's own doing. */
const REQUESTS: ReadonlySet<string | undefined> = new Set([
  'answer.repeated',
  'authorization.created',
  'authorization.read',
  'authorization.removed',
  'customer-key.changed',
  'key.bound',
  'key.created',
  'key.released',
  'key.used',
  'message.refused',
  'peer.refused',
  'ping.answered',
  'request.failed',
  'request.refused',
  'resource.created',
  'resource.read',
  'session.created',
  'session.ended',
])
/** Those of them that the realm and its administrators do of themselves as well; then nobody's method stands there. */
const ALSO_OWN: ReadonlySet<string | undefined> = new Set(['authorization.removed'])

const tagOf = (entry: EntryFields): string => {
  const action = entry.text('action')
  const isOwn = ALSO_OWN.has(action) && entry.text('method') === undefined
  return REQUESTS.has(action) && !isOwn ? '[KMS:REQUEST] received' : '[KMS:EVENT] recorded'
}

export const hdsMessage = (entry: EntryFields): string => {
  const pairs = [
    ...before(entry).filter(isThere),
    ...always(entry),
    ...behind(entry).filter(isThere),
  ]
  return `${tagOf(entry)}, ${pairs.map(printed).join(', ')}`
}

/** In a file the line begins with its time, as in the product's own files. */
export const hdsLine = (entry: EntryFields): string => {
  const time = entry.time === undefined ? '-' : toRfc3339(entry.time)
  return `${time} INFO KMS - ${hdsMessage(entry)}`
}
