// One syslog message (RFC 5424 §6): header, structured data with the entry's number and realm, then the message of
// a layout. The header is printable ASCII by construction; nothing in it can end the line or the message early.

import { toRfc3339 } from '../../time.ts'
import type { EntryFields } from './fields.ts'

export interface SyslogHeader {
  /** 0 to 23 (RFC 5424 §6.2.1). */
  readonly facility: number
  /** `name@number` (RFC 5424 §6.3.2). */
  readonly structuredDataId: string
}

const NOTHING = '-'
const APP_NAME = 'keyrealm'
const HOSTNAME_MAX = 255
const MSGID_MAX = 32

/** error, warning and informational of RFC 5424 §6.2.1. */
const SEVERITIES: ReadonlyMap<string, number> = new Map([
  ['done', 6],
  ['refused', 4],
  ['failed', 3],
])
const SEVERITY_OF_UNKNOWN = 4

/** PRINTUSASCII without spaces, cut to its field; `-` if nothing is left. */
const word = (text: string | undefined, longest: number): string =>
  (text ?? '').replace(/[^!-~]/g, '').slice(0, longest) || NOTHING

/** RFC 5424 §6.3.3: `"`, `\` and `]` are escaped; line ends have no place in a value of ours. */
const parameter = (name: string, value: string): string =>
  `${name}="${value
    .toWellFormed()
    .replace(/\p{Cc}/gu, ' ')
    .replace(/["\\\]]/g, String.raw`\$&`)}"`

export const syslogLine = (entry: EntryFields, header: SyslogHeader, message: string): string => {
  const severity = SEVERITIES.get(entry.text('outcome') ?? '') ?? SEVERITY_OF_UNKNOWN
  const time = entry.time === undefined ? NOTHING : toRfc3339(entry.time)
  const fields = [
    `<${header.facility * 8 + severity}>1`,
    time,
    word(entry.text('node'), HOSTNAME_MAX),
    APP_NAME,
    NOTHING,
    word(entry.text('action'), MSGID_MAX),
    `[${header.structuredDataId} ${parameter('sequence', `${entry.sequence}`)} ${parameter('realm', entry.text('realm') ?? '')}]`,
  ]
  return `${fields.join(' ')} ${message}`
}
