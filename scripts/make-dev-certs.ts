// Makes the certificates of a development world: per realm an identity authority and an identity certificate,
// and one TLS authority with the servers and clients below it. Run again, it keeps what is good.
// It overwrites nothing but revocation lists, and is not for production: its authorities' private keys lie beside the rest.
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Credential, Profile } from './dev/certs/issue.ts'
import { keepList, keepOrMake, type Place, writeOnce } from './dev/certs/keep.ts'

export interface RealmName {
  /** Short name, used for folders: `acme`. */
  readonly name: string
  /** The realm's domain in lower case, the one name its identity certificate carries: `kms.acme.example`. */
  readonly domain: string
}

export interface RealmCertificates extends RealmName {
  /** Proves the realm to clients and peers. The chain is leaf, intermediate, root. */
  readonly identity: Place
  /** The root that clients and peers of this realm trust. */
  readonly identityCaFile: string
  /** Proves the realm to peers over TLS: a key of its own, below the same issuer. */
  readonly peer: Place
  /** TLS server certificate of the realm's own listeners on loopback. */
  readonly listeners: Place
  /** TLS client certificate for the realm's link to the core; its DNS name is the realm's domain. */
  readonly coreClient: Place
}

export interface DevelopmentCertificates {
  readonly directory: string
  /** Root above every TLS certificate here, of servers and clients alike. */
  readonly tlsCaFile: string
  readonly core: Place
  readonly identityProvider: Place
  /** The roots of all realms here: what each of them measures its peers by. */
  readonly trustFolder: string
  /** The revocation lists of every authority above a realm's certificates. */
  readonly crlFolder: string
  readonly realms: readonly RealmCertificates[]
}

export interface DevelopmentCertificatesWanted {
  readonly directory: string
  readonly realms: readonly RealmName[]
}

const NAME = /^[a-z][a-z0-9-]{0,30}$/
const DOMAIN = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/

/** Paths of everything, after making what was missing. Throws when a file is there that cannot be used. */
export function makeDevelopmentCertificates(
  wanted: DevelopmentCertificatesWanted,
): DevelopmentCertificates {
  for (const { name, domain } of wanted.realms) {
    if (!NAME.test(name)) throw new Error(`"${name}" is not a name for a realm (a-z, 0-9, -).`)
    if (!DOMAIN.test(domain)) throw new Error(`"${domain}" is not a domain in lower case.`)
  }
  const directory = resolve(wanted.directory)
  const tlsCaFile = `${directory}/tls-ca.pem`
  const tlsCa = keepOrMake(
    { keyFile: `${directory}/tls-ca-key.pem`, chainFile: tlsCaFile },
    { ...NO_NAMES, kind: 'root', commonName: 'Keyrealm development TLS CA' },
  )
  const crlFolder = `${directory}/crl`
  const realms = wanted.realms.map((realm) =>
    makeRealm({ directory: `${directory}/realms/${realm.name}`, crlFolder }, realm, tlsCa),
  )
  const trustFolder = `${directory}/trust`
  for (const { name, identityCaFile } of realms) {
    const file = `${trustFolder}/${name}.pem`
    if (!existsSync(file)) writeOnce(file, readFileSync(identityCaFile, 'utf8'), 0o644)
  }
  return {
    directory,
    trustFolder,
    crlFolder,
    tlsCaFile,
    core: makeServer(`${directory}/core`, tlsCa),
    identityProvider: makeServer(`${directory}/identity-provider`, tlsCa),
    realms,
  }
}

const NO_NAMES = { dnsNames: [], ipAddresses: [] }

interface Folders {
  readonly directory: string
  readonly crlFolder: string
}

function makeRealm(folders: Folders, realm: RealmName, tlsCa: Credential): RealmCertificates {
  const { directory } = folders
  const coreClient = place(`${directory}/core-client`)
  keepOrMake(coreClient, named('tls-client', realm.domain), { issuer: tlsCa })
  return {
    ...realm,
    ...makeIdentity(folders, realm),
    listeners: makeServer(`${directory}/listeners`, tlsCa),
    coreClient,
  }
}

function makeIdentity(
  { directory, crlFolder }: Folders,
  { name, domain }: RealmName,
): Pick<RealmCertificates, 'identity' | 'identityCaFile' | 'peer'> {
  const title = `${name.charAt(0).toUpperCase()}${name.slice(1)} development identity`
  const identityCaFile = `${directory}/identity-ca.pem`
  const root = keepOrMake(
    { keyFile: `${directory}/identity-ca-key.pem`, chainFile: identityCaFile },
    { ...NO_NAMES, kind: 'root', commonName: `${title} CA` },
  )
  const intermediate = keepOrMake(
    {
      keyFile: `${directory}/identity-issuer-key.pem`,
      chainFile: `${directory}/identity-issuer.pem`,
    },
    { ...NO_NAMES, kind: 'intermediate', commonName: `${title} issuer` },
    { issuer: root },
  )
  const identity = place(`${directory}/identity`)
  const peer = place(`${directory}/peer`)
  const above = {
    issuer: intermediate,
    chain: [intermediate.certificatePem, root.certificatePem],
  }
  for (const files of [identity, peer]) keepOrMake(files, named('identity', domain), above)
  keepList(`${crlFolder}/${name}-root.pem`, root)
  keepList(`${crlFolder}/${name}-issuer.pem`, intermediate)
  return { identity, identityCaFile, peer }
}

function makeServer(directory: string, tlsCa: Credential): Place {
  const files = place(directory)
  const loopback: Profile = {
    kind: 'tls-server',
    commonName: 'localhost',
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1'],
  }
  keepOrMake(files, loopback, { issuer: tlsCa })
  return files
}

function named(kind: 'identity' | 'tls-client', domain: string): Profile {
  return { kind, commonName: domain, dnsNames: [domain], ipAddresses: [] }
}

function place(directory: string): Place {
  return { keyFile: `${directory}/key.pem`, chainFile: `${directory}/chain.pem` }
}

function main(): void {
  const { values } = parseArgs({
    options: {
      directory: { type: 'string', default: 'certs/dev' },
      realm: { type: 'string', multiple: true },
    },
  })
  const realms = (values.realm ?? ['acme=kms.acme.example', 'globex=kms.globex.example']).map(
    (pair) => {
      const [name = '', domain = ''] = pair.split('=')
      return { name, domain }
    },
  )
  const made = makeDevelopmentCertificates({ directory: values.directory, realms })
  console.log(JSON.stringify(made, undefined, 2))
}

if (import.meta.main) main()
