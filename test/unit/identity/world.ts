// An identity provider in memory, real keys and a clock that stands still: enough to authenticate against.

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { parseOrganizationId } from '../../../src/id.ts'
import {
  type AuthenticatorSettings,
  createAuthenticator,
  type IdentityProvider,
  type Introspection,
  parseJwks,
  type TrustedIssuer,
} from '../../../src/identity/index.ts'
import { type Refusal, refuse } from '../../../src/refusal.ts'
import { after, type Duration, type Instant, instant, seconds } from '../../../src/time.ts'

export const ISSUER = 'https://idp.acme.example'
export const AUDIENCE = 'urn:keyrealm:kms'
export const ALICE = '0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114'
export const ACME = '5f1d7c52-4d0e-4a57-9c8b-0a6e3b1f2ac1'
export const GLOBEX = 'c3a9e1d4-7b26-4f68-8e15-92d4b7c05e6f'
export const START = instant(Date.UTC(2026, 2, 1, 10))
export const START_SECONDS = START / 1000

export const organization = (id: string) => {
  const parsed = parseOrganizationId(id)
  if (parsed === undefined) throw new Error(`${id} is no organisation id`)
  return parsed
}

export const anIssuer = (changes: Partial<TrustedIssuer> = {}): TrustedIssuer => ({
  issuer: ISSUER,
  audience: AUDIENCE,
  organizationClaim: 'organization_id',
  rolesClaim: 'roles',
  organizationIds: new Set([organization(ACME)]),
  introspects: false,
  clockSkew: seconds(30),
  ...changes,
})

export const someClaims = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  iss: ISSUER,
  aud: AUDIENCE,
  sub: ALICE,
  scope: 'spark:kms',
  organization_id: ACME,
  roles: ['spark.kms_orgagent'],
  iat: START_SECONDS,
  exp: START_SECONDS + 3600,
  ...changes,
})

export const b64uJson = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString('base64url')

export interface Signer {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicJwk: Record<string, unknown>
}

export const aSigner = (kid: string, kind: 'rsa' | 'ec' | 'ed25519' = 'rsa'): Signer => {
  const { publicKey, privateKey } =
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : kind === 'ec'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('ed25519')
  return { kid, privateKey, publicJwk: { ...publicKey.export({ format: 'jwk' }), kid } }
}

/** Signed by node:crypto, so that the verifying library is not also the signing one. */
export const signJwt = (
  { kid, privateKey }: Signer,
  claims: unknown,
  header: Record<string, unknown> = {},
): string => {
  const full = { alg: 'RS256', kid, ...header }
  const input = `${b64uJson(full)}.${b64uJson(claims)}`
  const key =
    full.alg === 'PS256'
      ? { key: privateKey, padding: 6, saltLength: 32 }
      : full.alg === 'ES256'
        ? ({ key: privateKey, dsaEncoding: 'ieee-p1363' } as const)
        : privateKey
  const signature = sign(full.alg === 'EdDSA' ? null : 'sha256', Buffer.from(input), key)
  return `${input}.${signature.toString('base64url')}`
}

export interface FakeProvider extends IdentityProvider {
  readonly jwks: { keys: Record<string, unknown>[] }
  readonly opaque: Map<string, Introspection>
  isDown: boolean
  asked: number
}

export const aProvider = (): FakeProvider => ({
  jwks: { keys: [] },
  opaque: new Map(),
  isDown: false,
  asked: 0,
  async keysFor({ kid }) {
    this.asked += 1
    if (this.isDown) return refuse('identity.provider-unavailable')
    const keys = parseJwks(this.jwks) ?? []
    return keys.filter((key) => kid === undefined || key.kid === kid)
  },
  async introspect({ token }) {
    this.asked += 1
    if (this.isDown) return refuse('identity.provider-unavailable')
    return this.opaque.get(token) ?? { active: false }
  },
})

export const aWorld = (changes: Partial<AuthenticatorSettings> = {}) => {
  let now: Instant = START
  const provider = aProvider()
  const signer = aSigner('k1')
  provider.jwks.keys.push(signer.publicJwk)
  const authenticator = createAuthenticator({
    issuers: [anIssuer()],
    provider,
    now: () => now,
    ...changes,
  })
  return {
    provider,
    signer,
    authenticator,
    now: () => now,
    advance(duration: Duration) {
      now = after(now, duration)
    },
  }
}

export const codeOf = (answer: unknown): string | undefined =>
  typeof answer === 'object' && answer !== null && 'refused' in answer
    ? (answer as Refusal).refused
    : undefined
