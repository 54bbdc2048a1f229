// How far long work has come, for somebody who watches: on a terminal one line that is written over, elsewhere nothing.

import type { CliOutput } from '../admin/index.ts'

export interface Progress {
  /** Bytes so far. */
  show(total: number): void
  /** Takes the line away. */
  end(): void
}

const MEBIBYTE = 1024 * 1024
const EVERY_MS = 200

export const createProgress = (
  output: CliOutput,
  what: string,
  isWatched = process.stderr.isTTY === true,
): Progress => {
  let shownAt = 0
  let isShown = false
  return {
    show(total) {
      const now = performance.now()
      if (!isWatched || now - shownAt < EVERY_MS) return
      shownAt = now
      isShown = true
      output.error(`\r\u001b[K${(total / MEBIBYTE).toFixed(1)} MiB ${what}`)
    },
    end() {
      if (isShown) output.error('\r\u001b[K')
    },
  }
}
