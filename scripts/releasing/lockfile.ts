// What package-lock.json says of packages: version, licence, and the digest npm checked when it installed them.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface LockedPackage {
  /** `node_modules/@noble/hashes` */
  readonly path: string
  readonly name: string
  readonly version: string
  readonly license: string
  /** Of the published archive: `sha512-` and base64. */
  readonly integrity: string
  /** Only needed to build and to test. */
  readonly isForDevelopment: boolean
  /** For which machines; everywhere unless told. */
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly libc?: readonly string[]
}

interface Row {
  readonly name?: string
  readonly version?: string
  readonly license?: string
  readonly integrity?: string
  readonly dev?: boolean
  readonly devOptional?: boolean
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly libc?: readonly string[]
}

const toPackage = ([path, row]: readonly [string, Row]): LockedPackage => {
  const { version, integrity, os, cpu, libc } = row
  if (version === undefined || integrity?.startsWith('sha512-') !== true) {
    throw new Error(`package-lock.json has no version or no SHA-512 for ${path}`)
  }
  return {
    path,
    // An alias has its real name in the row.
    name: row.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
    version,
    license: row.license ?? 'see its licence file',
    integrity,
    isForDevelopment: row.dev === true || row.devOptional === true,
    ...(os === undefined ? {} : { os }),
    ...(cpu === undefined ? {} : { cpu }),
    ...(libc === undefined ? {} : { libc }),
  }
}

/** Every package of the lockfile, by path. */
export const readLockfile = (root: string): readonly LockedPackage[] => {
  const { packages }: { readonly packages: Readonly<Record<string, Row>> } = JSON.parse(
    readFileSync(join(root, 'package-lock.json'), 'utf8'),
  )
  return Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(toPackage)
}

/** Those in the given folders; throws if one is not in the lockfile. */
export const lockedPackages = (
  root: string,
  folders: readonly string[],
): readonly LockedPackage[] => {
  const known = new Map(readLockfile(root).map((one) => [one.path, one]))
  return folders.map((folder) => {
    const found = known.get(folder)
    if (found === undefined) throw new Error(`${folder} is not in package-lock.json`)
    return found
  })
}

/** `sha512-…` as lower-case hex. */
export const sha512Hex = ({ integrity }: Pick<LockedPackage, 'integrity'>): string =>
  Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex')

/** `pkg:npm/%40noble/hashes@2.4.0` */
export const purlOf = ({ name, version }: Pick<LockedPackage, 'name' | 'version'>): string =>
  `pkg:npm/${name.replace(/^@/, '%40')}@${version}`
