// The appliance's entry: one program, many commands. Adapters are built and rooms joined in `main/`,
// and nowhere else; the cloud core is another program that this one never imports.

import { type ExitCode, runCli } from './admin/index.ts'
import { createCommands } from './main/commands.ts'
import { VERSION } from './main/version.ts'

const EXIT_FAILED = 1
const LOST = 'keyrealm: what was to be printed could not be written (main.output-lost)\n'

/**
 * The streams of this process. Where nobody reads any more (`| head`), or the disk is full, what else is said is lost and
 * the work goes on to its end: half of it would be worse.
 */
const openOutput = () => {
  const broken = new Map<NodeJS.WriteStream, unknown>()
  const to = (stream: NodeJS.WriteStream) => {
    stream.on('error', (error: unknown) => broken.set(stream, error))
    return (text: string): void => {
      if (!broken.has(stream)) stream.write(text)
    }
  }
  const output = { out: to(process.stdout), error: to(process.stderr) }
  /** A stream tells of an error a turn later. A reader that left knows that it did; anything else is said. */
  const isWhole = async (): Promise<boolean> => {
    await new Promise((resolve) => setImmediate(resolve))
    const lost = broken.get(process.stdout)
    const isReaderGone = lost instanceof Error && 'code' in lost && lost.code === 'EPIPE'
    if (lost !== undefined && !isReaderGone) output.error(LOST)
    return broken.size === 0
  }
  return { output, isWhole }
}

/** Runs one command line (without node and script) and resolves with the exit code: not 0 if what it said was lost. */
export const runKeyrealm = async (args: readonly string[]): Promise<ExitCode> => {
  const { output, isWhole } = openOutput()
  const code = await runCli(createCommands(output), { version: VERSION }, args, output)
  return (await isWhole()) ? code : Math.max(code, EXIT_FAILED)
}
