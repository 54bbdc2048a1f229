// Where the certificates of a new realm come from: files, a PKCS#12 file, or a request that the enterprise's authority
// signs. A key that waits for its certificate waits sealed under the passphrase.

import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  type Answers,
  type CertificateAnswer,
  readNamedFile,
  readNamedText,
  readSecret,
  type Settings,
  secretPlace,
  writeSecretFile,
} from '../../config/index.ts'
import {
  type CertificateProblem,
  checkIdentityProfile,
  isCertificateOf,
  isCertificateProblem,
  openWithPassphrase,
  readCertificateChain,
  readPkcs12,
  readRsaPrivateKey,
  requestCertificate,
  SecretBytes,
  sealWithPassphrase,
  systemRandom,
} from '../../crypto/index.ts'
import { type IdentityMaterial, importIdentity } from '../../kms/index.ts'
import { systemClock } from '../../runtime/index.ts'
import type { Realm } from '../assembly.ts'
import { CommandError } from '../command-error.ts'

const PENDING_ABOUT = 'keyrealm pending identity key'

const pendingKeyFile = ({ realm }: Settings): string =>
  join(realm.stateDirectory, 'identity-pending.sealed')
export const requestFile = ({ realm }: Settings, name: 'identity' | 'link'): string =>
  join(realm.stateDirectory, `${name}.csr`)

export const refused = ({ problem, at }: CertificateProblem): CommandError => {
  const where = at === undefined ? '' : ` at position ${at} of the chain`
  return new CommandError('main.identity-refused', `the certificate is refused: ${problem}${where}`)
}

type FromPkcs12 = Extract<CertificateAnswer, { readonly kind: 'pkcs12' }>

const fromPkcs12 = ({ file, password }: FromPkcs12): IdentityMaterial => {
  const secret = SecretBytes.from(readSecret(password, secretPlace(process.env)))
  const content = readPkcs12(readNamedFile(file), secret)
  secret.wipe()
  if (typeof content === 'string') {
    throw new CommandError('main.pkcs12-refused', `${file} is refused: ${content}`)
  }
  return content
}

/** Undefined where a request has to be signed first. */
const materialOf = (answer: CertificateAnswer): IdentityMaterial | undefined => {
  switch (answer.kind) {
    case 'pem':
      return {
        chainPem: readNamedText(answer.chain),
        privateKeyPem: SecretBytes.from(readSecret({ file: answer.key })),
      }
    case 'pkcs12':
      return fromPkcs12(answer)
    case 'request':
      return undefined
  }
}

/** By the rules by which the realm takes identities in. */
const identityProblem = (
  material: IdentityMaterial,
  domain: string,
): CertificateProblem | undefined => {
  const chain = readCertificateChain(material.chainPem)
  if (isCertificateProblem(chain)) return chain
  const privateKey = readRsaPrivateKey(material.privateKeyPem)
  if (isCertificateProblem(privateKey)) return privateKey
  const problem = checkIdentityProfile({ chain, privateKey, domain, now: systemClock.now() })
  privateKey.wipe()
  return problem
}

export interface ReadCertificates {
  readonly identity: IdentityMaterial | undefined
  /** Undefined: a request, or files that are there. */
  readonly link: IdentityMaterial | undefined
}

/** Everything read and judged before anything is written. Throws a CommandError. */
export const readCertificates = (answers: Answers, settings: Settings): ReadCertificates => {
  const identity = materialOf(answers.certificate)
  const problem = identity && identityProblem(identity, settings.realm.domain)
  if (problem !== undefined) throw refused(problem)
  const { linkCertificate } = answers
  const link = linkCertificate === undefined ? undefined : materialOf(linkCertificate)
  return { identity, link }
}

const writePublic = (file: string, text: string): void => {
  mkdirSync(dirname(file), { recursive: true, mode: 0o755 })
  writeFileSync(file, text, { mode: 0o644, flag: 'wx', flush: true })
}

const writePrivate = (file: string, bytes: Uint8Array): void => {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  writeSecretFile(file, bytes)
}

export const takeIdentity = async (realm: Realm, material: IdentityMaterial): Promise<void> => {
  const imported = await importIdentity(material, { ...realm, settings: realm.kms }, realm.now())
  material.privateKeyPem.wipe()
  if (isCertificateProblem(imported)) throw refused(imported)
}

/** Answers the file with the request. */
export const requestIdentity = async (
  settings: Settings,
  passphrase: SecretBytes,
): Promise<string> => {
  const { privateKeyPem, requestPem } = await requestCertificate('identity', settings.realm.domain)
  const sealed = sealWithPassphrase(privateKeyPem, passphrase, PENDING_ABOUT, systemRandom)
  privateKeyPem.wipe()
  writePrivate(pendingKeyFile(settings), new TextEncoder().encode(sealed))
  const file = requestFile(settings, 'identity')
  writePublic(file, requestPem)
  return file
}

/** The signed chain and the key that waited for it. The key's file goes once the realm has taken it in. */
export const takeSigned = async (
  realm: Realm,
  passphrase: SecretBytes,
  chainFile: string,
): Promise<void> => {
  const file = pendingKeyFile(realm.settings)
  if (!existsSync(file)) {
    throw new CommandError('main.nothing-pending', 'no certificate was requested by init')
  }
  const privateKeyPem = openWithPassphrase(readNamedText(file), passphrase, PENDING_ABOUT)
  if (typeof privateKeyPem === 'string') {
    throw new CommandError('main.pending-key', `${file} does not open: ${privateKeyPem}`)
  }
  await takeIdentity(realm, { chainPem: readNamedText(chainFile), privateKeyPem })
  rmSync(file)
}

export const writeLink = ({ core }: Settings, material: IdentityMaterial): void => {
  writePrivate(core.keyFile, material.privateKeyPem.expose())
  material.privateKeyPem.wipe()
  writePublic(core.certificateFile, material.chainPem)
}

/** Answers the file with the request. */
export const requestLink = async (settings: Settings): Promise<string> => {
  const { privateKeyPem, requestPem } = await requestCertificate('link', settings.realm.domain)
  writePrivate(settings.core.keyFile, privateKeyPem.expose())
  privateKeyPem.wipe()
  const file = requestFile(settings, 'link')
  writePublic(file, requestPem)
  return file
}

/** The signed client certificate, put where the settings say. */
export const takeSignedLink = ({ core }: Settings, chainFile: string): void => {
  const chainPem = readNamedText(chainFile)
  const privateKeyPem = SecretBytes.from(readSecret({ file: core.keyFile }))
  if (!isCertificateOf(chainPem, privateKeyPem)) {
    throw new CommandError('main.link-refused', `${chainFile} does not belong to ${core.keyFile}`)
  }
  privateKeyPem.wipe()
  writePublic(core.certificateFile, chainPem)
}
