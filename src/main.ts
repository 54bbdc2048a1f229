// The appliance's entry: one program, many commands. Adapters are built and rooms joined in `main/`,
// and nowhere else; the cloud core is another program that this one never imports.

import { type ExitCode, runCli } from './admin/index.ts'
import { createCommands } from './main/commands.ts'
import { VERSION } from './main/version.ts'

/** Runs one command line (without node and script) and resolves with the exit code. */
export const runKeyrealm = (args: readonly string[]): Promise<ExitCode> => {
  const output = {
    out: (text: string) => void process.stdout.write(text),
    error: (text: string) => void process.stderr.write(text),
  }
  return runCli(createCommands(output), { version: VERSION }, args, output)
}
