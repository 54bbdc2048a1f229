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

/** A message of a client, opened or not; everything else the realm records is its own doing. */
const tagOf = (entry: EntryFields): string =>
  entry.text('method') !== undefined || entry.text('type') === 'MESSAGE'
    ? '[KMS:REQUEST] received'
    : '[KMS:EVENT] recorded'

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
