// Signs revocation lists (RFC 5280 §5) for the authorities of a development realm: whole lists, SHA-256, thirty days.
// It asks nobody what is revoked: whoever calls hands in the serial numbers.
import forge from 'node-forge'
import type { Credential } from './issue.ts'

const { asn1, pki } = forge
const { Class, Type } = asn1

const GOOD_FOR_DAYS = 30
const BACKDATED_MS = 5 * 60_000
const DAY_MS = 86_400_000
const VERSION_2 = 1

/** PEM list of `issuer`, good for thirty days from now. Serial numbers are hexadecimal, as Node prints them. */
export function issueRevocationList(issuer: Credential, serials: readonly string[]): string {
  const now = Date.now()
  const signed = sequence(
    integer(VERSION_2),
    sha256WithRsa(),
    pki.distinguishedNameToAsn1(pki.certificateFromPem(issuer.certificatePem).subject),
    utcTime(now - BACKDATED_MS),
    utcTime(now + GOOD_FOR_DAYS * DAY_MS),
    // RFC 5280 §5.1.2.6: with nobody on it, the list is absent.
    ...(serials.length === 0 ? [] : [sequence(...serials.map((one) => revoked(one, now)))]),
    asn1.create(Class.CONTEXT_SPECIFIC, 0, true, [sequence(authorityKey(issuer), listNumber(now))]),
  )
  const digest = forge.md.sha256.create().update(asn1.toDer(signed).getBytes())
  const signature = pki.privateKeyFromPem(issuer.keyPem).sign(digest)
  const list = sequence(signed, sha256WithRsa(), bitString(signature))
  const body = forge.util.encode64(asn1.toDer(list).getBytes(), 64).replaceAll('\r\n', '\n')
  return `-----BEGIN X509 CRL-----\n${body}\n-----END X509 CRL-----\n`
}

function sequence(...values: forge.asn1.Asn1[]): forge.asn1.Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, values)
}

function primitive(type: forge.asn1.Type, bytes: string): forge.asn1.Asn1 {
  return asn1.create(Class.UNIVERSAL, type, false, bytes)
}

function integer(value: number): forge.asn1.Asn1 {
  return primitive(Type.INTEGER, asn1.integerToDer(value).getBytes())
}

function utcTime(ms: number): forge.asn1.Asn1 {
  return primitive(Type.UTCTIME, asn1.dateToUtcTime(new Date(ms)))
}

function oid(name: string): forge.asn1.Asn1 {
  return primitive(Type.OID, asn1.oidToDer(name).getBytes())
}

function bitString(bytes: string): forge.asn1.Asn1 {
  return primitive(Type.BITSTRING, `\0${bytes}`)
}

function sha256WithRsa(): forge.asn1.Asn1 {
  return sequence(oid('1.2.840.113549.1.1.11'), primitive(Type.NULL, ''))
}

function revoked(serial: string, ms: number): forge.asn1.Asn1 {
  // A number whose first bit is set would be read as negative.
  const even = serial.length % 2 === 0 ? serial : `0${serial}`
  const bytes = forge.util.hexToBytes(/^[89a-f]/i.test(even) ? `00${even}` : even)
  return sequence(primitive(Type.INTEGER, bytes), utcTime(ms))
}

function extension(id: string, value: forge.asn1.Asn1): forge.asn1.Asn1 {
  return sequence(oid(id), primitive(Type.OCTETSTRING, asn1.toDer(value).getBytes()))
}

/** §5.2.1: the key identifier of the authority, as its certificates carry it. */
function authorityKey({ certificatePem }: Credential): forge.asn1.Asn1 {
  const { publicKey } = pki.certificateFromPem(certificatePem)
  const sha1 = { type: 'RSAPublicKey', md: forge.md.sha1.create() } as const
  const identifier = pki.getPublicKeyFingerprint(publicKey, sha1).getBytes()
  const keyed = asn1.create(Class.CONTEXT_SPECIFIC, 0, false, identifier)
  return extension('2.5.29.35', sequence(keyed))
}

/** §5.2.3: later lists have higher numbers; the second they were made is one. */
function listNumber(ms: number): forge.asn1.Asn1 {
  return extension('2.5.29.20', integer(Math.floor(ms / 1000)))
}
