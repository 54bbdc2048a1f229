// Certificates and revocation lists of federated realms, made when a test asks: roots, issuers, leaves, with every
// field open to be made wrong on purpose. Keys are elliptic unless RSA is asked for.

// First: the next import does not load without it.
import 'reflect-metadata'

import type { webcrypto } from 'node:crypto'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  Extension,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  X509CrlGenerator,
} from '@peculiar/x509'

export type KeyKind = 'ec' | 'rsa'

export interface PeerAuthority {
  readonly name: string
  readonly pem: string
  issue(wanted: LeafWanted): Promise<PeerLeaf>
  /** An authority below this one. */
  authority(wanted: AuthorityWanted): Promise<PeerAuthority>
  revoke(wanted: ListWanted): Promise<string>
}

export interface PeerLeaf {
  /** PEM of the leaf alone. */
  readonly pem: string
  /** PEM, leaf first, then its issuers. */
  readonly chainPem: string
  readonly keyPem: string
  /** DER, leaf first, then its issuers. */
  readonly chain: readonly Uint8Array[]
  readonly serial: string
}

interface Validity {
  readonly from?: Date
  readonly to?: Date
}

export interface AuthorityWanted extends Validity {
  readonly name: string
  readonly pathLength?: number
  readonly keyKind?: KeyKind
  readonly isAuthority?: boolean
}

export interface LeafWanted extends Validity {
  readonly names: JsonGeneralNames
  readonly keyKind?: KeyKind
  readonly uses?: readonly string[]
  readonly isAuthority?: boolean
  /** Its key may encrypt keys, and not sign. */
  readonly isForEncryption?: boolean
  readonly commonName?: string
  readonly extensions?: readonly Extension[]
}

export interface ListWanted extends Validity {
  readonly serials?: readonly string[]
  readonly extensions?: Extension[]
}

/** The mark of a delta list (RFC 5280 §5.2.4). */
export const deltaMark = (): Extension =>
  new Extension('2.5.29.27', true, new Uint8Array([2, 1, 1]))

/** A critical extension that nobody knows, and constraints on names that nobody evaluates. */
export const strangeMarks = (): readonly Extension[] => [
  new Extension('1.3.6.1.4.1.99999.1', true, new Uint8Array([5, 0])),
  new Extension('2.5.29.30', false, new Uint8Array([0x30, 0])),
]

export type Names = JsonGeneralNames

export const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
export const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'
const DAY_MS = 86_400_000

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength: 2048,
}

interface Signer {
  readonly name: string
  readonly keys: webcrypto.CryptoKeyPair
  readonly kind: KeyKind
  readonly above: readonly { readonly pem: string; readonly der: Uint8Array }[]
}

const generate = async (kind: KeyKind): Promise<webcrypto.CryptoKeyPair> =>
  await crypto.subtle.generateKey(kind === 'ec' ? EC : RSA, true, ['sign', 'verify'])

const validityOf = ({ from, to }: Validity) => ({
  notBefore: from ?? new Date(Date.now() - DAY_MS),
  notAfter: to ?? new Date(Date.now() + 30 * DAY_MS),
})

const newSerial = (): string => `4a${crypto.randomUUID().replaceAll('-', '').slice(2)}`

const pkcs8Pem = async (key: webcrypto.CryptoKey): Promise<string> => {
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', key)).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`
}

const signWith = (kind: KeyKind) => (kind === 'ec' ? EC : RSA)

const authorityExtensions = ({ isAuthority = true, pathLength }: AuthorityWanted) => [
  new BasicConstraintsExtension(isAuthority, isAuthority ? pathLength : undefined, true),
  new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
]

/** A root of its own. */
export const makePeerRoot = async (wanted: AuthorityWanted): Promise<PeerAuthority> => {
  const kind = wanted.keyKind ?? 'ec'
  const keys = await generate(kind)
  const made = await X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: `CN=${wanted.name}`,
    ...validityOf(wanted),
    keys,
    signingAlgorithm: signWith(kind),
    extensions: authorityExtensions(wanted),
  })
  const own = { pem: `${made.toString('pem')}\n`, der: new Uint8Array(made.rawData) }
  return authorityOf({ name: `CN=${wanted.name}`, keys, kind, above: [own] })
}

const authorityOf = (signer: Signer): PeerAuthority => ({
  name: signer.name,
  pem: signer.above[0]?.pem ?? '',
  issue: (wanted) => issueLeaf(signer, wanted),
  authority: (wanted) => issueAuthority(signer, wanted),
  async revoke(wanted) {
    const crl = await X509CrlGenerator.create({
      issuer: signer.name,
      thisUpdate: wanted.from ?? new Date(Date.now() - DAY_MS / 2),
      nextUpdate: wanted.to ?? new Date(Date.now() + DAY_MS),
      signingAlgorithm: signWith(signer.kind),
      signingKey: signer.keys.privateKey,
      entries: (wanted.serials ?? []).map((serialNumber) => ({ serialNumber })),
      ...(wanted.extensions === undefined ? {} : { extensions: wanted.extensions }),
    })
    // OpenSSL's label (RFC 7468 §6); the library prints another.
    return crl.toString('pem').replaceAll(/(BEGIN|END) CRL/g, '$1 X509 CRL')
  },
})

const issueAuthority = async (signer: Signer, wanted: AuthorityWanted): Promise<PeerAuthority> => {
  const kind = wanted.keyKind ?? signer.kind
  const keys = await generate(kind)
  const made = await X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: `CN=${wanted.name}`,
    issuer: signer.name,
    ...validityOf(wanted),
    publicKey: keys.publicKey,
    signingKey: signer.keys.privateKey,
    signingAlgorithm: signWith(signer.kind),
    extensions: authorityExtensions(wanted),
  })
  const own = { pem: `${made.toString('pem')}\n`, der: new Uint8Array(made.rawData) }
  return authorityOf({ name: `CN=${wanted.name}`, keys, kind, above: [own, ...signer.above] })
}

const issueLeaf = async (signer: Signer, wanted: LeafWanted): Promise<PeerLeaf> => {
  const keys = await generate(wanted.keyKind ?? signer.kind)
  const serial = newSerial()
  const { names, uses = [SERVER_AUTH, CLIENT_AUTH] } = wanted
  const made = await X509CertificateGenerator.create({
    serialNumber: serial,
    subject: `CN=${wanted.commonName ?? 'peer'}`,
    issuer: signer.name,
    ...validityOf(wanted),
    publicKey: keys.publicKey,
    signingKey: signer.keys.privateKey,
    signingAlgorithm: signWith(signer.kind),
    extensions: [
      new BasicConstraintsExtension(wanted.isAuthority === true, undefined, true),
      new KeyUsagesExtension(
        wanted.isForEncryption === true
          ? KeyUsageFlags.keyEncipherment
          : KeyUsageFlags.digitalSignature,
        true,
      ),
      ...(uses.length === 0 ? [] : [new ExtendedKeyUsageExtension([...uses])]),
      ...(wanted.extensions ?? []),
      ...(names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)]),
    ],
  })
  const pem = `${made.toString('pem')}\n`
  return {
    pem,
    chainPem: [pem, ...signer.above.map((one) => one.pem)].join(''),
    keyPem: await pkcs8Pem(keys.privateKey),
    chain: [new Uint8Array(made.rawData), ...signer.above.map(({ der }) => der)],
    serial,
  }
}

/** The usual: a root, an issuer that can make no authority, and a leaf for `domain`. */
export const makePeerRealm = async (domain: string, keyKind: KeyKind = 'ec') => {
  const root = await makePeerRoot({ name: `${domain} root`, keyKind })
  const issuer = await root.authority({ name: `${domain} issuer`, pathLength: 0 })
  const leaf = await issuer.issue({ names: [{ type: 'dns', value: domain }] })
  return { domain, root, issuer, leaf }
}
