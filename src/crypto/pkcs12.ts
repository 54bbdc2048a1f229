// A PKCS#12 file (RFC 7292) taken apart: one private key and its chain, leaf first. Read once, while a realm is set up;
// a file without a password, with several keys, with a chain that does not hang together, or that costs more than seconds to
// open is refused.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import forge from 'node-forge'
import { isCheapToOpen } from './pkcs12-cost.ts'
import { SecretBytes } from './secret.ts'

export type Pkcs12Problem =
  | 'not-pkcs12-or-wrong-password'
  | 'too-large'
  | 'too-many-iterations'
  | 'not-one-private-key'
  | 'not-a-key-or-certificate'
  | 'no-certificate-of-the-key'

export interface Pkcs12Content {
  /** PKCS#8 PEM. The caller owns and wipes it. */
  readonly privateKeyPem: SecretBytes
  /** Leaf first. */
  readonly chainPem: string
}

const BAGS = {
  shrouded: forge.pki.oids['pkcs8ShroudedKeyBag'] ?? '',
  plain: forge.pki.oids['keyBag'] ?? '',
  certificate: forge.pki.oids['certBag'] ?? '',
}

type Asn1 = forge.asn1.Asn1

const derOf = (value: Asn1): Buffer => Buffer.from(forge.asn1.toDer(value).getBytes(), 'binary')

/** A key and eight certificates are a hundredth of it. */
const MAX_BYTES = 512 * 1024

const open = (bytes: Uint8Array, password: SecretBytes): forge.pkcs12.Pkcs12Pfx | Pkcs12Problem => {
  if (bytes.length > MAX_BYTES) return 'too-large'
  try {
    const der = forge.util.createBuffer(Buffer.from(bytes).toString('binary'))
    // Strict about lengths: a file that is cut off would otherwise be one without its MAC.
    const text = new TextDecoder().decode(password.expose())
    const pfx = forge.asn1.fromDer(der)
    if (!isCheapToOpen(pfx, text)) return 'too-many-iterations'
    return forge.pkcs12.pkcs12FromAsn1(pfx, true, text)
  } catch {
    // Damaged, or another password: the format cannot tell them apart, and the library's words are its own.
    return 'not-pkcs12-or-wrong-password'
  }
}

const bagsOf = (pfx: forge.pkcs12.Pkcs12Pfx, bagType: string): readonly forge.pkcs12.Bag[] =>
  pfx.getBags({ bagType })[bagType] ?? []

/** The library understands RSA and hands everything else over as it stood. */
const keyDer = ({ key, asn1 }: forge.pkcs12.Bag): Buffer =>
  derOf(key ? forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(key)) : asn1)

const certificateDer = ({ cert, asn1 }: forge.pkcs12.Bag): Buffer =>
  derOf(cert ? forge.pki.certificateToAsn1(cert) : asn1)

/** From the key's own certificate up, as far as the file goes. */
const chainOf = (key: KeyObject, certificates: readonly X509Certificate[]): X509Certificate[] => {
  const chain: X509Certificate[] = []
  let next = certificates.find((one) => one.checkPrivateKey(key))
  while (next !== undefined && !chain.includes(next)) {
    const below: X509Certificate = next
    chain.push(below)
    next = certificates.find((one) => one !== below && below.checkIssued(one))
  }
  return chain
}

/** Undefined for whatever the library handed over as it stood and is neither. */
const readBags = (bag: forge.pkcs12.Bag, certificates: readonly forge.pkcs12.Bag[]) => {
  try {
    return {
      key: createPrivateKey({ key: keyDer(bag), format: 'der', type: 'pkcs8' }),
      certificates: certificates.map((one) => new X509Certificate(certificateDer(one))),
    }
  } catch {
    return undefined
  }
}

/** The content, or why there is none. */
export const readPkcs12 = (
  bytes: Uint8Array,
  password: SecretBytes,
): Pkcs12Content | Pkcs12Problem => {
  const pfx = open(bytes, password)
  if (typeof pfx === 'string') return pfx
  const [bag, ...more] = [...bagsOf(pfx, BAGS.shrouded), ...bagsOf(pfx, BAGS.plain)]
  if (bag === undefined || more.length > 0) return 'not-one-private-key'
  const read = readBags(bag, bagsOf(pfx, BAGS.certificate))
  if (read === undefined) return 'not-a-key-or-certificate'
  const { key, certificates } = read
  const chain = chainOf(key, certificates)
  if (chain.length === 0) return 'no-certificate-of-the-key'
  const pem = key.export({ type: 'pkcs8', format: 'pem' })
  return {
    privateKeyPem: SecretBytes.from(new TextEncoder().encode(String(pem))),
    chainPem: chain.map(String).join(''),
  }
}
