// Certificates for the ends of a syslog line: an authority, servers and clients below it, and a foreign authority.

import { type Credential, generateKeyPem, issueCertificate } from '../../scripts/dev/certs/issue.ts'

const anAuthority = (commonName: string): Credential => {
  const keyPem = generateKeyPem()
  const profile = { kind: 'root', commonName, dnsNames: [], ipAddresses: [] } as const
  return { certificatePem: issueCertificate(profile, keyPem), keyPem }
}

/** Made once a process: keys are slow to make. */
export const AUTHORITY = anAuthority('Log CA')
export const FOREIGN_AUTHORITY = anAuthority('Foreign CA')

const leaf = (
  kind: 'tls-server' | 'tls-client',
  names: { readonly dns?: readonly string[]; readonly ip?: readonly string[] },
  issuer: Credential,
): Credential => {
  const keyPem = generateKeyPem()
  const { dns = [], ip = [] } = names
  const profile = { kind, commonName: dns[0] ?? ip[0] ?? 'x', dnsNames: dns, ipAddresses: ip }
  return { certificatePem: issueCertificate(profile, keyPem, issuer), keyPem }
}

export const aServer = (dns: readonly string[], issuer = AUTHORITY) =>
  leaf('tls-server', { dns, ip: ['127.0.0.1'] }, issuer)
export const aClient = (issuer = AUTHORITY) =>
  leaf('tls-client', { dns: ['kms.acme.example'] }, issuer)
