// Who asks: what we know of them, and that a credential proved it. A `Person` is only ever made from the
// claims of a verified token, never from what a request says of itself (draft §4.2).
// Seams: Peer (mutual TLS) and Officer (console) join this union with their issues.

import type { AuthorizationUri, OrganizationId, ResourceUri, UserId } from '../id.ts'
import type { Instant } from '../time.ts'

/** Somebody whom an identity provider vouches for. */
export interface Person {
  readonly kind: 'person'
  readonly userId: UserId
  /** One of the organisations that the issuer is configured to speak for. */
  readonly organizationId: OrganizationId
  readonly roles: ReadonlySet<string>
  readonly tokenExpiresAt: Instant
  readonly issuer: string
}

/** The bearer of a token that this realm made for one authorization of one resource (draft §4.7.8). */
export interface Anonymous {
  readonly kind: 'anonymous'
  readonly authorizationUri: AuthorizationUri
  readonly resourceUri: ResourceUri
  readonly organizationId?: OrganizationId
  readonly tokenExpiresAt: Instant
}

/** A program with a token of its own, registered by an administrator: it may what it was granted, and nothing else. */
export interface Service {
  readonly kind: 'service'
  readonly userId: UserId
  readonly organizationId: OrganizationId
  readonly tokenExpiresAt: Instant
  readonly issuer: string
  /** Names of what it was granted anywhere. */
  readonly features: ReadonlySet<string>
}

export type Principal = Person | Service | Anonymous
