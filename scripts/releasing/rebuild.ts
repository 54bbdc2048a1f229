// Source and packages in a fresh folder, and the build that the commit itself brings, run there in its own Node with
// nothing of the caller's environment.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installPackages } from './packages.ts'
import { exportSource, type SourceCommit } from './source.ts'

export interface RebuildOptions extends SourceCommit {
  /** A git checkout that has the commit, or a folder with its files. */
  readonly source: string
  readonly out: string
  /** Signatures and log to put in, instead of making them. */
  readonly evidence?: string
  readonly keys?: string
  readonly log?: string
  readonly offlineBundle?: string
}

export interface Rebuilt {
  readonly isProven: boolean
}

const optionsOf = (options: RebuildOptions): readonly string[] =>
  Object.entries({
    '--commit': options.commit,
    '--time': String(options.committedAt),
    '--out': options.out,
    '--evidence': options.evidence,
    '--keys': options.keys,
    '--log': options.log,
  }).flatMap(([name, value]) => (value === undefined ? [] : [name, value]))

/** A folder for the time of `work`. Its name is another one each time; that this changes nothing is tested. */
export const inScratch = <Result>(work: (folder: string) => Result): Result => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'keyrealm-release-')))
  try {
    return work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The pinned Node of a checkout whose packages are installed. */
export const pinnedNode = (root: string): string => {
  const name = `node-${process.platform}-${process.arch}`
  const file = join(root, 'node_modules', name, 'package.json')
  const { bin }: { readonly bin: { readonly node: string } } = JSON.parse(
    readFileSync(file, 'utf8'),
  )
  return join(root, 'node_modules', name, bin.node)
}

export const rebuild = (options: RebuildOptions): Rebuilt =>
  inScratch((folder) => {
    const { isProven } = exportSource(options.source, options, folder)
    const { offlineBundle: bundle } = options
    installPackages(folder, bundle === undefined ? {} : { bundle })
    const build = join(folder, 'scripts/releasing/build.ts')
    execFileSync(pinnedNode(folder), [build, ...optionsOf(options)], {
      cwd: folder,
      env: {},
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    return { isProven }
  })
