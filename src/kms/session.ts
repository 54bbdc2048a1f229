// A session: an agreed channel between one device of one principal and the realm (draft §4.7.1).
// Durable and wrapped, because the SDK never renegotiates a lost one.

import type { AuthorizationUri, ClientId, OrganizationId, SessionUri, UserId } from '../id.ts'
import { after, type Duration, type Instant, isPast } from '../time.ts'
import type { Wrapped } from './key.ts'

export interface Session {
  readonly uri: SessionUri
  /** The person, or the anonymous authorization, whose bearer token made it. */
  readonly principalId: UserId | AuthorizationUri
  readonly organizationId: OrganizationId
  readonly clientId: ClientId
  readonly createdAt: Instant
  /** What the client was told. */
  readonly expiresAt: Instant
  readonly wrapped: Wrapped
}

/** Sessions are accepted a little longer than announced, for clock skew. */
export const isOver = (session: Session, grace: Duration, now: Instant): boolean =>
  isPast(after(session.expiresAt, grace), now)
