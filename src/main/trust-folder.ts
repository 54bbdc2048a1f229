// The operator's folder of anchors: files in it hold for every domain, files in a folder of it for the domain of that name, which then
// has no others. It repairs no name and follows no link: a folder that cannot be relied upon holds for nobody.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { domainToASCII } from 'node:url'
import { type PeerDomain, parsePeerDomain } from '../federation/index.ts'

/** What is wrong with a folder of one domain, in words for its operator. */
export interface FolderProblem {
  readonly folder: string
  readonly why: string
  /** Of whom nobody is accepted for it, as far as that can be told. */
  readonly domain?: PeerDomain
}

export interface TrustFolder {
  /** Of the files for every domain. */
  readonly anchors: readonly Uint8Array[]
  /** None where the folder cannot be relied upon. */
  readonly anchorsOf: ReadonlyMap<PeerDomain, readonly Uint8Array[]>
  readonly problems: readonly FolderProblem[]
}

interface Tied {
  readonly folder: string
  readonly domain: PeerDomain | undefined
  readonly files: readonly Uint8Array[]
  readonly why?: string
}

/** Of a name that is none as it stands: whom its operator may have meant. */
const meantBy = (name: string): PeerDomain | undefined =>
  parsePeerDomain(name) ?? parsePeerDomain(domainToASCII(name.replace(/\.+$/, '')))

const isShown = ({ name }: { readonly name: string }): boolean => !name.startsWith('.')

const readTied = (place: string, name: string): Pick<Tied, 'files' | 'why'> => {
  if (parsePeerDomain(name) === undefined) {
    return {
      files: [],
      why: 'its name is no domain: lower case, no dot at the end, xn-- for others',
    }
  }
  try {
    const entries = readdirSync(join(place, name), { withFileTypes: true }).filter(isShown)
    const strange = entries.find((entry) => !entry.isFile())
    if (strange !== undefined) return { files: [], why: `${strange.name} in it is no plain file` }
    if (entries.length === 0) return { files: [], why: 'it is empty' }
    const files = entries.map(
      (entry) => new Uint8Array(readFileSync(join(place, name, entry.name))),
    )
    return { files }
  } catch {
    return { files: [], why: 'it, or a file in it, cannot be read' }
  }
}

/** One that leads nowhere, or to itself, may have been meant for a folder. */
const isLinkedFile = (path: string): boolean => {
  try {
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** Files only, without those whose names begin with a dot. */
export const filesOf = (folder: string): readonly Uint8Array[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && isShown(entry))
    .map(({ name }) => new Uint8Array(readFileSync(join(folder, name))))

/** Throws where the folder itself, or a file for every domain, cannot be read. */
export const readTrustFolder = (place: string): TrustFolder => {
  const tied: Tied[] = []
  for (const entry of readdirSync(place, { withFileTypes: true }).filter(isShown)) {
    const { name } = entry
    const own = { folder: name, domain: meantBy(name) }
    if (entry.isDirectory()) tied.push({ ...own, ...readTied(place, name) })
    else if (entry.isSymbolicLink() && !isLinkedFile(join(place, name))) {
      tied.push({ ...own, files: [], why: 'it is a link: none is followed' })
    }
  }
  const anchorsOf = new Map<PeerDomain, readonly Uint8Array[]>()
  for (const { domain, files } of tied) {
    if (domain === undefined) continue
    // Two folders that mean one domain: neither is believed.
    anchorsOf.set(domain, anchorsOf.has(domain) ? [] : files)
  }
  return { anchors: filesOf(place), anchorsOf, problems: tied.flatMap(problemOf) }
}

const problemOf = ({ folder, domain, why }: Tied): readonly FolderProblem[] =>
  why === undefined ? [] : [{ folder, why, ...(domain === undefined ? {} : { domain }) }]
