// A person at a terminal: lines that are asked for, shown while they are typed or not. Lines pasted at once answer one
// question after the other; Ctrl-C and the end of input end the command that asks.

import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { CommandError } from './command-error.ts'

export interface Terminal {
  /** One line, without its end. Throws a CommandError (`main.interrupted`) where none will come. */
  line(prompt: string): Promise<string>
  say(text: string): void
  close(): void
}

const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() })

/** `hidden`: nothing that is typed is shown. */
export const openTerminal = (how?: 'hidden'): Terminal => {
  const output = how === 'hidden' ? nowhere() : process.stderr
  // What must not be seen is not kept either: an arrow would say it again.
  const kept = how === 'hidden' ? { historySize: 0 } : {}
  const lines = createInterface({ input: process.stdin, output, terminal: true, ...kept })
  // Unlike `question`, it keeps lines that come while nobody asks.
  const said = lines[Symbol.asyncIterator]()
  const say = (text: string): void => void process.stderr.write(text)
  return {
    line: async (prompt) => {
      if (how === 'hidden') say(prompt)
      lines.setPrompt(prompt)
      lines.prompt()
      const { done, value } = await said.next()
      if (how === 'hidden' || done === true) say('\n')
      if (done === true) throw new CommandError('main.interrupted', 'interrupted: nothing was done')
      return value
    },
    say,
    close: () => lines.close(),
  }
}
