// Claims of a genuine access token -> Person, or the reason why not. Pure; the signature (or the provider's
// word) was checked before. The draft (§4.2) wants a token that is good for the KMS and for nothing else,
// hence the scope is compared as a set: more is as wrong as less.

import type { JwtClaims } from '../crypto/index.ts'
import { type OrganizationId, parseOrganizationId, parseUserId } from '../id.ts'
import { isRefusal, type Refusal, refuse } from '../refusal.ts'
import { after, before, type Instant, instant, isPast } from '../time.ts'
import type { TrustedIssuer } from './issuer.ts'
import type { Person } from './principal.ts'

/** The one scope a token must have. */
export const KMS_SCOPE = 'spark:kms'

export interface ClaimsAt {
  readonly claims: JwtClaims
  readonly issuer: TrustedIssuer
  readonly now: Instant
}

/**
 * The person whom the claims describe. Refuses `identity.wrong-issuer`, `-wrong-audience`, `-token-expired`
 * (also: not yet valid, `about: nbf`), `-wrong-scope`, `-invalid-subject`, `-organization-not-served` and
 * `-token-malformed` for members of the wrong kind, a missing `exp` among them.
 */
export const personFromClaims = (at: ClaimsAt): Person | Refusal => {
  const { claims, issuer } = at
  if (claims['iss'] !== issuer.issuer) return refuse('identity.wrong-issuer', 'iss')
  if (!names(claims['aud'], issuer.audience)) return refuse('identity.wrong-audience', 'aud')
  const tokenExpiresAt = expiry(at)
  if (isRefusal(tokenExpiresAt)) return tokenExpiresAt
  if (!isKmsScope(claims)) return refuse('identity.wrong-scope', 'scope')
  const userId = parseUserId(claims['sub'])
  if (userId === undefined) return refuse('identity.invalid-subject', 'sub')
  const organizationId = servedOrganization(at)
  if (organizationId === undefined) {
    return refuse('identity.organization-not-served', issuer.organizationClaim)
  }
  const roles = words(claims[issuer.rolesClaim] ?? [])
  if (roles === undefined) return refuse('identity.token-malformed', issuer.rolesClaim)
  return {
    kind: 'person',
    userId,
    organizationId,
    roles: new Set(roles),
    tokenExpiresAt,
    issuer: issuer.issuer,
  }
}

function names(aud: unknown, audience: string): boolean {
  return Array.isArray(aud) ? aud.includes(audience) : aud === audience
}

function expiry({ claims, issuer, now }: ClaimsAt): Instant | Refusal {
  const { exp, nbf } = claims
  if (!isNumericDate(exp)) return refuse('identity.token-malformed', 'exp')
  if (nbf !== undefined && !isNumericDate(nbf)) return refuse('identity.token-malformed', 'nbf')
  const expiresAt = instant(exp * 1000)
  if (isPast(after(expiresAt, issuer.clockSkew), now))
    return refuse('identity.token-expired', 'exp')
  if (nbf !== undefined && before(instant(nbf * 1000), issuer.clockSkew) > now) {
    return refuse('identity.token-expired', 'nbf')
  }
  return expiresAt
}

/** Seconds since the epoch (RFC 7519 §2), and no further than a date can be written. */
function isNumericDate(raw: unknown): raw is number {
  return typeof raw === 'number' && Number.isFinite(raw) && Math.abs(raw) <= 8.64e12
}

/** `scope` (RFC 8693 §4.2, one string) and `scp` (array or string, as some providers write) together. */
function isKmsScope(claims: JwtClaims): boolean {
  const scope = words(claims['scope'] ?? [])
  const scp = words(claims['scp'] ?? [])
  if (scope === undefined || scp === undefined) return false
  const all = new Set([...scope, ...scp])
  return all.size === 1 && all.has(KMS_SCOPE)
}

function servedOrganization({ claims, issuer }: ClaimsAt): OrganizationId | undefined {
  const id = parseOrganizationId(claims[issuer.organizationClaim])
  return id !== undefined && issuer.organizationIds.has(id) ? id : undefined
}

function words(raw: unknown): readonly string[] | undefined {
  if (typeof raw === 'string') return raw.split(' ').filter((word) => word !== '')
  return Array.isArray(raw) && raw.every((word) => typeof word === 'string') ? raw : undefined
}
