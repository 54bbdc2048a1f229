// What an operator says about an identity provider that this realm believes.

import type { OrganizationId } from '../id.ts'
import type { Duration } from '../time.ts'

export interface TrustedIssuer {
  /** Compared exactly with `iss` and with the provider's own description of itself. */
  readonly issuer: string
  /** Must be among the token's audiences. */
  readonly audience: string
  /** Name of the claim that holds the organisation's UUID. */
  readonly organizationClaim: string
  /** Name of the claim that lists roles: an array of strings, or words separated by spaces. */
  readonly rolesClaim: string
  /** For whom this issuer may speak; a token of any other organisation is refused. */
  readonly organizationIds: ReadonlySet<OrganizationId>
  /** Set if tokens that are no JWTs are to be introspected there (RFC 7662). At most one issuer may. */
  readonly introspects: boolean
  /** How far its clock may be off, in either direction. */
  readonly clockSkew: Duration
}
