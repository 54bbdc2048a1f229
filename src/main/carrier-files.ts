// What peers are measured by, and what proves this realm to them, as the operator's files have it now. Files that cannot be relied
// upon throw: what was read before them goes on.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSecret, type Settings } from '../config/index.ts'
import {
  isPeerTrustProblem,
  type PeerIdentity,
  type PeerTrust,
  readPeerIdentity,
  readPeerTrust,
  sha256Hex,
} from '../crypto/index.ts'
import { Fault } from '../fault.ts'

export type CarrierSettings = NonNullable<Settings['federation']['carrier']>

const filesOf = (folder: string | undefined): readonly Uint8Array[] =>
  folder === undefined
    ? []
    : readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
        .map(({ name }) => new Uint8Array(readFileSync(join(folder, name))))

export interface TrustFiles {
  /** Another one means that a file has changed. */
  readonly fingerprint: string
  /** Throws a Fault `main.peer-trust` for a file that cannot be relied upon. */
  load(): PeerTrust
}

export const readTrustFiles = (settings: CarrierSettings): TrustFiles => {
  const anchors = filesOf(settings.trustFolder)
  const lists = filesOf(settings.crlFolder)
  return {
    fingerprint: [...anchors, '', ...lists]
      .map((file) => (typeof file === 'string' ? file : sha256Hex(file)))
      .join(),
    load() {
      const trust = readPeerTrust({
        anchors: anchors.map((file) => new TextDecoder().decode(file)),
        revocationLists: lists,
        isRevocationRequired: settings.requireCrl,
      })
      if (isPeerTrustProblem(trust)) throw new Fault('main.peer-trust')
      return trust
    },
  }
}

/** Throws a Fault `main.peer-identity` for a key that is not the certificate's, or a certificate that is not of `domain`. */
export const readIdentity = (settings: CarrierSettings, domain: string): PeerIdentity => {
  const identity = readPeerIdentity({
    chainPem: readFileSync(settings.certificateFile, 'utf8'),
    keyPem: new TextDecoder().decode(readSecret({ file: settings.keyFile })),
    domain,
  })
  if (identity === undefined) throw new Fault('main.peer-identity')
  return identity
}
