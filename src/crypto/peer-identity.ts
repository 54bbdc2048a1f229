// What this realm shows its peers: a certificate with exactly its own name, and the key of that certificate. Whether anybody trusts it
// is the others' to say.

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { type Instant, instant } from '../time.ts'
import { nameOf } from './peer-certificate.ts'

export interface PeerIdentityFiles {
  /** PEM, leaf first. */
  readonly chainPem: string
  /** PEM, unencrypted. */
  readonly keyPem: string
  readonly domain: string
}

export interface PeerIdentity extends PeerIdentityFiles {
  readonly validUntil: Instant
}

/** Undefined for files that do not belong together, or do not name `domain` and nothing else. */
export const readPeerIdentity = (files: PeerIdentityFiles): PeerIdentity | undefined => {
  try {
    const node = new X509Certificate(files.chainPem)
    const isOwn = nameOf({ node }, files.domain) !== undefined
    const isWhole = isOwn && node.checkPrivateKey(createPrivateKey(files.keyPem))
    return isWhole ? { ...files, validUntil: instant(node.validToDate.getTime()) } : undefined
  } catch {
    return undefined
  }
}
