// Certificate revocation lists (RFC 5280 §5): read once from the operator's files, then asked about serial numbers.
// It refuses what it could only half understand: delta and indirect lists, unknown critical extensions, weak hashes.

// First: the next import does not load without it.
import 'reflect-metadata'

import { type KeyObject, verify } from 'node:crypto'
import { X509Crl } from '@peculiar/x509'
import { type Instant, instant } from '../time.ts'

/** One list as it stood in a file; nobody has vouched for it yet (`isSignedBy`). */
export interface RevocationList {
  /** The authority it speaks for, as `@peculiar/x509` prints names. */
  readonly issuer: string
  readonly thisUpdate: Instant
  readonly nextUpdate: Instant
  /** Lower-case hex without leading zeros. */
  readonly serials: ReadonlySet<string>
  isSignedBy(key: KeyObject): boolean
}

const CRL_NUMBER = '2.5.29.20'
const AUTHORITY_KEY_IDENTIFIER = '2.5.29.35'
const UNDERSTOOD = new Set([CRL_NUMBER, AUTHORITY_KEY_IDENTIFIER])
const HASHES = new Map([
  ['SHA-256', 'sha256'],
  ['SHA-384', 'sha384'],
  ['SHA-512', 'sha512'],
])
const HASHLESS = 'Ed25519'

interface Criticality {
  readonly type: string
  readonly critical: boolean
}

const areUnderstood = (extensions: readonly Criticality[]): boolean =>
  extensions.every(({ type, critical }) => !critical || UNDERSTOOD.has(type))

export const plainSerial = (hex: string): string => hex.toLowerCase().replace(/^0+(?=.)/, '')

/** PEM (`X509 CRL`) or DER to a list; undefined for anything that cannot be relied upon in full. */
export const readRevocationList = (file: Uint8Array): RevocationList | undefined => {
  try {
    return listOf(derOf(file))
  } catch {
    return undefined
  }
}

const PEM = /^\s*-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----\s*$/

const derOf = (file: Uint8Array): Uint8Array => {
  const body = PEM.exec(Buffer.from(file).toString('latin1'))?.[1]
  return body === undefined ? file : Buffer.from(body, 'base64')
}

const listOf = (der: Uint8Array): RevocationList | undefined => {
  const crl = new X509Crl(new Uint8Array(der))
  const { nextUpdate, signatureAlgorithm, entries } = crl
  const hash = hashOf(signatureAlgorithm)
  const isWhole =
    areUnderstood(crl.extensions) && entries.every((one) => areUnderstood(one.extensions))
  // RFC 5280 §5.1.2.5 demands a next update; without one a list would never go stale.
  if (nextUpdate === undefined || hash === undefined || !isWhole) return undefined
  const signed = firstElementOf(der)
  const signature = new Uint8Array(crl.signature)
  return {
    issuer: crl.issuer,
    thisUpdate: instant(crl.thisUpdate.getTime()),
    nextUpdate: instant(nextUpdate.getTime()),
    serials: new Set(entries.map(({ serialNumber }) => plainSerial(serialNumber))),
    isSignedBy: (key) => verify(hash === HASHLESS ? null : hash, signed, key, signature),
  }
}

const hashOf = (algorithm: { name?: string; hash?: unknown }): string | undefined => {
  if (algorithm.name === HASHLESS) return HASHLESS
  const { hash } = algorithm
  if (algorithm.name !== 'ECDSA' && algorithm.name !== 'RSASSA-PKCS1-v1_5') return undefined
  if (typeof hash !== 'object' || hash === null || !('name' in hash)) return undefined
  return typeof hash.name === 'string' ? HASHES.get(hash.name) : undefined
}

const LONG_FORM = 0x80

/** The DER bytes of what a SEQUENCE begins with: of a list, the part that is signed (RFC 5280 §5.1). */
const firstElementOf = (der: Uint8Array): Uint8Array => {
  const start = headEnd(der, 0).from
  return der.subarray(start, headEnd(der, start).to)
}

const headEnd = (der: Uint8Array, at: number): { readonly from: number; readonly to: number } => {
  const first = der[at + 1] ?? 0
  if (first < LONG_FORM) return { from: at + 2, to: at + 2 + first }
  const bytes = first - LONG_FORM
  const length = der.subarray(at + 2, at + 2 + bytes).reduce((sum, byte) => sum * 256 + byte, 0)
  return { from: at + 2 + bytes, to: at + 2 + bytes + length }
}
