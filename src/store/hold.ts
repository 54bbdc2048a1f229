// A file held by this process alone, until it lets go or ends, however it ends. Node has no call for that; SQLite's
// lock on a database, here an empty one, is the operating system's and needs no cleaning up.

import { closeSync, lstatSync, openSync } from 'node:fs'
import Sqlite from 'better-sqlite3'

/**
 * Somebody may have put a link to another file, or a file of theirs, where ours would be. One that is there is looked at
 * and not opened: closing it again would let go of what this very process holds (POSIX, fcntl).
 */
const isOurs = (file: string): boolean => {
  const found = lstatSync(file, { throwIfNoEntry: false })
  if (found !== undefined) return found.isFile() && found.size === 0
  closeSync(openSync(file, 'wx', 0o600))
  return true
}

/**
 * Makes the file if it is not there, and writes nothing into it. Answers how to let go; undefined if somebody
 * holds it, this process or another, if it is no empty file, or if files cannot be held in this place.
 */
export const holdFile = (file: string): (() => void) | undefined => {
  let opened: Sqlite.Database | undefined
  try {
    if (!isOurs(file)) return undefined
    const database = new Sqlite(file, { timeout: 0 })
    opened = database
    // No journal beside it.
    database.pragma('journal_mode = memory')
    database.exec('begin immediate')
    return () => void database.close()
  } catch {
    opened?.close()
    return undefined
  }
}
