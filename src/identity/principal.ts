// Who asks: what we know of them, and that a credential proved it. A `Person` is only ever made from the
// claims of a verified token, never from what a request says of itself (draft §4.2).
// Seam: Officer (console) joins this union with its issue.

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

/** Another realm, proved by its certificate, asking on behalf of one of its users. Whether that user is its own is not proved by it. */
export interface Peer {
  readonly kind: 'peer'
  readonly domain: string
  readonly userId: UserId
  readonly organizationId?: undefined
  readonly connection: PeerConnection
  /** A resource of the peer's own on which, it says, the user is authorised. */
  readonly vouchedFor?: ResourceUri
}

/** Over what a peer spoke; for the audit entries of both sides. */
export interface PeerConnection {
  /** The key exchange that TLS negotiated, as its registered name (`X25519MLKEM768`). */
  readonly tlsGroup: string
  readonly carrier: 'relayed' | 'direct'
  /** SHA-256 of the peer's certificate, in hex. */
  readonly certificateSha256: string
}

export type Principal = Person | Service | Anonymous | Peer
