// Asks a person for the passphrase, on a terminal, without showing it.

import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { SecretBytes } from '../crypto/index.ts'
import { CommandError } from './command-error.ts'

/** Throws a CommandError where there is no terminal: a passphrase is never read from a pipe by accident. */
export const askPassphrase = async (): Promise<SecretBytes> => {
  if (!process.stdin.isTTY) {
    throw new CommandError(
      'main.no-passphrase',
      'there is no passphrase file and no terminal to ask on',
    )
  }
  process.stderr.write('Passphrase: ')
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() })
  const terminal = createInterface({ input: process.stdin, output: hidden, terminal: true })
  const answer = await terminal.question('')
  terminal.close()
  process.stderr.write('\n')
  return SecretBytes.from(new TextEncoder().encode(answer))
}
