// Keeps a key and its certificate in two files: what is there and good is kept, what is missing is made.
// It never overwrites one of them; only revocation lists, which age, are made anew. What is there but no longer good
// (expired, other name, other issuer, wrong key) is refused with the name of the file to move away, because silently
// replacing an identity breaks whoever trusts it.

// First: a later import does not load without it.
import 'reflect-metadata'

import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { X509Crl } from '@peculiar/x509'
import { type Credential, generateKeyPem, issueCertificate, type Profile } from './issue.ts'
import { issueRevocationList } from './revoke.ts'

export interface Place {
  readonly keyFile: string
  /** The certificate, followed by those of `chain` when there are any. */
  readonly chainFile: string
}

export interface Above {
  readonly issuer?: Credential
  /** PEM certificates written after the leaf, nearest first. */
  readonly chain?: readonly string[]
}

/** The credential at `place`, made now if it is not there. Throws when what is there cannot be used. */
export function keepOrMake(place: Place, profile: Profile, above: Above = {}): Credential {
  if (existsSync(place.chainFile) && !existsSync(place.keyFile)) {
    throw new Error(`${place.chainFile} is there without its key ${place.keyFile}. Move it away.`)
  }
  const keyPem = keepOrWrite(place.keyFile, 0o600, generateKeyPem)
  const chainPem = keepOrWrite(place.chainFile, 0o644, () =>
    [issueCertificate(profile, keyPem, above.issuer), ...(above.chain ?? [])].join(''),
  )
  const certificatePem = firstCertificate(chainPem, place.chainFile)
  const problem = whyUnusable({ certificatePem, keyPem }, profile, above.issuer)
  if (problem) throw new Error(`${place.chainFile} ${problem}. Move it away to have it made again.`)
  return { certificatePem, keyPem }
}

function keepOrWrite(file: string, mode: number, make: () => string): string {
  if (!existsSync(file)) writeOnce(file, make(), mode)
  return readFileSync(file, 'utf8')
}

const LIST_KEPT_MS = 86_400_000

/** A list of nobody; one that is older than a day is signed again, and whoever is on it stays on it. */
export function keepList(file: string, issuer: Credential): void {
  const isThere = existsSync(file)
  if (isThere && Date.now() - statSync(file).mtimeMs < LIST_KEPT_MS) return
  const revoked = isThere ? new X509Crl(readFileSync(file, 'utf8')).entries : []
  writeList(
    file,
    issuer,
    revoked.map(({ serialNumber }) => serialNumber),
  )
}

/** Replaces the file in one step: a running realm may read it at any moment. */
export function writeList(file: string, issuer: Credential, serials: readonly string[]): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${dirname(file)}/.${randomBytes(6).toString('hex')}.new`
  writeFileSync(temporary, issueRevocationList(issuer, serials), { mode: 0o644 })
  renameSync(temporary, file)
}

/** Writes a whole new file or nothing; fails when the file is there (link refuses to replace). */
export function writeOnce(file: string, text: string, mode: number): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`
  writeFileSync(temporary, text, { flag: 'wx', mode })
  try {
    linkSync(temporary, file)
  } finally {
    unlinkSync(temporary)
  }
}

function firstCertificate(chainPem: string, file: string): string {
  const found = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/.exec(chainPem)
  if (!found) throw new Error(`${file} holds no certificate. Move it away to have it made again.`)
  return found[0]
}

function whyUnusable(made: Credential, profile: Profile, issuer?: Credential): string | undefined {
  const certificate = new X509Certificate(made.certificatePem)
  const parent = new X509Certificate(issuer?.certificatePem ?? made.certificatePem)
  if (!certificate.checkPrivateKey(createPrivateKey(made.keyPem))) return 'is for another key'
  if (!certificate.checkIssued(parent) || !certificate.verify(parent.publicKey)) {
    return 'was signed by another authority'
  }
  if (Date.now() >= certificate.validToDate.getTime()) return `expired on ${certificate.validTo}`
  if (namesIn(certificate) !== namesWanted(profile)) {
    return `names ${namesIn(certificate)}, not ${namesWanted(profile)}`
  }
  return undefined
}

function namesIn(certificate: X509Certificate): string {
  return certificate.subjectAltName ?? 'nobody'
}

function namesWanted(profile: Profile): string {
  const names = [
    ...profile.dnsNames.map((name) => `DNS:${name}`),
    ...profile.ipAddresses.map((address) => `IP Address:${address}`),
  ]
  return names.length > 0 ? names.join(', ') : 'nobody'
}
