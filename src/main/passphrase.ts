// Asks a person for the passphrase, on a terminal, without showing it.

import { SecretBytes } from '../crypto/index.ts'
import { CommandError } from './command-error.ts'
import { openTerminal, type Terminal } from './terminal.ts'

/** A passphrase is never read from a pipe by accident. */
const atTerminal = async (
  asking: (terminal: Terminal) => Promise<string>,
): Promise<SecretBytes> => {
  if (!process.stdin.isTTY) {
    throw new CommandError(
      'main.no-passphrase',
      'there is no passphrase file and no terminal to ask on',
    )
  }
  const terminal = openTerminal('hidden')
  try {
    return SecretBytes.from(new TextEncoder().encode(await asking(terminal)))
  } finally {
    terminal.close()
  }
}

/** Throws a CommandError where there is no terminal, or nobody answers. */
export const askPassphrase = (): Promise<SecretBytes> =>
  atTerminal((terminal) => terminal.line('Passphrase: '))

const askTwice = async (terminal: Terminal): Promise<string> => {
  for (;;) {
    const said = await terminal.line('New passphrase: ')
    if (said === '') terminal.say('  It must not be empty.\n')
    else if (said === (await terminal.line('Again: '))) return said
    else terminal.say('  These were not the same.\n')
  }
}

/** One that shall be used from now on: asked for until it was said twice, for a slip would lock everybody out. */
export const askNewPassphrase = (): Promise<SecretBytes> => atTerminal(askTwice)
