// A fresh key and the request that an authority signs (PKCS #10, RFC 2986), for the realm's identity (RSA) and for its
// client certificate on the line (P-256). The private key never leaves but as bytes that the caller wraps or keeps.

// First: the next import does not load without it.
import 'reflect-metadata'

import {
  createPrivateKey,
  generateKeyPair,
  type KeyObject,
  webcrypto,
  X509Certificate,
} from 'node:crypto'
import { promisify } from 'node:util'
import {
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
} from '@peculiar/x509'
import { type Instant, instant } from '../time.ts'
import { asBuffer } from './encoding.ts'
import { SecretBytes } from './secret.ts'

/** `identity`: answers handshakes. `link`: says who dials the core. */
export type RequestKind = 'identity' | 'link'

export interface CertificateRequest {
  /** PKCS#8 PEM. The caller owns and wipes it. */
  readonly privateKeyPem: SecretBytes
  readonly requestPem: string
}

// Above 2^112 operations: NIST SP 800-57 and BSI TR-02102 ask for 3,000 bits and more.
const RSA_BITS = 3072

const generate = promisify(generateKeyPair)

const KINDS = {
  identity: {
    make: (): Promise<{ readonly privateKey: KeyObject }> =>
      generate('rsa', { modulusLength: RSA_BITS }),
    algorithm: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
    usages: KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment,
    purposes: [ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth],
  },
  link: {
    make: (): Promise<{ readonly privateKey: KeyObject }> =>
      generate('ec', { namedCurve: 'P-256' }),
    algorithm: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
    usages: KeyUsageFlags.digitalSignature,
    purposes: [ExtendedKeyUsage.clientAuth],
  },
} as const

const pairFor = async (
  kind: RequestKind,
  privateKey: KeyObject,
): Promise<webcrypto.CryptoKeyPair> => {
  const { algorithm } = KINDS[kind]
  const { subtle } = webcrypto
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' })
  const signing = await subtle.importKey('pkcs8', pkcs8, algorithm, true, ['sign'])
  const {
    d: _d,
    p: _p,
    q: _q,
    dp: _dp,
    dq: _dq,
    qi: _qi,
    ...open
  } = await subtle.exportKey('jwk', signing)
  const verifying = { ...open, key_ops: ['verify'] }
  const publicKey = await subtle.importKey('jwk', verifying, algorithm, true, ['verify'])
  pkcs8.fill(0)
  return { privateKey: signing, publicKey }
}

/** For a realm's domain: CN and the one DNS name are the domain. */
export const requestCertificate = async (
  kind: RequestKind,
  domain: string,
): Promise<CertificateRequest> => {
  const { make, algorithm, usages, purposes } = KINDS[kind]
  const { privateKey } = await make()
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: `CN=${domain}`,
    keys: await pairFor(kind, privateKey),
    signingAlgorithm: algorithm,
    extensions: [
      new SubjectAlternativeNameExtension([{ type: 'dns', value: domain }]),
      new KeyUsagesExtension(usages, true),
      new ExtendedKeyUsageExtension([...purposes]),
    ],
  })
  const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  return {
    privateKeyPem: SecretBytes.from(new TextEncoder().encode(pem)),
    requestPem: `${request.toString('pem')}\n`,
  }
}

export interface DescribedCertificate {
  readonly validFrom: Instant
  readonly validTo: Instant
  /** Its one DNS name, if it has exactly one name and that is one. */
  readonly dnsName: string | undefined
}

/** The first certificate of a PEM text; undefined if there is none. */
export const describeCertificate = (pem: string): DescribedCertificate | undefined => {
  try {
    const certificate = new X509Certificate(pem)
    const [, dnsName] = /^DNS:([^,]+)$/.exec(certificate.subjectAltName ?? '') ?? []
    return {
      validFrom: instant(certificate.validFromDate.getTime()),
      validTo: instant(certificate.validToDate.getTime()),
      dnsName: dnsName?.toLowerCase(),
    }
  } catch {
    return undefined
  }
}

/** Is the first certificate of the chain the one of this key (PEM)? False also where either is neither. */
export const isCertificateOf = (chainPem: string, privateKeyPem: SecretBytes): boolean => {
  try {
    const key = createPrivateKey({ key: asBuffer(privateKeyPem.expose()), format: 'pem' })
    return new X509Certificate(chainPem).checkPrivateKey(key)
  } catch {
    return false
  }
}
