// Where our own files lie, in a checkout and in an installed release, and their digests. The two are laid out alike:
// beside the program's folder are its packages and, in a release, its evidence.

import {
  closeSync,
  existsSync,
  globSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
} from 'node:fs'
import { join, sep } from 'node:path'
import { readNamedFile } from '../config/index.ts'
import { sha256Hex, sha256OfPieces } from '../crypto/index.ts'
import type { FoundFile } from '../release/index.ts'

/** `src` of a checkout; `program` of a release. */
const PROGRAM = join(import.meta.dirname, '..')
/** The checkout, or what a manifest calls `usr/lib/keyrealm`. */
export const HOME = join(PROGRAM, '..')
const EVIDENCE_FOLDER = join(HOME, 'release')
const NATIVE = `node_modules/better-sqlite3/prebuilds/${process.platform}-${process.arch}.node`
const PIECE_BYTES = 1024 * 1024

function* piecesOf(file: string): Generator<Uint8Array> {
  const opened = openSync(file, 'r')
  try {
    const piece = new Uint8Array(PIECE_BYTES)
    for (;;) {
      const count = readSync(opened, piece)
      if (count === 0) return
      yield piece.subarray(0, count)
    }
  } finally {
    closeSync(opened)
  }
}

export const sha256OfFile = (file: string): string => sha256OfPieces(piecesOf(file))

/** One digest over many files: each one's digest and path, in order. */
const digestOver = (folder: string, patterns: readonly string[]): string =>
  sha256Hex(
    globSync([...patterns], { cwd: folder })
      .map((path) => path.split(sep).join('/'))
      .sort()
      .map((path) => `${sha256OfFile(join(folder, path))}  ${path}\n`)
      .join(''),
  )

/** What runs here. Each is SHA-256, in hex. */
export interface OwnDigests {
  /** Node's binary. */
  readonly runtimeSha256: string
  /** Our sources, or the bundles made of them. */
  readonly programSha256: string
  /** The packages: of a checkout what its lockfile says, of a release the files. */
  readonly packagesSha256: string
  /** Machine code that the program loads: better-sqlite3's. */
  readonly nativeSha256: string
  /** Of a release: its manifest, which names all of them. */
  readonly manifestSha256?: string
  /** The settings file, where one was named. */
  readonly configSha256?: string
}

/** A file of the evidence, or undefined. */
export const readEvidence = (path: string): Uint8Array | undefined => {
  const file = join(EVIDENCE_FOLDER, path)
  return existsSync(file) ? new Uint8Array(readFileSync(file)) : undefined
}

export const ownDigests = (configFile?: string): OwnDigests => {
  // First: whoever names something else hears of it at once.
  const settings = configFile === undefined ? undefined : readNamedFile(configFile)
  const manifest = readEvidence('manifest.json')
  const lockfile = join(HOME, 'package-lock.json')
  return {
    runtimeSha256: sha256OfFile(process.execPath),
    programSha256: digestOver(PROGRAM, ['**/*.ts', '**/*.mjs']),
    packagesSha256: existsSync(lockfile)
      ? sha256OfFile(lockfile)
      : digestOver(HOME, ['node_modules/**/*.{js,json,node}']),
    nativeSha256: sha256OfFile(join(HOME, NATIVE)),
    ...(manifest === undefined ? {} : { manifestSha256: sha256Hex(manifest) }),
    ...(settings === undefined ? {} : { configSha256: sha256Hex(settings) }),
  }
}

/** Everything below our home, as a manifest names it. Links are not followed, but found. */
export const filesAtHome = (prefix: string): readonly FoundFile[] =>
  readdirSync(HOME, { recursive: true, withFileTypes: true })
    .filter((one) => !one.isDirectory())
    .map((one): FoundFile => {
      const file = join(one.parentPath, one.name)
      const path = `${prefix}${file
        .slice(HOME.length + 1)
        .split(sep)
        .join('/')}`
      if (!one.isFile()) return { path, kind: 'other', size: 0, sha256: '' }
      const bytes = readFileSync(file)
      return { path, kind: 'file', size: bytes.length, sha256: sha256Hex(bytes) }
    })
