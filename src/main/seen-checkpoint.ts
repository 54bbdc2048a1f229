// The checkpoint of the release log that was accepted at the last start, so that the next one sees an older release put back. It
// judges nothing; half of one would refuse every start, so it is there whole or as it was.

import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Settings } from '../config/index.ts'

const fileOf = ({ realm }: Settings): string => join(realm.stateDirectory, 'release-log-checkpoint')

/** Undefined before the first start. */
export const readSeen = (settings: Settings): string | undefined => {
  try {
    return readFileSync(fileOf(settings), 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Flushed when this returns. Nothing is written where it is known already, as at nearly every start. */
export const keepSeen = (settings: Settings, checkpoint: string): void => {
  if (readSeen(settings) === checkpoint) return
  const file = fileOf(settings)
  // Of this process: whoever starts at the same moment has one, too.
  const beside = `${file}.${process.pid}.new`
  try {
    const descriptor = openSync(beside, 'w', 0o600)
    try {
      writeFileSync(descriptor, checkpoint)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(beside, file)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
}
