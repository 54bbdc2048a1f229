// Importing the realm's RSA identity: the chain must fit the profile that clients check (one DNS name,
// this realm's), the private key must be the leaf's, and it is wrapped before it is stored. Importing
// another one rotates: the old stays, for clients that still use it.

import {
  type CertificateProblem,
  checkIdentityProfile,
  isCertificateProblem,
  readCertificateChain,
  readRsaPrivateKey,
  type SecretBytes,
} from '../../crypto/index.ts'
import type { StaticKeyUri } from '../../id.ts'
import { printStaticKey } from '../../protocol/index.ts'
import type { Instant } from '../../time.ts'
import type { Ledger } from '../corridor/ledger.ts'
import type { KmsSettings } from '../settings.ts'
import type { StaticKey } from '../static-key.ts'
import type { Keyring } from './keyring.ts'

export interface IdentityMaterial {
  /** Leaf first. */
  readonly chainPem: string
  readonly privateKeyPem: SecretBytes
}

export interface IdentityOwner {
  readonly settings: KmsSettings
  readonly keyring: Keyring
  readonly ledger: Ledger
}

/** The new static key's URI, or what is wrong with the certificate. */
export const importIdentity = async (
  material: IdentityMaterial,
  realm: IdentityOwner,
  now: Instant,
): Promise<StaticKeyUri | CertificateProblem> => {
  const { settings, keyring, ledger } = realm
  const chain = readCertificateChain(material.chainPem)
  if (isCertificateProblem(chain)) return chain
  const privateKey = readRsaPrivateKey(material.privateKeyPem)
  if (isCertificateProblem(privateKey)) return privateKey
  const problem = checkIdentityProfile({ chain, privateKey, domain: settings.domain, now })
  if (problem !== undefined) return problem
  const imported = await ledger.commit(async (tx, moment) => {
    const known = await tx.staticKeys.all()
    const uri = `kms://${settings.domain}/statickeys/${known.length + 1}` as StaticKeyUri
    const wrapped = keyring.wrap(settings.organizations[0], 'identity', uri, privateKey.expose())
    const key: StaticKey = {
      uri,
      publicJwkJson: printStaticKey(chain, uri),
      wrapped,
      createdAt: moment,
    }
    await tx.staticKeys.insert(key)
    await tx.keyring.countWraps(wrapped.keyEncryptionKeyId, 1)
    return {
      result: uri,
      acts: [
        {
          action: 'identity.imported',
          outcome: 'done',
          actor: { kind: 'system' },
          type: 'STATIC_KEY',
          uri,
        },
      ],
    }
  })
  privateKey.wipe()
  return imported
}
