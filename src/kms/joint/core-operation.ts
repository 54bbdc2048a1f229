// What the realm remembers of an operation that the core runs together with it: how it ended, under the
// core's own id for it, so that both sides end the same way however often and late the core asks again.

import type { ResourceUri, SessionUri } from '../../id.ts'
import type { Instant } from '../../time.ts'

/** It came to a verdict, and to no other. */
export interface SettledOperation {
  readonly state: 'settled'
  readonly id: string
  readonly status: number
  readonly resourceUri?: ResourceUri
  /** Whose stored answer says the rest; absent where no session opened the message. */
  readonly sessionUri?: SessionUri
  readonly requestId?: string
  /** Present where another realm did its part here, for one of its users. */
  readonly forwarded?: Forwarded
  readonly answeredAt: Instant
}

/** What another realm had done under the id of the core's operation; granted things only. */
export interface Forwarded {
  readonly peer: string
  /** What was meant, in the form of `meaningOf`: the core's part must mean the same. */
  readonly meant: string
  /** What the peer was told, as `toStored` has it: told again it is told the same. */
  readonly answer: string
}

/** The core gave it up before it was applied; it never will be. */
export interface WithdrawnOperation {
  readonly state: 'withdrawn'
  readonly id: string
  readonly answeredAt: Instant
}

export type CoreOperation = SettledOperation | WithdrawnOperation
