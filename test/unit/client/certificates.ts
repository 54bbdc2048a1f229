// Certificates that are wrong in one chosen way.

import { createPublicKey, type KeyObject } from 'node:crypto'
import forge from 'node-forge'
import { rsaKey } from '../crypto/certificates.ts'

export interface Authority {
  readonly name: string
  readonly key: KeyObject
  readonly pem: string
}

export interface Wanted {
  readonly name: string
  readonly key?: KeyObject
  readonly issuer?: Authority
  readonly extensions: readonly object[]
  readonly from?: string
  readonly to?: string
  readonly hash?: 'sha1' | 'sha256'
}

export const CA = { name: 'basicConstraints', cA: true, critical: true }
export const LEAF = { name: 'basicConstraints', cA: false, critical: true }
export const names = (...values: readonly string[]) => ({
  name: 'subjectAltName',
  altNames: values.map((value) => ({ type: 2, value })),
})

/** RSA keys cost time: one for everybody who does not need another. */
const shared = { root: rsaKey(), intermediate: rsaKey(), leaf: rsaKey(), other: rsaKey() }
export const leafKey = shared.leaf
export const otherKey = shared.other

const toForge = (key: KeyObject) =>
  forge.pki.privateKeyFromPem(key.export({ type: 'pkcs1', format: 'pem' }).toString())
let serial = 0x20000000

export const make = (wanted: Wanted): Authority => {
  const key = wanted.key ?? shared.leaf
  const own = toForge(key)
  const made = forge.pki.createCertificate()
  made.publicKey = forge.pki.setRsaPublicKey(own.n, own.e)
  serial += 1
  made.serialNumber = serial.toString(16)
  made.validity.notBefore = new Date(wanted.from ?? '2026-01-01T00:00:00Z')
  made.validity.notAfter = new Date(wanted.to ?? '2027-01-01T00:00:00Z')
  made.setSubject([{ name: 'commonName', value: wanted.name }])
  made.setIssuer([{ name: 'commonName', value: wanted.issuer?.name ?? wanted.name }])
  // node-forge writes into what it is given.
  made.setExtensions(wanted.extensions.map((extension) => ({ ...extension })))
  const hash = wanted.hash === 'sha1' ? forge.md.sha1.create() : forge.md.sha256.create()
  made.sign(toForge(wanted.issuer?.key ?? key), hash)
  return { name: wanted.name, key, pem: forge.pki.certificateToPem(made) }
}

export const aRoot = (changes: Partial<Wanted> = {}): Authority =>
  make({ name: 'Root', key: shared.root, extensions: [CA], ...changes })

export const anIntermediate = (issuer: Authority, changes: Partial<Wanted> = {}): Authority =>
  make({ name: 'Intermediate', key: shared.intermediate, issuer, extensions: [CA], ...changes })

export const derBase64 = ({ pem }: Authority): string => pem.replace(/-----[^-]+-----|\s/g, '')

export const publicNumbers = (key: KeyObject) => {
  const { n, e } = createPublicKey(key).export({ format: 'jwk' })
  return { n, e }
}
