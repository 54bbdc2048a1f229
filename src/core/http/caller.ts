// Who calls over HTTP: the claims of an introspection answer (RFC 7662 §2.2) become a Caller, or a
// Problem. Whatever is absent, unknown or of another form is a "no".

import { type OrganizationId, parseOrganizationId, parseUserId, type UserId } from '../../id.ts'
import { type Instant, instant } from '../../time.ts'
import { type Problem, problem } from './problem.ts'

export interface Caller {
  readonly userId: UserId
  readonly organizationId: OrganizationId
  readonly email?: string
  readonly roles: readonly string[]
  readonly expiresAt: Instant
}

export interface Expected {
  readonly issuer: string
  readonly audience: string
  readonly requiredScope: string
}

/** The scope of tokens that open keys. They are for the realm alone and must not work here. */
export const KMS_SCOPE = 'spark:kms'

type RawClaims = Readonly<Record<string, unknown>>

const isObject = (raw: unknown): raw is RawClaims =>
  typeof raw === 'object' && raw !== null && !Array.isArray(raw)

export const toCaller = (raw: unknown, expected: Expected, now: Instant): Caller | Problem => {
  if (!isObject(raw) || raw['active'] !== true) return problem('core.token-inactive')
  const scopes = scopesOf(raw)
  // Before anything else: even a token that is wrong in other ways must not teach anyone to send it.
  if (scopes.includes(KMS_SCOPE)) return problem('core.kms-token-refused')
  const refused = refusedFor(raw, expected)
  if (refused !== undefined) return problem(refused)
  if (!scopes.includes(expected.requiredScope)) return problem('core.scope-missing')
  const expiresAt = toInstant(raw['exp'])
  if (expiresAt === undefined || expiresAt <= now) return problem('core.token-expired')
  const notBefore = raw['nbf'] === undefined ? now : toInstant(raw['nbf'])
  if (notBefore === undefined || notBefore > now) return problem('core.token-inactive')
  return toPerson(raw, expiresAt)
}

/** Refresh tokens introspect as active too, and bound tokens (RFC 7800) need a proof not asked for here. */
const refusedFor = (raw: RawClaims, expected: Expected) => {
  const { token_type: type = 'Bearer', iss = expected.issuer, aud, cnf } = raw
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') return 'core.token-inactive'
  if (cnf !== undefined) return 'core.token-inactive'
  if (iss !== expected.issuer) return 'core.wrong-issuer'
  const audiences: unknown[] = Array.isArray(aud) ? aud : [aud]
  return audiences.includes(expected.audience) ? undefined : 'core.wrong-audience'
}

const scopesOf = (raw: RawClaims): readonly string[] =>
  typeof raw['scope'] === 'string' ? raw['scope'].split(' ') : []

const toInstant = (raw: unknown): Instant | undefined =>
  typeof raw === 'number' && Number.isFinite(raw) ? instant(raw * 1000) : undefined

const toPerson = (raw: RawClaims, expiresAt: Instant): Caller | Problem => {
  const userId = parseUserId(raw['sub'])
  if (userId === undefined) return problem('core.invalid-subject')
  const organizationId = parseOrganizationId(raw['organization_id'])
  if (organizationId === undefined) return problem('core.organization-not-served')
  const { email, roles } = raw
  return {
    userId,
    organizationId,
    ...(typeof email === 'string' && email.length <= 254 ? { email } : {}),
    roles: Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : [],
    expiresAt,
  }
}

const TOKEN = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i
const TOKEN_MAX_CHARS = 8 * 1024

/** The token of an `Authorization` header or frame (RFC 6750 §2.1). */
export const parseBearer = (raw: unknown): string | undefined =>
  typeof raw === 'string' && raw.length <= TOKEN_MAX_CHARS ? TOKEN.exec(raw)?.[1] : undefined

/**
 * Does this token say of itself that it opens keys? Read without verification, and only to refuse:
 * such a token is not passed on to anyone, not even to the identity provider.
 */
export const claimsKmsScope = (token: string): boolean => {
  const [, payload = ''] = token.split('.')
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    return isObject(claims) && scopesOf(claims).includes(KMS_SCOPE)
  } catch {
    return false
  }
}
