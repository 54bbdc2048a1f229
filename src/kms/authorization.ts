// An authorization: who may read a resource's keys, past and future (draft §4.4.2).
// `authId` names a user, another resource ("whoever is authorised there"), or the authorization
// itself where it is anonymous and the holder proves it by a bearer token.

import type { AuthId, AuthorizationUri, ResourceUri, UserId } from '../id.ts'
import { type Instant, isPast } from '../time.ts'

export const ROLES = ['participant', 'moderator', 'agent'] as const
export type Role = (typeof ROLES)[number]

export interface Authorization {
  readonly uri: AuthorizationUri
  readonly resourceUri: ResourceUri
  readonly authId: AuthId
  readonly kind: 'user' | 'resource' | 'anonymous'
  readonly role: Role
  readonly createdBy: UserId
  readonly createdAt: Instant
  /** Absent: lives as long as its resource. */
  readonly expiresAt?: Instant
  /**
   * Of a resource that a member let in without the core: it counts only while that member is authorised on the same
   * resource by name. Whoever leaves must not stay by what they left behind.
   */
  readonly isBrought?: true
}

export const isLapsed = (authorization: Authorization, now: Instant): boolean =>
  authorization.expiresAt !== undefined && isPast(authorization.expiresAt, now)
