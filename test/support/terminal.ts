// The program on a terminal: util-linux's `script` gives it one, and what a person would type comes from the test. The
// terminal echoes whatever the program does not hide.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const PROGRAM = join(import.meta.dirname, '../../scripts/keyrealm.mjs')
const ENDS_WITHIN_MS = 60_000

/** Every Debian has it. */
export const hasTerminals = spawnSync('script', ['--version']).status === 0

export const ENTER = '\r'
export const CTRL_C = '\u0003'
export const CTRL_D = '\u0004'
export const ARROW_UP = '\u001b[A'

export interface OnTerminal {
  /** Resolves when `text` has been shown since this was asked last. Rejects if the program ends before. */
  shows(text: string): Promise<void>
  type(keys: string): void
  /** All that was shown, once the program has ended, and its exit code. */
  end(): Promise<{ readonly screen: string; readonly code: number }>
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

/** `keyrealm` with these words; killed after a minute. */
export const onTerminal = (...words: readonly string[]): OnTerminal => {
  // A shell that stayed would have its own view of Ctrl-C.
  const command = ['exec', ...[process.execPath, PROGRAM, ...words].map(quoted)].join(' ')
  const how = ['--quiet', '--flush', '--return', '--echo', 'always', '--command', command]
  const child = spawn('script', [...how, '/dev/null'], {
    env: { ...process.env, TERM: 'xterm', SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: ENDS_WITHIN_MS,
  })
  let screen = ''
  let seen = 0
  let hasEnded = false
  child.stdout.setEncoding('utf8').on('data', (shown: string) => {
    screen += shown
  })
  const ended = once(child, 'close').then(([code]) => {
    hasEnded = true
    return Number(code)
  })
  return {
    async shows(text) {
      for (;;) {
        const at = screen.indexOf(text, seen)
        if (at >= 0) {
          seen = at + text.length
          return
        }
        if (hasEnded) throw new Error(`ended without showing ${text}:\n${screen}`)
        await Promise.race([once(child.stdout, 'data'), ended])
      }
    },
    type: (keys) => void child.stdin.write(keys),
    end: async () => ({ code: await ended, screen }),
  }
}
