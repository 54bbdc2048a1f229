// Reads the sources below a folder into memory, so that rules judge text and tests can seed violations without a disk.

import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import type { Tree } from './place.ts'

const CODE = /\.(?:[cm]?[jt]sx?)$/

/** Every code file below `folder`, by path with forward slashes, sorted. */
export const readTree = (folder: string): Tree => {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && CODE.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort()
  return new Map(
    files.map((file) => [relative(folder, file).split(sep).join('/'), readFileSync(file, 'utf8')]),
  )
}
