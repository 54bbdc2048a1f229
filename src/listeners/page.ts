// Which entries of the audit log: `?after=SEQUENCE&limit=COUNT`, and the JSON they are shown in.
// An unknown or repeated parameter is refused, so that a misspelt one never means "from the start".

import type { LogEntry, LogPage } from '../admin/index.ts'

const LIMIT_DEFAULT = 100
const LIMIT_MAX = 1000
const WHOLE = /^\d{1,15}$/

export const parsePage = (raw: URLSearchParams): LogPage | undefined => {
  const names = [...raw.keys()]
  const isKnown = names.every((name) => name === 'after' || name === 'limit')
  if (!isKnown || new Set(names).size !== names.length) return undefined
  const after = parseWhole(raw.get('after') ?? '0')
  const limit = parseWhole(raw.get('limit') ?? `${LIMIT_DEFAULT}`)
  if (after === undefined || limit === undefined || limit < 1) return undefined
  return { after, limit: Math.min(limit, LIMIT_MAX) }
}

const parseWhole = (raw: string): number | undefined => (WHOLE.test(raw) ? Number(raw) : undefined)

/** `body` stays the text that was hashed: parsing and printing it again could change its bytes. */
export const entriesToJson = (entries: readonly LogEntry[]) => ({
  entries: entries.map(({ sequence, body }) => ({ sequence, body })),
})
