// Checks the development certificates with two independent readers: node:crypto and the openssl program.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import {
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { writeList } from '../../../scripts/dev/certs/keep.ts'
import {
  type DevelopmentCertificates,
  makeDevelopmentCertificates,
  type RealmCertificates,
} from '../../../scripts/make-dev-certs.ts'

const DAY_MS = 86_400_000
const directory = mkdtempSync(join(tmpdir(), 'keyrealm certs '))
const wanted = { directory, realms: [{ name: 'acme', domain: 'kms.acme.example' }] }
const made = makeDevelopmentCertificates(wanted)
const acme = onlyRealm(made)
after(() => rmSync(directory, { recursive: true }))

test('the identity certificate follows the profile that clients check', () => {
  const leaf = read(acme.identity.chainFile)
  assert.equal(leaf.subject, 'CN=kms.acme.example')
  assert.equal(leaf.subjectAltName, 'DNS:kms.acme.example')
  assert.equal(leaf.ca, false)
  assert.equal(leaf.publicKey.asymmetricKeyType, 'rsa')
  assert.equal(leaf.publicKey.asymmetricKeyDetails?.modulusLength, 2048)
  assert.equal(leaf.signatureAlgorithm, 'sha256WithRSAEncryption')
  assert.match(openssl('x509', '-in', acme.identity.chainFile, '-noout', '-text'), KEY_USAGE)
  assert.equal(leaf.checkPrivateKey(createPrivateKey(readFileSync(acme.identity.keyFile))), true)
})

const KEY_USAGE = /Key Usage: critical\n\s+Digital Signature, Key Encipherment\n/

test('the identity chain is leaf, intermediate, root, and the root is the published one', () => {
  const [leaf, intermediate, root, ...rest] = readChain(acme.identity.chainFile)
  assert.ok(leaf && intermediate && root)
  assert.equal(rest.length, 0)
  assert.ok(leaf.checkIssued(intermediate) && leaf.verify(intermediate.publicKey))
  assert.ok(intermediate.checkIssued(root) && intermediate.verify(root.publicKey))
  assert.equal(root.fingerprint256, read(acme.identityCaFile).fingerprint256)
})

test('the authority above the identity certificate cannot make further authorities', () => {
  const [, intermediate] = readChain(acme.identity.chainFile)
  assert.ok(intermediate)
  const file = join(directory, 'intermediate.pem')
  writeFileSync(file, intermediate.toString())
  assert.match(openssl('x509', '-in', file, '-noout', '-text'), /CA:TRUE, pathlen:0/)
})

test('openssl accepts every certificate under its own root in strict mode', () => {
  const { tlsCaFile } = made
  verify('sslserver', acme.identityCaFile, acme.identity.chainFile)
  verify('sslclient', acme.identityCaFile, acme.identity.chainFile)
  for (const { chainFile } of [made.core, made.identityProvider, acme.listeners]) {
    verify('sslserver', tlsCaFile, chainFile)
  }
  verify('sslclient', tlsCaFile, acme.coreClient.chainFile)
})

test('openssl accepts no identity certificate under the TLS authority', () => {
  assert.throws(() => verify('sslserver', made.tlsCaFile, acme.identity.chainFile))
})

test('a server certificate names loopback and a client certificate names the realm', () => {
  for (const { chainFile } of [made.core, made.identityProvider, acme.listeners]) {
    assert.equal(read(chainFile).subjectAltName, 'DNS:localhost, IP Address:127.0.0.1')
  }
  const client = read(acme.coreClient.chainFile)
  assert.equal(client.subjectAltName, 'DNS:kms.acme.example')
  assert.deepEqual(client.keyUsage, ['1.3.6.1.5.5.7.3.2'])
})

test('every authority of a realm has a list that openssl accepts, and who is on it stays on it', () => {
  const { chainFile } = acme.peer
  const [leaf] = readChain(chainFile)
  const lists = ['root', 'issuer'].map((one) => join(made.crlFolder, `acme-${one}.pem`))
  const [, file] = lists
  assert.ok(leaf && file)
  const trust = ['-crl_check_all', '-no-CApath', '-CAfile', acme.identityCaFile]
  const all = lists.flatMap((one) => ['-CRLfile', one])
  const check = () => openssl('verify', ...trust, ...all, '-untrusted', chainFile, chainFile)
  check()
  const above = join(directory, 'realms', 'acme', 'identity-issuer')
  const issuer = {
    certificatePem: readFileSync(`${above}.pem`, 'utf8'),
    keyPem: readFileSync(`${above}-key.pem`, 'utf8'),
  }
  for (const serial of ['80', '7f00', leaf.serialNumber]) {
    writeList(file, issuer, [serial])
    utimesSync(file, 0, 0)
    makeDevelopmentCertificates(wanted)
    assert.ok(Date.now() - statSync(file).mtimeMs < DAY_MS, 'an old list is signed again')
    const text = openssl('crl', '-in', file, '-noout', '-text')
    assert.match(text, new RegExp(`Serial Number: 0*${serial}\\n`, 'i'))
  }
  assert.throws(check, /certificate revoked/)
})

test('keys are readable by their owner alone', () => {
  for (const { keyFile } of [made.core, made.identityProvider, acme.identity, acme.coreClient]) {
    assert.equal(statSync(keyFile).mode & 0o777, 0o600)
  }
  assert.equal(statSync(join(directory, 'realms')).mode & 0o777, 0o700)
})

test('a leaf lives 397 days and an authority ten years', () => {
  assert.equal(lifetimeDays(read(acme.identity.chainFile)), 397)
  assert.equal(lifetimeDays(read(acme.identityCaFile)), 3653)
})

test('a second run keeps every file and adds only what is new', () => {
  const before = readFileSync(acme.identity.chainFile, 'utf8')
  const globex = { name: 'globex', domain: 'kms.globex.example' }
  const again = makeDevelopmentCertificates({ ...wanted, realms: [...wanted.realms, globex] })
  assert.equal(readFileSync(acme.identity.chainFile, 'utf8'), before)
  assert.deepEqual(again.realms[0], acme)
  assert.equal(again.realms.length, 2)
})

test('a realm that changed its domain is refused, not given a new identity silently', () => {
  const renamed = { directory, realms: [{ name: 'acme', domain: 'kms.acme-two.example' }] }
  assert.throws(
    () => makeDevelopmentCertificates(renamed),
    /chain\.pem names DNS:kms\.acme\.example/,
  )
})

test('a certificate without its key is refused', () => {
  unlinkSync(acme.listeners.keyFile)
  assert.throws(() => makeDevelopmentCertificates(wanted), /is there without its key/)
})

test('a domain in capitals is refused', () => {
  const shouted = { directory, realms: [{ name: 'loud', domain: 'KMS.loud.example' }] }
  assert.throws(() => makeDevelopmentCertificates(shouted), /not a domain in lower case/)
})

function onlyRealm({ realms }: DevelopmentCertificates): RealmCertificates {
  const [realm] = realms
  assert.ok(realm)
  return realm
}

function read(file: string): X509Certificate {
  return new X509Certificate(readFileSync(file))
}

function readChain(file: string): X509Certificate[] {
  const found = readFileSync(file, 'utf8').match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g)
  return (found ?? []).map((pem) => new X509Certificate(pem))
}

function lifetimeDays(certificate: X509Certificate): number {
  const { validFromDate, validToDate } = certificate
  return (validToDate.getTime() - validFromDate.getTime()) / DAY_MS
}

function verify(purpose: string, root: string, chain: string): void {
  const trust = ['-x509_strict', '-purpose', purpose, '-no-CApath', '-CAfile', root]
  openssl('verify', ...trust, '-untrusted', chain, chain)
}

function openssl(...parameters: string[]): string {
  return execFileSync('openssl', parameters, { encoding: 'utf8', stdio: 'pipe' })
}
