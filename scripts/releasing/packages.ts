// The packages of a lockfile, into a fresh checkout: by npm, or from an offline bundle, which holds the published
// archives by the digests of the lockfile. Either way every archive was checked against its digest.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type LockedPackage, readLockfile, sha512Hex } from './lockfile.ts'
import { type TreeFile, writeTar } from './tar.ts'

/** Whatever registry npm is set to: what it brings is held against the lockfile. No package's scripts are run. */
const npm = (folder: string, ...args: readonly string[]): void => {
  execFileSync(
    'npm',
    ['--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts', ...args],
    {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
}

const isForHere = ({ os, cpu, libc }: LockedPackage): boolean => {
  const fits = (list: readonly string[] | undefined, here: string): boolean =>
    list === undefined || list.includes(here)
  return fits(os, process.platform) && fits(cpu, process.arch) && fits(libc, 'glibc')
}

const needed = (root: string): readonly LockedPackage[] => readLockfile(root).filter(isForHere)

/** Half of the digest: names in a tar archive are short. All of it is checked. */
const nameInBundle = (one: LockedPackage): string => `packages/${sha512Hex(one).slice(0, 64)}.tgz`

const isIntact = (archive: Uint8Array, one: LockedPackage): boolean =>
  createHash('sha512').update(archive).digest('hex') === sha512Hex(one)

const fromBundle = (root: string, bundle: string): void => {
  const program = join(import.meta.dirname, 'unpack-bundle.mjs')
  execFileSync(process.execPath, [program, bundle, root], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

/** `bundle`: an offline bundle; without it npm asks its registry. `cache`: where npm keeps what it fetched. */
export const installPackages = (
  root: string,
  { bundle, cache }: { readonly bundle?: string; readonly cache?: string },
): void => {
  if (bundle !== undefined) fromBundle(root, bundle)
  else npm(root, 'ci', ...(cache === undefined ? [] : ['--cache', cache]))
}

/** Where npm's cache keeps content: named by its digest. */
const inCache = (cache: string, one: LockedPackage): string => {
  const hex = sha512Hex(one)
  return join(cache, '_cacache/content-v2/sha512', hex.slice(0, 2), hex.slice(2, 4), hex.slice(4))
}

/** The archives of every package needed here, as one file, the same for equal lockfiles. */
export const packBundle = (root: string, cache: string, committedAt: number): Buffer => {
  const files = new Map<string, TreeFile>()
  for (const one of needed(root)) {
    const file = inCache(cache, one)
    if (!existsSync(file)) throw new Error(`npm did not fetch ${one.name} ${one.version}`)
    const bytes = readFileSync(file)
    if (!isIntact(bytes, one)) throw new Error(`npm's cache has another ${one.name}`)
    files.set(nameInBundle(one), { path: nameInBundle(one), mode: 0o644, bytes })
  }
  return writeTar([...files.values()], committedAt)
}
