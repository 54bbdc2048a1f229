// The limit of tokens: how fast this machine's SHA-256 is on large blocks, by OpenSSL's own benchmark in the same minute. A
// token costs two compressions of 64 bytes.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const BYTES_A_TOKEN = 2 * 64
const run = promisify(execFile)

/** Bytes a second in the last column of what `openssl speed sha256` prints; undefined if it prints something else. */
export function parseShaSpeed(output: string): number | undefined {
  const [, thousands] = /^sha256\s.*?([\d.]+)k\s*$/m.exec(output) ?? []
  return thousands === undefined ? undefined : 1000 * Number(thousands)
}

/** Tokens a second; undefined where there is no `openssl`. */
export async function measureShaLimit(seconds: number): Promise<number | undefined> {
  const args = ['speed', '-elapsed', '-seconds', String(seconds), '-bytes', '16384', 'sha256']
  const output = await run('openssl', args).catch(() => undefined)
  const bytes = output === undefined ? undefined : parseShaSpeed(output.stdout)
  return bytes === undefined ? undefined : bytes / BYTES_A_TOKEN
}
