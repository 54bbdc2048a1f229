// A checkout becomes a fresh folder with exactly the files of one commit, and the packages of its lockfile. What else
// lies in the checkout (edits, caches, node_modules) cannot reach a release.

import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { pathOf, readTar } from './tar.ts'

export interface SourceCommit {
  readonly commit: string
  /** When it was made, in POSIX seconds. */
  readonly committedAt: number
}

const ARCHIVE_MAX_BYTES = 1024 ** 3

/** Without anybody's settings; the checkout may belong to somebody else. */
const git = (folder: string, ...args: readonly string[]): Buffer =>
  execFileSync('git', ['-c', 'safe.directory=*', '-C', folder, ...args], {
    maxBuffer: ARCHIVE_MAX_BYTES,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], GIT_CONFIG_NOSYSTEM: '1', HOME: '/nonexistent' },
  })

export const isRepository = (folder: string): boolean => existsSync(join(folder, '.git'))

/** What is checked out, if nothing is changed in it; else throws. */
export const cleanHead = (folder: string): SourceCommit => {
  const changes = git(folder, 'status', '--porcelain').toString().trim()
  if (changes !== '') throw new Error(`the checkout is not clean:\n${changes}`)
  const [commit = '', time = ''] = git(folder, 'log', '-1', '--format=%H %ct')
    .toString()
    .trim()
    .split(' ')
  return { commit, committedAt: Number(time) }
}

/** Symbolic links would be followed while building, so there are none. */
const exportCommit = (from: string, commit: string, to: string): void => {
  const archive = git(from, 'archive', '--format=tar', commit)
  for (const entry of readTar(archive)) {
    // The commit's id, in a header that belongs to no file.
    if (entry.name === 'pax_global_header') continue
    const path = pathOf(entry)
    if (path === undefined || entry.kind === 'link' || entry.kind === 'other') {
      throw new Error(`the commit holds ${entry.name}, which is no plain file`)
    }
    if (entry.kind === 'folder') mkdirSync(join(to, path), { recursive: true })
    else {
      mkdirSync(dirname(join(to, path)), { recursive: true })
      writeFileSync(join(to, path), entry.bytes)
    }
  }
}

const NOT_SOURCE = new Set(['node_modules', '.git'])

/**
 * Puts the source into the empty folder `to`. Without git there is only what lies there, and whether that is the
 * commit is for its owner to know; `isProven` says which it was.
 */
export const exportSource = (
  from: string,
  commit: string,
  to: string,
): { readonly isProven: boolean } => {
  if (isRepository(from)) {
    exportCommit(from, commit, to)
    return { isProven: true }
  }
  cpSync(from, to, { recursive: true, filter: (path) => !NOT_SOURCE.has(basename(path)) })
  return { isProven: false }
}
