// The program itself as a process that dies at a point of its own work, or is told how many there are.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const KEYREALM = join(import.meta.dirname, '../../scripts/keyrealm.mjs')
const MORTAL = join(import.meta.dirname, 'mortal.ts')
const ENDS_WITHIN_MS = 120_000

export interface Ended {
  /** Points that it passed; undefined if it died. */
  readonly points?: number
  readonly error: string
}

/** Runs `keyrealm` with these words until it ends or is dead after so many points. */
export const dying = async (
  scratch: string,
  command: readonly string[],
  after?: number,
): Promise<Ended> => {
  const told = join(scratch, 'points')
  rmSync(told, { force: true })
  const env = {
    ...process.env,
    TMPDIR: scratch,
    NODE_COMPILE_CACHE: join(scratch, '../compiled'),
    KEYREALM_MORTAL: JSON.stringify({ after, told }),
  }
  const program = ['--import', MORTAL, KEYREALM, ...command]
  const child = spawn(process.execPath, program, {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: ENDS_WITHIN_MS,
  })
  let error = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    error += text
  })
  const [, signal] = await once(child, 'close')
  if (signal === 'SIGKILL') return { error }
  return { points: Number(readFileSync(told, 'utf8')), error }
}
