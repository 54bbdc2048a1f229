// How far long work has come, for somebody who watches: on a terminal one line that is written over, elsewhere nothing.

import type { CliOutput } from '../admin/index.ts'

export interface Progress {
  /** Bytes so far, and what has become of them. */
  show(total: number, what: string): void
  /** A step that nobody can measure. */
  say(what: string): void
  /** Takes the line away. */
  end(): void
}

const MEBIBYTE = 1024 * 1024
const EVERY_MS = 200

/** Work with a line about it, which goes however the work ends. */
export const withProgress = async <Result>(
  output: CliOutput,
  work: (progress: Progress) => Result | Promise<Result>,
  isWatched = process.stderr.isTTY === true,
): Promise<Result> => {
  const progress = createProgress(output, isWatched)
  try {
    return await work(progress)
  } finally {
    progress.end()
  }
}

const createProgress = (output: CliOutput, isWatched: boolean): Progress => {
  let shownAt = Number.NEGATIVE_INFINITY
  let isShown = false
  const write = (line: string): void => {
    isShown = true
    output.error(`\r\u001b[K${line}`)
  }
  return {
    show(total, what) {
      const now = performance.now()
      if (!isWatched || now - shownAt < EVERY_MS) return
      shownAt = now
      write(`${(total / MEBIBYTE).toFixed(1)} MiB ${what}`)
    },
    say(what) {
      if (isWatched) write(`${what} …`)
    },
    end() {
      if (isShown) output.error('\r\u001b[K')
    },
  }
}
