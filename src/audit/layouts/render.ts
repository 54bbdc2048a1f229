// Which layout, for which kind of destination: an entry becomes one line of text without a line end.

import { cefMessage } from './cef.ts'
import { type EntryFields, type NumberedEntry, readFields } from './fields.ts'
import { hdsLine, hdsMessage } from './hds.ts'
import { jsonLine, jsonMessage } from './json.ts'
import { type SyslogHeader, syslogLine } from './syslog.ts'

export type LayoutName = 'json' | 'cef' | 'hds'

export interface Rendering {
  readonly layout: LayoutName
  /** Of the program. */
  readonly version: string
  /** For syslog; without it the lines are for a file. */
  readonly syslog?: SyslogHeader
}

const MESSAGES = { json: jsonMessage, cef: cefMessage, hds: hdsMessage } as const
const FILE_LINES = { json: jsonLine, cef: cefMessage, hds: hdsLine } as const

/** Renders entries as lines. Every line carries the entry's sequence, whereby a receiver drops what came twice. */
export const createRenderer = ({ layout, version, syslog }: Rendering) => {
  const message = syslog === undefined ? FILE_LINES[layout] : MESSAGES[layout]
  return (entry: NumberedEntry): string => {
    const fields: EntryFields = readFields(entry)
    const text = message(fields, version)
    return syslog === undefined ? text : syslogLine(fields, syslog, text)
  }
}
