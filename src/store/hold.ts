// A file held by this process alone, until it lets go or ends, however it ends. Node has no call for that; SQLite's
// lock on a database, here an empty one, is the operating system's and needs no cleaning up.

import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import Sqlite from 'better-sqlite3'

const { O_CREAT, O_NOFOLLOW, O_RDWR } = constants

/** Somebody may have put a link to another file, or a file of theirs, where ours would be. */
const isOurs = (file: string): boolean => {
  const opened = openSync(file, O_CREAT | O_NOFOLLOW | O_RDWR, 0o600)
  const found = fstatSync(opened)
  closeSync(opened)
  return found.isFile() && found.size === 0
}

/**
 * Makes the file if it is not there, and writes nothing into it. Answers how to let go; undefined if another process
 * holds it, if it is no empty file, or if files cannot be held in this place.
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
