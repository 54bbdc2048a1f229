// Records acts in the transaction that does them: canonical, numbered, committed together. A secret may
// leave the realm only after the transaction that holds its entry has committed.

import { type Instant, toRfc3339 } from '../time.ts'
import { encodeEntry } from './encode.ts'
import type { Act, Place } from './entry.ts'
import type { AuditStore, LogHead } from './ports.ts'
import { splitLong } from './split.ts'

export interface Recorded {
  /** How many entries were appended. */
  readonly entries: number
  readonly at: Instant
  /** Of each act, in order, the sequence of its (first) entry. */
  readonly sequences: readonly number[]
}

export interface Recorder {
  /**
   * Appends the entries of these acts, in order, to the log of the transaction at hand: one each, more
   * for an act that names too much for one. A clock that went backwards gets an entry of its own, the last.
   */
  record(log: AuditStore, acts: readonly Act[], now: Instant): Promise<Recorded>
  /** MUST be called once that transaction has committed, and only then. */
  committed(recorded: Recorded): void
}

const steppedBack = (from: Instant, to: Instant): Act => ({
  action: 'clock.stepped-back',
  outcome: 'done',
  actor: { kind: 'system' },
  type: 'PROCESS',
  details: { from: toRfc3339(from), byMs: from - to },
})

/**
 * `boot` names this start of the process. The counter of one boot has no holes in a complete log,
 * hence it advances only with a commit, and transactions that record MUST NOT overlap (kms/ledger).
 */
export const createRecorder = (realm: string, node: string, boot: string): Recorder => {
  let counter = 0
  let last: Instant | undefined
  /** Before this boot has recorded anything, the log's last entry is what its clock is held against. */
  const withClock = (acts: readonly Act[], head: LogHead, now: Instant): readonly Act[] => {
    const before = last ?? head.recordedAt
    return now < before ? [...acts, steppedBack(before, now)] : acts
  }
  return {
    record: async (log, acts, now) => {
      if (acts.length === 0) return { entries: 0, at: now, sequences: [] }
      const head = await log.head()
      let used = counter
      const encode = (act: Act): string => {
        used += 1
        const place: Place = { realm, node, boot, counter: used, time: now }
        return encodeEntry(act, place)
      }
      const sequences: number[] = []
      const bodies = withClock(acts, head, now).flatMap((act) => {
        const before = used
        sequences.push(head.sequence + 1 + used - counter)
        const body = encode(act)
        const parts = splitLong(act, body)
        if (parts === undefined) return [body]
        used = before
        return parts.map(encode)
      })
      const entries = bodies.map((body, index) => ({ sequence: head.sequence + 1 + index, body }))
      await log.append(entries, now)
      return { entries: entries.length, at: now, sequences: sequences.slice(0, acts.length) }
    },
    committed: ({ entries, at }) => {
      counter += entries
      if (entries > 0) last = at
    },
  }
}
