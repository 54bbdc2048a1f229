// A file held by this process alone, until it lets go or ends, however it ends. Node has no call for that; SQLite's
// lock on a database, here an empty one, is the operating system's and needs no cleaning up.

import { closeSync, openSync } from 'node:fs'
import Sqlite from 'better-sqlite3'

/**
 * Makes the file if it is not there, and writes nothing into it. Answers how to let go; undefined if another process
 * holds it, or if files cannot be held in this place.
 */
export const holdFile = (file: string): (() => void) | undefined => {
  let opened: Sqlite.Database | undefined
  try {
    closeSync(openSync(file, 'a', 0o600))
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
