// The enterprise's certificate authority in a test: it signs requests as they come, and packs PKCS#12 files.

import 'reflect-metadata'

import { createPrivateKey, webcrypto } from 'node:crypto'
import {
  BasicConstraintsExtension,
  Pkcs10CertificateRequest,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import forge from 'node-forge'
import { CERTIFICATE_AUTHORITY } from './world.ts'

const ALGORITHM = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
/** RFC 5280 §4.2.1.6. */
const ALTERNATIVE_NAMES = '2.5.29.17'
const DAY_MS = 86_400_000

interface Authority {
  readonly certificatePem: string
  readonly keyPem: string
}

const signingKey = ({ keyPem }: Authority) =>
  webcrypto.subtle.importKey(
    'pkcs8',
    createPrivateKey(keyPem).export({ type: 'pkcs8', format: 'der' }),
    ALGORITHM,
    false,
    ['sign'],
  )

/** The signed chain (PEM), for the names that the request asks for. */
export const signRequest = async (
  requestPem: string,
  by: Authority = CERTIFICATE_AUTHORITY,
): Promise<string> => {
  const request = new Pkcs10CertificateRequest(requestPem)
  if (!(await request.verify())) throw new Error('the request does not prove its key')
  const authority = new X509Certificate(by.certificatePem)
  const names = request.getExtension(ALTERNATIVE_NAMES)
  const certificate = await X509CertificateGenerator.create({
    subject: request.subject,
    issuer: authority.subject,
    publicKey: request.publicKey,
    signingKey: await signingKey(by),
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + 30 * DAY_MS),
    extensions: [new BasicConstraintsExtension(false), ...(names === null ? [] : [names])],
  })
  return `${certificate.toString('pem')}\n${by.certificatePem}`
}

/** Key and chain in one file under a password. */
export const packPkcs12 = (keyPem: string, chainPem: string, password: string): Buffer => {
  const chain = chainPem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const pfx = forge.pkcs12.toPkcs12Asn1(
    forge.pki.privateKeyFromPem(keyPem),
    chain.map((pem) => forge.pki.certificateFromPem(pem)),
    password,
    { algorithm: 'aes256' },
  )
  return Buffer.from(forge.asn1.toDer(pfx).getBytes(), 'binary')
}
