// Somebody who left: when, where the log says so, and how far the consequences are.

import type { UserId } from '../../id.ts'
import type { Instant } from '../../time.ts'

export interface OffBoarding {
  readonly userId: UserId
  /** Of the audit entry after which no key is released to them. */
  readonly sequence: number
  readonly offBoardedAt: Instant
  /** Absent while authorizations are still being removed; they open nothing any more. */
  readonly finishedAt?: Instant
  /** When the core said that it has taken them out of its rooms. */
  readonly acknowledgedAt?: Instant
}
