// The answer already given to a request, kept until its session ends, so that a replay or a repeat
// changes nothing. It names keys by URI and holds none.

import type { SessionUri } from '../../id.ts'
import type { Instant } from '../../time.ts'

export interface StoredAnswerId {
  readonly sessionUri: SessionUri
  readonly requestId: string
}

export interface StoredAnswer extends StoredAnswerId {
  /** `METHOD uri`, and for whom if not for oneself: the same requestId on another request is a mistake or an attack, not a repeat. */
  readonly operation: string
  /** Of everything else that the request asks (SHA-256, base64url); empty if nothing; unknown of an earlier version's. */
  readonly digest?: string
  /** JSON of the answer without key material. */
  readonly body: string
  readonly answeredAt: Instant
}
