// A realm put back from a backup is finished once its folder has its name: a file in it then says which filling of the
// database it belongs to. Whoever was killed between that and telling the database is made up for at the next start.

import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Settings } from '../config/index.ts'
import { concludeRefill } from '../store/index.ts'
import { storeSettings } from './store-settings.ts'

/** Holds the filling's id. */
export const UNFINISHED_FILE = 'unfinished-restore'

const fileOf = ({ realm }: Settings): string => join(realm.stateDirectory, UNFINISHED_FILE)

const restoreIn = (settings: Settings): string | undefined => {
  try {
    return readFileSync(fileOf(settings), 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Throws a Fault `store.restore-unfinished` if the database was filled by another restore since. */
export const concludeRestore = async (settings: Settings): Promise<void> => {
  const restore = restoreIn(settings)
  if (restore === undefined) return
  await concludeRefill(storeSettings(settings), restore)
  // Somebody who starts at the same moment may have been quicker.
  rmSync(fileOf(settings), { force: true })
}
