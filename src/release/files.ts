// Are the files that lie there those of the manifest? Pure: what was found comes in, the first thing wrong goes out.
// A file that the manifest does not know counts as wrong: a program loads what lies beside it.

import { EVIDENCE, type Manifest } from './manifest.ts'
import type { ReleaseProblem } from './problems.ts'

/** Something that lies below the root of a release. */
export interface FoundFile {
  readonly path: string
  /** Anything but `file` is wrong: links, pipes, devices. */
  readonly kind: 'file' | 'other'
  readonly size: number
  readonly sha256: string
}

/** Compares all of the manifest below `prefix` with what lies there. Modes are left to whoever unpacked it. */
export const judgeFiles = (
  { files }: Manifest,
  prefix: string,
  found: readonly FoundFile[],
): ReleaseProblem | undefined => {
  const wanted = new Map(files.map((file) => [file.path, file]))
  const there = new Set<string>()
  for (const { path, kind, size, sha256 } of found) {
    if (kind !== 'file') return { problem: 'release.not-a-file', at: path }
    if (path.startsWith(EVIDENCE)) continue
    const file = wanted.get(path)
    if (file === undefined) return { problem: 'release.file-unknown', at: path }
    if (file.size !== size || file.sha256 !== sha256) {
      return { problem: 'release.file-altered', at: path }
    }
    there.add(path)
  }
  const missing = files.find(({ path }) => path.startsWith(prefix) && !there.has(path))
  return missing === undefined ? undefined : { problem: 'release.file-missing', at: missing.path }
}
