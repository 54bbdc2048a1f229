// The folder that a realm is put back into: it must be empty, and it is flushed before it gets its name.

import { closeSync, fsyncSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { CommandError } from '../command-error.ts'

const NAMED = 6

const namesIn = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw new CommandError('main.not-empty', `${folder} is not a folder that can be used`)
  }
}

/** Throws a CommandError `main.not-empty` that names what is in the way, unless nothing is there. */
export const assertEmpty = (folder: string): void => {
  const names = namesIn(folder).toSorted()
  if (names.length === 0) return
  const shown = names.slice(0, NAMED).join(', ')
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : ''
  throw new CommandError(
    'main.not-empty',
    `${folder} holds ${shown}${more}, and nothing is overwritten: put back into another folder, or first: mv ${folder} ${folder}.before`,
  )
}

const flush = (folder: string): void => {
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** The names in a folder, and in every folder below it: what they name has been flushed by whoever wrote it. */
export const flushTree = (folder: string, depth: 'whole' | 'alone' = 'whole'): void => {
  const below =
    depth === 'alone' ? [] : readdirSync(folder, { recursive: true, withFileTypes: true })
  for (const entry of below) {
    if (entry.isDirectory()) flush(join(entry.parentPath, entry.name))
  }
  flush(folder)
}
