// The words the house rules are written in: a tree of sources, a place in it, and what is wrong there.

import { ROOTS } from '../boundaries.ts'
import type { SourceFacts } from './source.ts'

export type Rule =
  | 'unlisted-room'
  | 'unlisted-file'
  | 'room'
  | 'types-only'
  | 'door'
  | 'own-door'
  | 'library'
  | 'builtin'
  | 'hidden-loader'
  | 'unresolved'
  | 'cycle'
  | 'reachable-from-core'
  | 'node-global'
  | 'web-crypto'
  | 'shape'

export interface Violation {
  readonly file: string
  readonly line: number
  readonly rule: Rule
  readonly says: string
}

/** Path below `src/` -> text of the file. */
export type Tree = ReadonlyMap<string, string>

export interface Place {
  readonly path: string
  readonly facts: SourceFacts
  /** Undefined for ground files and the composition root. */
  readonly room: string | undefined
}

/** A file of the composition root: `main.ts`, or a file of its folder. */
export const isRoot = (path: string): boolean =>
  ROOTS.some((root) => path === root || (root.endsWith('/') && path.startsWith(root)))

/** The room of a path below `src/`; undefined for ground files and the composition root. */
export const roomOf = (path: string): string | undefined =>
  path.includes('/') && !isRoot(path) ? path.slice(0, path.indexOf('/')) : undefined
