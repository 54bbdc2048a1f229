// The published static key: an RSA JWK with exactly the members kty, kid, n, e and x5c. No `use`, no
// `alg`: observed of real clients, either one makes them fail, since one key both decrypts and signs.

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
