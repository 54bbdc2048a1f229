// A PKCS#12 file (RFC 7292) taken apart: one private key and its chain, leaf first. Read once, while a realm is set up;
// a file without a password, with several keys, or with a chain that does not hang together is refused.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import forge from 'node-forge'
import { SecretBytes } from './secret.ts'

export type Pkcs12Problem =
  | 'not-pkcs12-or-wrong-password'
  | 'not-one-private-key'
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

const open = (bytes: Uint8Array, password: SecretBytes): forge.pkcs12.Pkcs12Pfx | undefined => {
  try {
    const der = forge.util.createBuffer(Buffer.from(bytes).toString('binary'))
    const text = new TextDecoder().decode(password.expose())
    return forge.pkcs12.pkcs12FromAsn1(forge.asn1.fromDer(der), false, text)
  } catch {
    // Damaged, or another password: the format cannot tell them apart, and the library's words are its own.
    return undefined
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

/** The content, or why there is none. */
export const readPkcs12 = (
  bytes: Uint8Array,
  password: SecretBytes,
): Pkcs12Content | Pkcs12Problem => {
  const pfx = open(bytes, password)
  if (pfx === undefined) return 'not-pkcs12-or-wrong-password'
  const [bag, ...more] = [...bagsOf(pfx, BAGS.shrouded), ...bagsOf(pfx, BAGS.plain)]
  if (bag === undefined || more.length > 0) return 'not-one-private-key'
  const key = createPrivateKey({ key: keyDer(bag), format: 'der', type: 'pkcs8' })
  const certificates = bagsOf(pfx, BAGS.certificate).map(
    (one) => new X509Certificate(certificateDer(one)),
  )
  const chain = chainOf(key, certificates)
  if (chain.length === 0) return 'no-certificate-of-the-key'
  const pem = key.export({ type: 'pkcs8', format: 'pem' })
  return {
    privateKeyPem: SecretBytes.from(new TextEncoder().encode(String(pem))),
    chainPem: chain.map(String).join(''),
  }
}
