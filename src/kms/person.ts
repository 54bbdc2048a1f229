// What the realm remembers of a person: which organisation, and under which name the audit log knows
// them. Forgetting the row makes every entry about the person anonymous, and breaks no proof.

import type { OrganizationId, UserId } from '../id.ts'
import type { Instant } from '../time.ts'

export interface Person {
  readonly userId: UserId
  /** Absent while the id was only named by others: no token and no directory has placed it yet. */
  readonly organizationId?: OrganizationId
  /** Random UUID; the actor of audit entries. */
  readonly pseudonym: string
  readonly firstSeenAt: Instant
  /** Since when every request of theirs is refused. */
  readonly offBoardedAt?: Instant
}
