// What the realm remembers of an operation that the core runs together with it: how it ended, under the
// core's own id for it, so that both sides end the same way however often and late the core asks again.

import type { ResourceUri, SessionUri } from '../id.ts'
import type { Instant } from '../time.ts'

/** It came to a verdict, and to no other. */
export interface SettledOperation {
  readonly state: 'settled'
  readonly id: string
  readonly status: number
  readonly resourceUri?: ResourceUri
  /** Whose stored answer says the rest; absent where no session opened the message. */
  readonly sessionUri?: SessionUri
  readonly requestId?: string
  readonly answeredAt: Instant
}

/** The core gave it up before it was applied; it never will be. */
export interface WithdrawnOperation {
  readonly state: 'withdrawn'
  readonly id: string
  readonly answeredAt: Instant
}

export type CoreOperation = SettledOperation | WithdrawnOperation
