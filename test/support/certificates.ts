// Certificates for tests, made when a test asks: an authority, servers and clients below it, in memory. Keys are
// RSA and shared between leaves of one authority, so that a set costs two key generations.

import { generateKeyPairSync } from 'node:crypto'
import forge from 'node-forge'

export interface TestCredential {
  /** PEM: the leaf. */
  readonly cert: string
  readonly key: string
}

export interface TestAuthority {
  /** PEM of the root. */
  readonly ca: string
  /** For a TLS server on loopback; more or other names if given. */
  server(names?: readonly string[]): TestCredential
  /** For a TLS client that is called `domain`. */
  client(domain: string): TestCredential
}

const DAY_MS = 86_400_000

/** A fresh authority. Nothing made by one is trusted by another. */
export const makeTestCertificates = (): TestAuthority => {
  const root = makeKeys()
  const leaf = makeKeys()
  const subject = [{ name: 'commonName', value: `Test authority ${crypto.randomUUID()}` }]
  const ca = certify({ subject, issuer: subject, keys: root, signer: root, extensions: CA })
  const issue = (name: string, extensions: object[]): TestCredential => {
    const named = [{ name: 'commonName', value: name }]
    const cert = certify({ subject: named, issuer: subject, keys: leaf, signer: root, extensions })
    return { cert, key: leaf.pem }
  }
  return {
    ca,
    server: (names = ['localhost']) =>
      issue(names[0] ?? '', [...LEAF, { name: 'extKeyUsage', serverAuth: true }, altNames(names)]),
    client: (domain) =>
      issue(domain, [...LEAF, { name: 'extKeyUsage', clientAuth: true }, altNames([domain])]),
  }
}

const CA = [
  { name: 'basicConstraints', cA: true, critical: true },
  { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
]
const LEAF = [
  { name: 'basicConstraints', cA: false },
  { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
]

/** DNS names, and 127.0.0.1 beside `localhost`. */
const altNames = (names: readonly string[]) => ({
  name: 'subjectAltName',
  altNames: [
    ...names.map((value) => ({ type: 2, value })),
    ...(names.includes('localhost') ? [{ type: 7, ip: '127.0.0.1' }] : []),
  ],
})

interface Keys {
  readonly pem: string
  readonly publicKey: forge.pki.rsa.PublicKey
  readonly privateKey: forge.pki.rsa.PrivateKey
}

const makeKeys = (): Keys => {
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  })
  return {
    pem: pair.privateKey,
    publicKey: forge.pki.publicKeyFromPem(pair.publicKey),
    privateKey: forge.pki.privateKeyFromPem(pair.privateKey),
  }
}

interface Certification {
  readonly subject: forge.pki.CertificateField[]
  readonly issuer: forge.pki.CertificateField[]
  readonly keys: Keys
  readonly signer: Keys
  readonly extensions: object[]
}

const certify = ({ subject, issuer, keys, signer, extensions }: Certification): string => {
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = keys.publicKey
  // Positive and unique: the first byte keeps the sign bit clear.
  certificate.serialNumber = `01${crypto.randomUUID().replaceAll('-', '')}`
  certificate.validity.notBefore = new Date(Date.now() - DAY_MS)
  certificate.validity.notAfter = new Date(Date.now() + DAY_MS)
  certificate.setSubject(subject)
  certificate.setIssuer(issuer)
  certificate.setExtensions(extensions)
  certificate.sign(signer.privateKey, forge.md.sha256.create())
  return forge.pki.certificateToPem(certificate)
}
