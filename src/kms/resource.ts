// A resource (the clients' "KRO"): a named set of bound keys and of the authorised (draft §4.4.3).

import type { OrganizationId, ResourceUri, UserId } from '../id.ts'
import { type Instant, isPast } from '../time.ts'

export interface Resource {
  readonly uri: ResourceUri
  readonly organizationId: OrganizationId
  readonly createdBy: UserId
  readonly createdAt: Instant
  /** Absent: lives until it is deleted. */
  readonly expiresAt?: Instant
  /** Since when somebody who can no longer read holds its newest key; absent once a new key is bound. */
  readonly staleSince?: Instant
  /** When an authorization was last added or removed after it was made. */
  readonly rosterChangedAt?: Instant
}

export const isExpired = (resource: Pick<Resource, 'expiresAt'>, now: Instant): boolean =>
  resource.expiresAt !== undefined && isPast(resource.expiresAt, now)
