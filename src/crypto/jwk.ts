// The published static key: an RSA JWK with exactly the members kty, kid, n, e and x5c. No `use`, no
// `alg`: observed of real clients, either one makes them fail, since one key both decrypts and signs.

import { X509Certificate } from 'node:crypto'
import { decodeB64u } from './encoding.ts'
import { RSA_MAX_BITS, RSA_MIN_BITS } from './rsa.ts'
import { type CertificateChain, publicRsaNumbers } from './x509.ts'

export interface StaticJwk {
  readonly kty: 'RSA'
  readonly kid: string
  readonly n: string
  readonly e: string
  /** Standard base64 of DER, leaf first. */
  readonly x5c: readonly string[]
}

/** The JWK of a checked chain; its members print in this order. */
export const staticJwkOf = (chain: CertificateChain, kid: string): StaticJwk => {
  const { n, e } = publicRsaNumbers(chain)
  return { kty: 'RSA', kid, n, e, x5c: chain.toX5c() }
}

const MEMBERS = ['e', 'kid', 'kty', 'n', 'x5c'].join()
const MAX_CERTIFICATES = 8
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

const isMinimalNumber = (raw: unknown): raw is string => {
  const bytes = typeof raw === 'string' ? decodeB64u(raw) : undefined
  return bytes !== undefined && bytes.length > 0 && bytes[0] !== 0
}

const isX5c = (raw: unknown): raw is string[] =>
  Array.isArray(raw) &&
  raw.length > 0 &&
  raw.length <= MAX_CERTIFICATES &&
  raw.every((entry) => typeof entry === 'string' && BASE64.test(entry))

/** Does the first certificate carry this very key, within the sizes we use? */
const leafHasKey = (jwk: StaticJwk): boolean => {
  try {
    const { publicKey } = new X509Certificate(Buffer.from(jwk.x5c[0] ?? '', 'base64'))
    const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? 0
    const { n, e } = publicKey.export({ format: 'jwk' })
    return n === jwk.n && e === jwk.e && bits >= RSA_MIN_BITS && bits <= RSA_MAX_BITS
  } catch {
    return false
  }
}

/** Exactly the members above, with a leaf that carries the same key; its names and chain are unchecked. */
export const parseStaticJwk = (raw: unknown): StaticJwk | undefined => {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return undefined
  const jwk: Readonly<Record<string, unknown>> = { ...raw }
  if (Object.keys(jwk).sort().join() !== MEMBERS || jwk['kty'] !== 'RSA') return undefined
  const kid = jwk['kid']
  const n = jwk['n']
  const e = jwk['e']
  const x5c = jwk['x5c']
  if (typeof kid !== 'string' || !isMinimalNumber(n) || !isMinimalNumber(e)) return undefined
  if (!isX5c(x5c)) return undefined
  const parsed: StaticJwk = { kty: 'RSA', kid, n, e, x5c }
  return leafHasKey(parsed) ? parsed : undefined
}
