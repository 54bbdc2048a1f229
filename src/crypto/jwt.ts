// Access tokens as signed JWTs (RFC 7519, RFC 9068): looked at without trust, then verified by a published key.
// Thin over jose. It refuses every algorithm outside the list below, `none` and HS* among them, and says
// nothing about the claims: who may do what with a genuine token is decided in `identity`.

import { hash } from 'node:crypto'
import { compactVerify, errors, type JWK } from 'jose'
import { Fault } from '../fault.ts'

export type JwtAlgorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA'

/** Why a token or key set was not taken; closed, never with the library's words. */
export type JwtFailureReason =
  | 'oversized'
  | 'malformed'
  | 'algorithm-not-allowed'
  | 'type-not-allowed'
  | 'bad-signature'

export interface JwtFailure {
  readonly failed: JwtFailureReason
}

/** What a token says of itself. Nothing here is verified: good for finding a key, for nothing else. */
export interface JwtPeek {
  readonly algorithm: JwtAlgorithm
  readonly kid?: string
  readonly unverifiedIssuer?: string
}

/** A published key that may verify signatures of exactly one key type. Holds no private member. */
export interface VerificationKey {
  readonly kid?: string
  readonly algorithms: readonly JwtAlgorithm[]
  readonly publicJwk: JWK
}

export type JwtClaims = Readonly<Record<string, unknown>>

/** Longest token looked at; real ones have 1-3 thousand characters. */
export const JWT_MAX_CHARS = 16 * 1024
/** Most keys taken from one set. */
const KEYS_MAX = 100
/** Shortest RSA modulus: 2048 bits are 342 or 343 characters of base64url (RFC 7518 §3.3). */
const RSA_MODULUS_MIN_CHARS = 342
/** RFC 9068 §4 asks for at+jwt; many providers still write JWT or nothing. Other kinds of JWT are refused. */
const TYPES: ReadonlySet<unknown> = new Set([undefined, 'jwt', 'at+jwt', 'application/at+jwt'])
const ALGORITHMS: ReadonlySet<unknown> = new Set(['RS256', 'PS256', 'ES256', 'EdDSA'])
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]*$/

export const isJwtFailure = (value: JwtPeek | JwtClaims | JwtFailure): value is JwtFailure =>
  'failed' in value && typeof value.failed === 'string'

/** True if the text has the shape of a signed JWT: three base64url parts of which the first is a JSON object. */
export const looksLikeJwt = (text: string): boolean =>
  text.length <= JWT_MAX_CHARS &&
  COMPACT.test(text) &&
  decodeObject(text.slice(0, text.indexOf('.'))) !== undefined

/**
 * The `iss` that a token claims, whatever its algorithm (the realm's own bearers are HS256). Unverified: good for
 * choosing who is to verify it, for nothing else.
 */
export const peekIssuer = (token: string): string | undefined => {
  if (token.length > JWT_MAX_CHARS || !COMPACT.test(token)) return undefined
  const issuer = decodeObject(token.split('.')[1] ?? '')?.['iss']
  return typeof issuer === 'string' ? issuer : undefined
}

/**
 * Header and issuer of a token, unverified. Fails `oversized`, `malformed` (RFC 7515 §7.1 form, JSON objects,
 * no `crit`: we understand no critical header), `algorithm-not-allowed`, `type-not-allowed`.
 */
export const peekJwt = (token: string): JwtPeek | JwtFailure => {
  if (token.length > JWT_MAX_CHARS) return { failed: 'oversized' }
  if (!COMPACT.test(token)) return { failed: 'malformed' }
  const [rawHeader = '', rawClaims = ''] = token.split('.')
  const header = decodeObject(rawHeader)
  const claims = decodeObject(rawClaims)
  if (header === undefined || claims === undefined) return { failed: 'malformed' }
  if ('crit' in header || 'b64' in header) return { failed: 'malformed' }
  const { alg, kid, typ } = header
  if (!isAllowed(alg)) return { failed: 'algorithm-not-allowed' }
  if (!TYPES.has(typeof typ === 'string' ? typ.toLowerCase() : typ)) {
    return { failed: 'type-not-allowed' }
  }
  if (kid !== undefined && typeof kid !== 'string') return { failed: 'malformed' }
  return {
    algorithm: alg,
    ...(kid === undefined ? {} : { kid }),
    ...(typeof claims['iss'] === 'string' ? { unverifiedIssuer: claims['iss'] } : {}),
  }
}

/**
 * The usable verification keys of a JWK Set (RFC 7517 §5): RSA from 2048 bits, P-256, Ed25519, not meant for
 * encryption. Others are left out, as the RFC asks; private members are dropped. Undefined if it is no set.
 */
export const parseJwks = (raw: unknown): readonly VerificationKey[] | undefined => {
  if (!isObject(raw) || !Array.isArray(raw['keys']) || raw['keys'].length > KEYS_MAX) {
    return undefined
  }
  return raw['keys'].flatMap((member: unknown) => toVerificationKey(member) ?? [])
}

/**
 * The claims, if `key` made the signature with an allowed algorithm. The token must have been peeked before.
 * Fails `bad-signature` for every cryptographic reason and `malformed` for claims that are no JSON object.
 */
export const verifyJwt = async (
  token: string,
  key: VerificationKey,
): Promise<JwtClaims | JwtFailure> => {
  try {
    const { payload } = await compactVerify(token, key.publicJwk, {
      algorithms: [...key.algorithms],
    })
    return parseObject(new TextDecoder('utf-8', { fatal: true }).decode(payload)) ?? MALFORMED
  } catch (error) {
    if (error instanceof errors.JOSEAlgNotAllowed) return { failed: 'algorithm-not-allowed' }
    // A key that is published but broken (a point off its curve) is a DOMException or a TypeError here.
    if (error instanceof Error) return { failed: 'bad-signature' }
    throw new Fault('crypto.jwt-verification', error)
  }
}

/** A name for a token under which things may be remembered without keeping the token: SHA-256, base64url. */
export const tokenFingerprintB64u = (token: string): string => hash('sha256', token, 'base64url')

const MALFORMED: JwtFailure = { failed: 'malformed' }

function toVerificationKey(raw: unknown): VerificationKey | undefined {
  if (!isObject(raw)) return undefined
  const { kid, use, alg, key_ops: operations } = raw
  if (use !== undefined && use !== 'sig') return undefined
  if (Array.isArray(operations) && !operations.includes('verify')) return undefined
  if (kid !== undefined && typeof kid !== 'string') return undefined
  const shape = publicShape(raw)
  if (shape === undefined) return undefined
  const algorithms = shape.algorithms.filter((one) => alg === undefined || alg === one)
  if (algorithms.length === 0) return undefined
  // Frozen, so that jose keeps the imported key beside it instead of importing at every token.
  const publicJwk = Object.freeze(shape.jwk)
  return { algorithms, publicJwk, ...(kid === undefined ? {} : { kid }) }
}

interface PublicShape {
  readonly algorithms: readonly JwtAlgorithm[]
  readonly jwk: JWK
}

function publicShape({ kty, crv, n, e, x, y }: Record<string, unknown>): PublicShape | undefined {
  if (kty === 'RSA' && typeof n === 'string' && typeof e === 'string') {
    if (n.length < RSA_MODULUS_MIN_CHARS) return undefined
    return { algorithms: ['RS256', 'PS256'], jwk: { kty, n, e } }
  }
  if (kty === 'EC' && crv === 'P-256' && typeof x === 'string' && typeof y === 'string') {
    return { algorithms: ['ES256'], jwk: { kty, crv, x, y } }
  }
  if (kty === 'OKP' && crv === 'Ed25519' && typeof x === 'string') {
    return { algorithms: ['EdDSA'], jwk: { kty, crv, x } }
  }
  return undefined
}

function isAllowed(alg: unknown): alg is JwtAlgorithm {
  return ALGORITHMS.has(alg)
}

function decodeObject(partB64u: string): Record<string, unknown> | undefined {
  return parseObject(Buffer.from(partB64u, 'base64url').toString('utf8'))
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const raw: unknown = JSON.parse(text)
    return isObject(raw) ? raw : undefined
  } catch {
    return undefined
  }
}

function isObject(raw: unknown): raw is Record<string, unknown> {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw)
}
