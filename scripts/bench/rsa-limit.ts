// The limit of handshakes: how many RSA-2048 private-key operations this machine does, by OpenSSL's own benchmark in
// the same minute. A handshake needs two of them, one to open it and one to sign its answer.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const OPERATIONS_PER_HANDSHAKE = 2
const run = promisify(execFile)

export interface RsaLimit {
  readonly processes: number
  readonly operationMs: number
  readonly handshakesPerSecond: number
}

/** The private-key operations a second in what `openssl speed rsa2048` prints; undefined if it prints something else. */
export function parseSpeed(output: string): number | undefined {
  const [, perSecond] = /^rsa\s+2048 bits\s+\S+s\s+\S+s\s+([\d.]+)/m.exec(output) ?? []
  return perSecond === undefined ? undefined : Number(perSecond)
}

/** Undefined where there is no `openssl`. */
export async function measureRsa(
  processes: number,
  seconds: number,
): Promise<RsaLimit | undefined> {
  const multi = processes === 1 ? [] : ['-multi', String(processes)]
  // By the clock on the wall, as handshakes are counted: what others take of the machine, both miss.
  const args = ['speed', '-elapsed', '-seconds', String(seconds), ...multi, 'rsa2048']
  const output = await run('openssl', args).catch(() => undefined)
  const operations = output === undefined ? undefined : parseSpeed(output.stdout)
  if (operations === undefined) return undefined
  return {
    processes,
    operationMs: (1000 * processes) / operations,
    handshakesPerSecond: operations / OPERATIONS_PER_HANDSHAKE,
  }
}
