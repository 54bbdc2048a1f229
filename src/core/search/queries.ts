// Sealed queries on their way to a realm: one waits for one answer, for so long, and is forgotten with its line. A
// query is not sent again on another line: whoever searches can ask again, and knows better whether they still want to.

import {
  encodeCoreFrame,
  type SearchDeclinedFrame,
  type SearchFrame,
  type SearchHashesFrame,
} from '../../boundary/index.ts'
import { boundedMap } from '../bounded-map.ts'
import { type Problem, problem } from '../http/problem.ts'
import type { Surroundings } from '../ports.ts'
import type { Line } from '../realms/desk.ts'

export type RealmAnswer = SearchHashesFrame | SearchDeclinedFrame

export interface Queries {
  /** The realm's answer, or why there is none. */
  ask(domain: string, query: Omit<SearchFrame, 'type' | 'id'>): Promise<RealmAnswer | Problem>
  answered(domain: string, frame: RealmAnswer): void
  lineUp(domain: string, line: Line): void
  lineDown(domain: string, line: Line): void
}

export interface QueryRules {
  readonly patienceMs: number
  /** Of one user at a time. */
  readonly openPerUser: number
  /** Of one user. */
  readonly perMinute: number
}

interface Waiting {
  readonly domain: string
  readonly line: Line
  readonly end: (answer: RealmAnswer | Problem) => void
}

const MINUTE_MS = 60_000
const USERS_KEPT = 100_000

export const openQueries = (rules: QueryRules, { now, newId }: Surroundings): Queries => {
  const lines = new Map<string, Line>()
  const waiting = new Map<string, Waiting>()
  const openOf = new Map<string, number>()
  const counts = boundedMap<string, { readonly minute: number; readonly count: number }>(USERS_KEPT)

  const whyNot = (userId: string): Problem | undefined => {
    const minute = Math.floor(now() / MINUTE_MS)
    const before = counts.get(userId)
    const count = before?.minute === minute ? before.count + 1 : 1
    counts.set(userId, { minute, count })
    const isTooMany = count > rules.perMinute || (openOf.get(userId) ?? 0) >= rules.openPerUser
    return isTooMany ? problem('core.too-many-searches') : undefined
  }
  const opened = (userId: string, change: 1 | -1): void => {
    const open = (openOf.get(userId) ?? 0) + change
    if (open === 0) openOf.delete(userId)
    else openOf.set(userId, open)
  }

  return {
    async ask(domain, query) {
      const refused = whyNot(query.httpUser)
      if (refused !== undefined) return refused
      const line = lines.get(domain)
      if (line === undefined) return problem('core.realm-unreachable')
      const id = newId()
      const text = encodeCoreFrame({ type: 'search', id, ...query })
      opened(query.httpUser, 1)
      let timer: NodeJS.Timeout | undefined
      const answer = new Promise<RealmAnswer | Problem>((end) => {
        timer = setTimeout(() => end(problem('core.realm-timeout')), rules.patienceMs)
        waiting.set(id, { domain, line, end })
        line.send(text)
      })
      return await answer.finally(() => {
        clearTimeout(timer)
        waiting.delete(id)
        opened(query.httpUser, -1)
      })
    },
    answered(domain, frame) {
      const asked = waiting.get(frame.id)
      // Late, never asked, or asked of another realm.
      if (asked?.domain === domain) asked.end(frame)
    },
    lineUp: (domain, line) => void lines.set(domain, line),
    lineDown(domain, line) {
      if (lines.get(domain) === line) lines.delete(domain)
      for (const asked of waiting.values()) {
        if (asked.line === line) asked.end(problem('core.realm-unreachable'))
      }
    },
  }
}
