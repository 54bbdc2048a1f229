// A checkout becomes a fresh folder with exactly the files of one commit, and the packages of its lockfile. What else
// lies in the checkout (edits, caches, node_modules) cannot reach a release.

import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isPath } from '../../src/release/index.ts'
import { type Git, readCommit } from './git-objects.ts'

export interface SourceCommit {
  readonly commit: string
  /** When it was made, in POSIX seconds. */
  readonly committedAt: number
}

const ARCHIVE_MAX_BYTES = 1024 ** 3

/** Without anybody's settings; the checkout may belong to somebody else. */
const gitIn =
  (folder: string): Git =>
  (args, input) =>
    execFileSync('git', ['-c', 'safe.directory=*', '-C', folder, ...args], {
      maxBuffer: ARCHIVE_MAX_BYTES,
      input,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_NO_REPLACE_OBJECTS: '1',
        // What is missing is not fetched: the repository's settings say by which command. The first is for a git before 2.45.
        GIT_ALLOW_PROTOCOL: 'none',
        GIT_NO_LAZY_FETCH: '1',
        HOME: '/nonexistent',
      },
    })

export const isRepository = (folder: string): boolean => existsSync(join(folder, '.git'))

/** What is checked out, if nothing is changed in it; else throws. */
export const cleanHead = (folder: string): SourceCommit => {
  const git = gitIn(folder)
  const changes = git(['status', '--porcelain'], '').toString().trim()
  if (changes !== '') throw new Error(`the checkout is not clean:\n${changes}`)
  const [commit = '', time = ''] = git(['log', '-1', '--format=%H %ct'], '')
    .toString()
    .trim()
    .split(' ')
  return { commit, committedAt: Number(time) }
}

const exportCommit = (from: string, { commit, committedAt }: SourceCommit, to: string): void => {
  const found = readCommit(gitIn(from), commit)
  if (found.committedAt !== committedAt) {
    throw new Error(`${commit} was made at ${found.committedAt}, and not at ${committedAt}`)
  }
  for (const { path, bytes } of found.files) {
    if (!isPath(path)) throw new Error(`the commit holds ${path}, which could lead elsewhere`)
    mkdirSync(dirname(join(to, path)), { recursive: true })
    writeFileSync(join(to, path), bytes)
  }
}

const NOT_SOURCE = new Set(['node_modules', '.git'])

/**
 * Puts the source into the empty folder `to`. Without git there is only what lies there, and whether that is the
 * commit is for its owner to know; `isProven` says which it was.
 */
export const exportSource = (
  from: string,
  commit: SourceCommit,
  to: string,
): { readonly isProven: boolean } => {
  if (isRepository(from)) {
    exportCommit(from, commit, to)
    return { isProven: true }
  }
  cpSync(from, to, { recursive: true, filter: (path) => !NOT_SOURCE.has(basename(path)) })
  return { isProven: false }
}
