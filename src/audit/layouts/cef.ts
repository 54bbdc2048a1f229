// The layout `cef`: ArcSight Common Event Format. Seven header fields between bars, then an extension of
// key=value pairs. In the header `\` and `|` are escaped, in the extension `\`, `=` and line ends; whatever else is
// a control character becomes a space, so that no value can begin a line or a field of its own.

import type { EntryFields } from './fields.ts'
import { textOf } from './fields.ts'

/** Who writes: the vendor and product of the header. */
const HEADER = 'CEF:0|Keyrealm|Realm'

const SEVERITIES: ReadonlyMap<string, number> = new Map([
  ['done', 3],
  ['refused', 6],
  ['failed', 8],
])
const SEVERITY_OF_UNKNOWN = 6

// U+0085, U+2028 and U+2029 end lines too, to some readers.
const CONTROLS = /[\p{Cc}\u2028\u2029]/gu

const inHeader = (text: string): string =>
  text.replace(/[\\|]/g, String.raw`\$&`).replace(CONTROLS, ' ')

const inExtension = (text: string): string =>
  text
    .replace(/[\\=]/g, String.raw`\$&`)
    .replace(/\r/g, String.raw`\r`)
    .replace(/\n/g, String.raw`\n`)
    .replace(CONTROLS, ' ')

type Pair = readonly [key: string, value: string | number | undefined]

/** A custom field with the label that says what it holds. */
const custom = (key: string, label: string, value: Pair[1]): readonly Pair[] =>
  value === undefined || value === ''
    ? []
    : [
        [key, value],
        [`${key}Label`, label],
      ]

const pairsOf = (entry: EntryFields): readonly Pair[] => [
  ['rt', entry.time],
  ['externalId', entry.sequence],
  ['dvchost', entry.text('node')],
  ['deviceExternalId', entry.text('realm')],
  ['act', entry.text('action')],
  ['cat', entry.text('type')],
  ['outcome', entry.text('outcome')],
  ['reason', entry.text('code')],
  ['suid', textOf(entry.actor['id'])],
  ['spriv', textOf(entry.actor['kind'])],
  ['requestMethod', entry.text('method')],
  ['request', entry.text('uri')],
  ['requestClientApplication', entry.text('clientId')],
  ...custom('cs1', 'session', entry.text('session')),
  ...custom('cs2', 'requestId', entry.text('requestId')),
  ...custom('cs3', 'trackingId', entry.text('trackingId')),
  ...custom('cs4', 'onBehalfOf', entry.text('onBehalfOf')),
  ...custom('cs5', 'keys', entry.texts('keys').join(' ')),
  ...custom('cs6', 'resource', entry.text('resource')),
  ...custom('cn1', 'durationMs', entry.number('durationMs')),
  ...custom('cn2', 'sizeBytes', entry.number('sizeBytes')),
]

/** `version` is that of the program, as the header asks. */
export const cefMessage = (entry: EntryFields, version: string): string => {
  const action = entry.text('action') ?? 'unknown'
  const severity = SEVERITIES.get(entry.text('outcome') ?? '') ?? SEVERITY_OF_UNKNOWN
  const name = action.replaceAll(/[.-]/g, ' ')
  const header = [HEADER, ...[version, action, name].map(inHeader), severity].join('|')
  const extension = pairsOf(entry)
    .flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${inExtension(`${value}`)}`]))
    .join(' ')
  return `${header}|${extension}`
}
