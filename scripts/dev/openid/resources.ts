// What a token can be for. One resource, one scope: a token that opens the KMS opens nothing else, and the other way
// round. A request that mixes them is refused, not trimmed.

export interface Resource {
  readonly scope: string
  readonly audience: string
  readonly format: 'jwt' | 'opaque'
}

export const KMS_RESOURCE = 'urn:keyrealm:kms'
/** The same audience and right as an opaque token, so that a realm's introspection (RFC 7662) can be tried. */
export const OPAQUE_KMS_RESOURCE = 'urn:keyrealm:kms-opaque'
export const CORE_RESOURCE = 'urn:keyrealm:core'

export const KMS_SCOPE = 'spark:kms'
export const CORE_SCOPE = 'spark:core'

export const CORE_CLIENT = 'core'
export const REALM_CLIENT = 'realm'
/** The public client of people's programs: code flow with PKCE, no secret. */
export const SIGN_IN_CLIENT = 'keyrealm-client'
/** Never requested over the network: a program reads the code from the redirect to it. */
export const SIGN_IN_REDIRECT = 'https://127.0.0.1/signed-in'

export const TOKEN_TTL_SECONDS = 8 * 3600

const RESOURCES: ReadonlyMap<string, Resource> = new Map<string, Resource>([
  [KMS_RESOURCE, { scope: KMS_SCOPE, audience: KMS_RESOURCE, format: 'jwt' }],
  [OPAQUE_KMS_RESOURCE, { scope: KMS_SCOPE, audience: KMS_RESOURCE, format: 'opaque' }],
  [CORE_RESOURCE, { scope: CORE_SCOPE, audience: CORE_RESOURCE, format: 'opaque' }],
])

export function findResource(identifier: string): Resource | undefined {
  return RESOURCES.get(identifier)
}

/** The confidential client that may introspect tokens of an audience. */
export function introspectorOf(audience: unknown): string | undefined {
  if (audience === KMS_RESOURCE) return REALM_CLIENT
  return audience === CORE_RESOURCE ? CORE_CLIENT : undefined
}
