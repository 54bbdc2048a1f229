// Records acts in the transaction that does them: canonical, numbered, chained, committed together.
// A secret may leave the realm only after the transaction that holds its entry has committed.

import type { Instant } from '../time.ts'
import { chain } from './chain.ts'
import { encodeEntry } from './encode.ts'
import type { Act } from './entry.ts'
import type { AuditStore } from './ports.ts'

export interface Recorder {
  /** Appends one entry per act, in order, to the log of the transaction at hand. */
  record(log: AuditStore, acts: readonly Act[], now: Instant): Promise<void>
  /** MUST be called once that transaction has committed, and only then. */
  committed(acts: number): void
}

/**
 * `boot` names this start of the process. The counter of one boot has no holes in a complete log,
 * hence it advances only with a commit, and transactions that record MUST NOT overlap (kms/ledger).
 */
export const createRecorder = (realm: string, node: string, boot: string): Recorder => {
  let counter = 0
  return {
    record: async (log, acts, now) => {
      if (acts.length === 0) return
      const head = await log.head()
      const bodies = acts.map((act, index) =>
        encodeEntry(act, { realm, node, boot, counter: counter + index + 1, time: now }),
      )
      await log.append(chain(head, bodies))
    },
    committed: (acts) => {
      counter += acts
    },
  }
}
