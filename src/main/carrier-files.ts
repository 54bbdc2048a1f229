// What peers are measured by, and what proves this realm to them, as the operator's files have it now. Files for everybody that cannot
// be relied upon throw, and what was read before them goes on; those for one domain shut that domain out.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readNamedText, readSecret, type Settings } from '../config/index.ts'
import {
  isPeerTrustProblem,
  type PeerIdentity,
  type PeerTrust,
  readPeerIdentity,
  readPeerTrust,
  sha256Hex,
} from '../crypto/index.ts'
import { Fault } from '../fault.ts'
import { parsePeerDomain } from '../federation/index.ts'
import { CommandError } from './command-error.ts'
import { type FolderProblem, filesOf, readTrustFolder, type TrustFolder } from './trust-folder.ts'

export type CarrierSettings = NonNullable<Settings['federation']['carrier']>

export interface LoadedTrust {
  readonly trust: PeerTrust
  /** Folders of single domains that hold for nobody, for what is wrong with them. */
  readonly problems: readonly FolderProblem[]
}

export interface TrustFiles {
  /** Another one means that something has changed. */
  readonly fingerprint: string
  /** Throws a Fault `main.peer-trust` for a file for every domain, or a list, that cannot be relied upon. */
  load(): LoadedTrust
}

const textOf = (file: Uint8Array): string => new TextDecoder().decode(file)

const fingerprintOf = (folder: TrustFolder, lists: readonly Uint8Array[]): string =>
  JSON.stringify([
    folder.anchors.map(sha256Hex),
    [...folder.anchorsOf].map(([domain, files]) => [domain, files.map(sha256Hex)]),
    folder.problems,
    lists.map(sha256Hex),
  ])

/** Those that only reading the certificates shows. */
const unfitOf = (trust: PeerTrust, known: readonly FolderProblem[]): readonly FolderProblem[] =>
  trust.unusableFor
    .map(parsePeerDomain)
    .filter((domain) => domain !== undefined)
    .filter((domain) => known.every((one) => one.domain !== domain))
    .map((domain) => {
      return { folder: domain, domain, why: 'a file in it holds no certificate of an authority' }
    })

/** Throws where one of the two folders, or a file for every domain, cannot be read. */
export const readTrustFiles = (settings: CarrierSettings): TrustFiles => {
  const folder = readTrustFolder(settings.trustFolder)
  const lists = settings.crlFolder === undefined ? [] : filesOf(settings.crlFolder)
  return {
    fingerprint: fingerprintOf(folder, lists),
    load() {
      const trust = readPeerTrust({
        anchors: folder.anchors.map(textOf),
        anchorsOf: new Map([...folder.anchorsOf].map(([name, files]) => [name, files.map(textOf)])),
        revocationLists: lists,
        isRevocationRequired: settings.requireCrl,
      })
      if (isPeerTrustProblem(trust)) throw new Fault('main.peer-trust')
      return { trust, problems: [...folder.problems, ...unfitOf(trust, folder.problems)] }
    },
  }
}

const unsound = (trustFolder: string, problems: readonly FolderProblem[]): CommandError =>
  new CommandError(
    'main.anchors-unusable',
    problems.map(({ folder, why }) => `${join(trustFolder, folder)}: ${why}`).join('; '),
  )

/** For a start: throws a CommandError `main.anchors-unusable` that names each folder and what is wrong with it. */
export const loadSoundTrust = (files: TrustFiles, { trustFolder }: CarrierSettings): PeerTrust => {
  const { trust, problems } = files.load()
  if (problems.length > 0) throw unsound(trustFolder, problems)
  return trust
}

/** The same of settings, without lists and certificates of our own; a folder that is not there is for others to miss. */
export const assertSoundAnchors = ({ federation: { carrier } }: Settings): void => {
  if (carrier === undefined || !existsSync(carrier.trustFolder)) return
  const { crlFolder: _, ...anchorsOnly } = carrier
  loadSoundTrust(readTrustFiles(anchorsOnly), carrier)
}

/** For a copy of the folders: throws the same where something in them is no plain file of a plain folder, and would be missing in it. */
export const assertWholeFolders = ({ federation: { carrier } }: Settings): void => {
  if (carrier === undefined || !existsSync(carrier.trustFolder)) return
  const { problems } = readTrustFolder(carrier.trustFolder)
  if (problems.length > 0) throw unsound(carrier.trustFolder, problems)
}

/** Throws a Fault `main.peer-identity` for a key that is not the certificate's, or a certificate that is not of `domain`. */
export const readIdentity = (settings: CarrierSettings, domain: string): PeerIdentity => {
  const identity = readPeerIdentity({
    chainPem: readNamedText(settings.certificateFile),
    keyPem: new TextDecoder().decode(readSecret({ file: settings.keyFile })),
    domain,
  })
  if (identity === undefined) throw new Fault('main.peer-identity')
  return identity
}
