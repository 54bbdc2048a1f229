// A certificate chain against given roots (RFC 5280 §6, the part a realm's identity needs), by @peculiar/x509.
// It fails closed: no roots, an unknown critical extension, name constraints or a weak key are all a "no".
// Revocation is not checked: the draft has no place for it, and the core must not be asked.

// First: the next import does not load without it.
import 'reflect-metadata'

import {
  BasicConstraintsExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
} from '@peculiar/x509'
import { ClientError } from './errors.ts'

export type Certificate = X509Certificate

/** Which check did not hold; `about` of a ClientError `client.realm-not-trusted`. */
export type TrustProblem =
  | 'no-roots'
  | 'not-a-certificate'
  | 'chain-length'
  | 'chain-order'
  | 'signature'
  | 'unknown-root'
  | 'not-an-authority'
  | 'path-length'
  | 'validity'
  | 'critical-extension'
  | 'name-constraints'
  | 'weak-key'
  | 'weak-signature'
  | 'leaf-is-an-authority'
  | 'key-usage'
  | 'name'
  | 'static-key'
  | 'key-mismatch'

export const distrust = (about: TrustProblem): ClientError =>
  new ClientError('client.realm-not-trusted', about)

/** Leaf, intermediates, and possibly the root. */
const CHAIN_MAX = 6
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
const OID = {
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  extendedKeyUsage: '2.5.29.37',
}
const UNDERSTOOD = new Set([
  OID.keyUsage,
  OID.subjectAltName,
  OID.basicConstraints,
  OID.extendedKeyUsage,
])
const HASHES: ReadonlySet<unknown> = new Set(['SHA-256', 'SHA-384', 'SHA-512'])
const RSA_MIN_BITS = 2048

/** Trusted roots from PEM texts, each with one certificate or more. Throws `not-a-certificate`, `no-roots`. */
export const parseRoots = (pems: readonly string[]): readonly Certificate[] => {
  const blocks = pems.flatMap(
    (pem) => pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [],
  )
  if (blocks.length === 0) throw distrust('no-roots')
  return blocks.map((block) => parse(block))
}

/** The certificates of an `x5c` member (RFC 7517 §4.7: standard base64 of DER, leaf first). */
export const parseX5c = (raw: unknown): readonly Certificate[] => {
  if (!Array.isArray(raw) || raw.length === 0 || raw.length > CHAIN_MAX)
    throw distrust('chain-length')
  return raw.map((entry: unknown) => {
    if (typeof entry !== 'string' || !BASE64.test(entry)) throw distrust('not-a-certificate')
    return parse(entry)
  })
}

export interface ChainCheck {
  /** Leaf first, each signed by the next. */
  readonly chain: readonly Certificate[]
  readonly roots: readonly Certificate[]
  readonly now: number
}

/** Answers the leaf. Rejects `client.realm-not-trusted` with the first check that does not hold. */
export const checkChain = async ({ chain, roots, now }: ChainCheck): Promise<Certificate> => {
  const [leaf] = chain
  const top = chain.at(-1)
  if (roots.length === 0) throw distrust('no-roots')
  if (leaf === undefined || top === undefined) throw distrust('chain-length')
  const root = roots.find((one) => isSame(one, top))
  const path = root === undefined ? [...chain, await findIssuer(top, roots)] : chain
  // A leaf that is itself in the list of roots proves nothing about anybody.
  if (path.length < 2) throw distrust('leaf-is-an-authority')
  for (const certificate of path) checkOne(certificate, now)
  for (const [index, certificate] of path.slice(0, -1).entries()) {
    const issuer = path[index + 1]
    if (issuer === undefined || !isNamedBy(certificate, issuer)) throw distrust('chain-order')
    checkAuthority(issuer, index)
    if (!(await isSignedBy(certificate, issuer))) throw distrust('signature')
  }
  if (isAuthority(leaf)) throw distrust('leaf-is-an-authority')
  return leaf
}

/** DNS names of the certificate, as written. No wildcard is expanded and no common name is read. */
export const dnsNamesOf = (certificate: Certificate): readonly string[] => {
  const extension = certificate.getExtension(SubjectAlternativeNameExtension)
  const items = extension?.names.items ?? []
  return items.filter(({ type }) => type === 'dns').map(({ value }) => value)
}

/** True if the certificate says nothing about usage, or allows both signing and encryption of keys. */
export const maySignAndEncipher = (certificate: Certificate): boolean => {
  const usages = certificate.getExtension(KeyUsagesExtension)?.usages
  const both = KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment
  return usages === undefined || (usages & both) === both
}

function parse(text: string): Certificate {
  try {
    return new X509Certificate(text)
  } catch {
    throw distrust('not-a-certificate')
  }
}

function checkOne(certificate: Certificate, now: number): void {
  if (certificate.notBefore.getTime() > now || certificate.notAfter.getTime() < now) {
    throw distrust('validity')
  }
  if (certificate.extensions.some(isNotUnderstood)) throw distrust('critical-extension')
  if (certificate.getExtension(OID.nameConstraints) !== null) throw distrust('name-constraints')
  const { algorithm } = certificate.publicKey
  const isWeak = 'modulusLength' in algorithm && Number(algorithm.modulusLength) < RSA_MIN_BITS
  if (isWeak) throw distrust('weak-key')
  const { hash } = certificate.signatureAlgorithm
  // Ed25519 names no hash of its own.
  if (hash !== undefined && !HASHES.has(typeof hash === 'string' ? hash : hash.name)) {
    throw distrust('weak-signature')
  }
}

function isNotUnderstood({ critical, type }: Extension): boolean {
  return critical && !UNDERSTOOD.has(type) && type !== OID.nameConstraints
}

function isAuthority(certificate: Certificate): boolean {
  return certificate.getExtension(BasicConstraintsExtension)?.ca === true
}

/** `below`: how many intermediates stand between the authority and the leaf. */
function checkAuthority(certificate: Certificate, below: number): void {
  if (!isAuthority(certificate)) throw distrust('not-an-authority')
  const usages = certificate.getExtension(KeyUsagesExtension)?.usages
  if (usages !== undefined && (usages & KeyUsageFlags.keyCertSign) === 0) {
    throw distrust('not-an-authority')
  }
  const most = certificate.getExtension(BasicConstraintsExtension)?.pathLength
  if (most !== undefined && below > most) throw distrust('path-length')
}

async function findIssuer(top: Certificate, roots: readonly Certificate[]): Promise<Certificate> {
  for (const root of roots) {
    if (isNamedBy(top, root) && (await isSignedBy(top, root))) return root
  }
  throw distrust('unknown-root')
}

async function isSignedBy(certificate: Certificate, issuer: Certificate): Promise<boolean> {
  try {
    return await certificate.verify({ publicKey: issuer.publicKey, signatureOnly: true })
  } catch {
    return false
  }
}

function isNamedBy(certificate: Certificate, issuer: Certificate): boolean {
  return areEqual(certificate.issuerName.toArrayBuffer(), issuer.subjectName.toArrayBuffer())
}

function isSame(one: Certificate, other: Certificate): boolean {
  return areEqual(one.rawData, other.rawData)
}

function areEqual(one: ArrayBuffer, other: ArrayBuffer): boolean {
  const left = new Uint8Array(one)
  const right = new Uint8Array(other)
  return left.length === right.length && left.every((byte, index) => byte === right[index])
}
