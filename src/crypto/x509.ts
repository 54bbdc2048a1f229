// The certificate chain of a realm's identity (draft §4.3, §5): read it, check it against the one
// profile that every real client accepts, publish it as a JWK. What does not fit stops the start.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { Instant } from '../time.ts'
import { asBuffer } from './encoding.ts'
import { RSA_MAX_BITS, RSA_MIN_BITS } from './rsa.ts'
import { SecretBytes } from './secret.ts'

export type CertificateProblemCode =
  | 'not-pem'
  | 'not-a-certificate'
  | 'too-many-certificates'
  | 'not-an-rsa-key'
  | 'key-size'
  | 'chain-not-in-order'
  | 'issuer-is-no-authority'
  | 'not-yet-valid'
  | 'expired'
  | 'leaf-is-an-authority'
  | 'name-mismatch'
  | 'other-private-key'

/** An expected "no" about a file an operator gave; `at` is the position in the chain, leaf = 0. */
export interface CertificateProblem {
  readonly problem: CertificateProblemCode
  readonly at?: number
}

export const isCertificateProblem = (value: unknown): value is CertificateProblem =>
  typeof value === 'object' && value !== null && 'problem' in value

/** Certificates as they stood in the file; nothing about them is checked. */
export class CertificateChain {
  readonly #certificates: readonly [X509Certificate, ...X509Certificate[]]

  constructor(certificates: readonly [X509Certificate, ...X509Certificate[]]) {
    this.#certificates = certificates
  }

  static certificatesOf(chain: CertificateChain) {
    return chain.#certificates
  }

  /** DER, standard base64, leaf first: what `x5c` holds (RFC 7517 §4.7). */
  toX5c(): readonly string[] {
    return this.#certificates.map((certificate) => certificate.raw.toString('base64'))
  }
}

const MAX_CERTIFICATES = 8
const MAX_CHARS = 128 * 1024
const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[A-Za-z0-9+/=\s]+?-----END \1-----/g

/** The blocks of a PEM file, or undefined if anything else stands between them. */
const pemBlocks = (pem: string): readonly string[] | undefined => {
  if (pem.length > MAX_CHARS || pem.replaceAll(BLOCK, '').trim() !== '') return undefined
  return pem.match(BLOCK) ?? undefined
}

/** Certificates only: a private key in the same file is refused with `not-a-certificate`. */
export const readCertificateChain = (pem: string): CertificateChain | CertificateProblem => {
  const blocks = pemBlocks(pem)
  if (blocks === undefined) return { problem: 'not-pem' }
  if (blocks.length > MAX_CERTIFICATES) return { problem: 'too-many-certificates' }
  const certificates: X509Certificate[] = []
  for (const [at, block] of blocks.entries()) {
    if (!block.startsWith('-----BEGIN CERTIFICATE-----'))
      return { problem: 'not-a-certificate', at }
    try {
      certificates.push(new X509Certificate(block))
    } catch {
      return { problem: 'not-a-certificate', at }
    }
  }
  const [leaf, ...others] = certificates
  return leaf === undefined ? { problem: 'not-pem' } : new CertificateChain([leaf, ...others])
}

/** An unencrypted RSA private key in PEM (PKCS#1 or PKCS#8), as PKCS#8 DER ready to be wrapped. */
export const readRsaPrivateKey = (pem: SecretBytes): SecretBytes | CertificateProblem => {
  try {
    const key = createPrivateKey({ key: asBuffer(pem.expose()), format: 'pem' })
    if (key.asymmetricKeyType !== 'rsa') return { problem: 'not-an-rsa-key' }
    return SecretBytes.from(key.export({ type: 'pkcs8', format: 'der' }))
  } catch {
    return { problem: 'not-an-rsa-key' }
  }
}

export interface IdentityProfile {
  readonly chain: CertificateChain
  /** PKCS#8 DER. */
  readonly privateKey: SecretBytes
  /** The realm's host, lower case. */
  readonly domain: string
  readonly now: Instant
}

const privateKeyProblem = (profile: IdentityProfile, leaf: X509Certificate) => {
  let key: KeyObject
  try {
    const der = asBuffer(profile.privateKey.expose())
    key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  } catch {
    return { problem: 'not-an-rsa-key' } as const
  }
  return leaf.checkPrivateKey(key) ? undefined : ({ problem: 'other-private-key', at: 0 } as const)
}

const leafProblem = (leaf: X509Certificate, domain: string): CertificateProblem | undefined => {
  if (leaf.publicKey.asymmetricKeyType !== 'rsa') return { problem: 'not-an-rsa-key', at: 0 }
  const bits = leaf.publicKey.asymmetricKeyDetails?.modulusLength ?? 0
  if (bits < RSA_MIN_BITS || bits > RSA_MAX_BITS) return { problem: 'key-size', at: 0 }
  if (leaf.ca) return { problem: 'leaf-is-an-authority', at: 0 }
  // Node prints every alternative name into one string. Equality with the print of exactly one DNS name
  // leaves nothing to parse: a second name, another type, a wildcard or a quoted trick is not equal.
  const names = leaf.subjectAltName?.toLowerCase()
  return names === `dns:${domain}` ? undefined : { problem: 'name-mismatch', at: 0 }
}

const timeProblem = (certificate: X509Certificate, now: Instant, at: number) => {
  if (now < certificate.validFromDate.getTime()) return { problem: 'not-yet-valid', at } as const
  return now > certificate.validToDate.getTime() ? ({ problem: 'expired', at } as const) : undefined
}

/** Is `certificate` (at position `at - 1`) issued by `issuer`? */
const issuerProblem = (certificate: X509Certificate, issuer: X509Certificate, at: number) => {
  if (!issuer.ca) return { problem: 'issuer-is-no-authority', at } as const
  const issued = certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
  return issued ? undefined : ({ problem: 'chain-not-in-order', at } as const)
}

/**
 * The first thing that would make a real client reject this identity, or undefined: RSA of 2048 to 4096
 * bits, leaf first, each signed by the next, all valid now, exactly one DNS name, no authority, and the
 * private key belongs to it. Whether clients trust the last issuer is theirs to say.
 */
export const checkIdentityProfile = (profile: IdentityProfile): CertificateProblem | undefined => {
  const certificates = CertificateChain.certificatesOf(profile.chain)
  const [leaf, ...issuers] = certificates
  const aboutLeaf = leafProblem(leaf, profile.domain) ?? privateKeyProblem(profile, leaf)
  if (aboutLeaf !== undefined) return aboutLeaf
  let below = leaf
  for (const [index, issuer] of issuers.entries()) {
    const problem = issuerProblem(below, issuer, index + 1)
    if (problem !== undefined) return problem
    below = issuer
  }
  for (const [at, certificate] of certificates.entries()) {
    const problem = timeProblem(certificate, profile.now, at)
    if (problem !== undefined) return problem
  }
  return undefined
}

export interface PublicRsaNumbers {
  /** Base64url, no leading zero byte. */
  readonly n: string
  readonly e: string
}

/** Modulus and exponent of the leaf. Call after `checkIdentityProfile`. */
export const publicRsaNumbers = (chain: CertificateChain): PublicRsaNumbers => {
  const [leaf] = CertificateChain.certificatesOf(chain)
  const { n = '', e = '' } = leaf.publicKey.export({ format: 'jwk' })
  return { n, e }
}
