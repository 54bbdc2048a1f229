// Certificates for tests, made by node-forge: every field can be made wrong on purpose.

import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import forge from 'node-forge'

export interface Wanted {
  readonly commonName: string
  readonly key: KeyObject
  readonly issuer?: Issuer
  readonly isAuthority?: boolean
  readonly altNames?: readonly object[]
  readonly from?: string
  readonly to?: string
}

export interface Issuer {
  readonly commonName: string
  readonly key: KeyObject
}

export const DNS = 2
export const URI = 6
export const IP = 7

export const rsaKey = (bits = 2048): KeyObject =>
  generateKeyPairSync('rsa', { modulusLength: bits }).privateKey

export const pkcs8Of = (key: KeyObject): Uint8Array => key.export({ type: 'pkcs8', format: 'der' })

const forgeKey = (key: KeyObject) =>
  forge.pki.privateKeyFromPem(key.export({ type: 'pkcs1', format: 'pem' }).toString())

let serial = 0x10000000

/** PEM of one certificate, valid 2026 to 2027 unless told otherwise. */
export const certificate = (wanted: Wanted): string => {
  const own = forgeKey(wanted.key)
  const made = forge.pki.createCertificate()
  made.publicKey = forge.pki.setRsaPublicKey(own.n, own.e)
  serial += 1
  made.serialNumber = serial.toString(16)
  made.validity.notBefore = new Date(wanted.from ?? '2026-01-01T00:00:00Z')
  made.validity.notAfter = new Date(wanted.to ?? '2027-01-01T00:00:00Z')
  made.setSubject([{ name: 'commonName', value: wanted.commonName }])
  const issuer = wanted.issuer ?? wanted
  made.setIssuer([{ name: 'commonName', value: issuer.commonName }])
  const names = wanted.altNames ?? []
  made.setExtensions([
    { name: 'basicConstraints', cA: wanted.isAuthority === true, critical: true },
    ...(names.length === 0 ? [] : [{ name: 'subjectAltName', altNames: names }]),
  ])
  made.sign(forgeKey(issuer.key), forge.md.sha256.create())
  return forge.pki.certificateToPem(made)
}
