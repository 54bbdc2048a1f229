// The flush of SQLite's write-ahead log, off the event loop: what `synchronous = full` does inside a
// commit, done right after it, so that the process goes on working while the disk does. Whoever asks
// is answered after a flush that began after they asked; those who wait together share one.

import { closeSync, fdatasync, openSync } from 'node:fs'
import { Fault } from '../../fault.ts'

export interface WalFlush {
  /** Resolves once everything written to the log before this call is on disk. */
  flush(): Promise<void>
  close(): void
}

/**
 * `file` is the database; its log must exist, and stays the same file while a connection is open. A flush
 * that failed may have lost what it was to write, and a later one would not know: after the first failure
 * every call rejects with the Fault `store.not-durable`.
 */
export const openWalFlush = (file: string): WalFlush => {
  const log = openSync(`${file}-wal`, 'r')
  let failure: Fault | undefined
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined

  const once = (): Promise<void> =>
    new Promise((resolve, reject) => {
      if (failure !== undefined) return reject(failure)
      fdatasync(log, (error) => {
        if (error === null || error === undefined) return resolve()
        failure ??= new Fault('store.not-durable', error)
        reject(failure)
      })
    })
  const start = (): Promise<void> => {
    const flush = once().finally(() => {
      if (running === flush) running = undefined
    })
    running = flush
    return flush
  }
  return {
    flush() {
      if (running === undefined) return start()
      // The one under way may have begun too early to cover us.
      next ??= running
        .catch(() => undefined)
        .then(() => {
          next = undefined
          return start()
        })
      return next
    },
    close: () => closeSync(log),
  }
}
