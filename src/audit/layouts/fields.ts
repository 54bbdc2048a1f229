// What a layout may say of an entry, read back from its canonical JSON. A member that is missing or of another
// type than expected is absent: the log's form may grow, and shipping must go on. It refuses nothing and decides nothing.

import { type Instant, parseRfc3339 } from '../../time.ts'

/** An entry as it is shipped: its number, and its canonical JSON as it was hashed. */
export interface NumberedEntry {
  readonly sequence: number
  readonly body: string
}

type Members = Readonly<Record<string, unknown>>

export interface EntryFields {
  readonly sequence: number
  /** Canonical JSON, byte for byte. */
  readonly body: string
  readonly time: Instant | undefined
  readonly actor: Members
  text(name: string): string | undefined
  number(name: string): number | undefined
  texts(name: string): readonly string[]
}

const membersOf = (raw: unknown): Members =>
  typeof raw === 'object' && raw !== null && !Array.isArray(raw) ? { ...raw } : {}

const parsed = (body: string): unknown => {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

export const textOf = (raw: unknown): string | undefined =>
  typeof raw === 'string' ? raw : undefined

export const readFields = ({ sequence, body }: NumberedEntry): EntryFields => {
  const members = membersOf(parsed(body))
  return {
    sequence,
    body,
    time: parseRfc3339(members['time']),
    actor: membersOf(members['actor']),
    text: (name) => textOf(members[name]),
    number: (name) => {
      const raw = members[name]
      return typeof raw === 'number' ? raw : undefined
    },
    texts: (name) => {
      const raw = members[name]
      return Array.isArray(raw) ? raw.filter((item) => typeof item === 'string') : []
    },
  }
}
