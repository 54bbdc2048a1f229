// What the stand-alone verifier does when it is started; everything else is the appliance's own code.

import { parseArgs } from 'node:util'
import {
  checkProof,
  exitCodeOf,
  readKeys,
  reportLines,
  textOf,
  UsageError,
  verifyDirectory,
} from '../../src/main/verify-files.ts'

const USAGE = `usage:
  audit-verify.mjs <directory> --key <vkey or file>... [--since <checkpoint or directory>...] [--max-age <seconds>]
                   [--witness <vkey or file>... [--quorum <count>]]
  audit-verify.mjs --proof <file> --key <vkey or file>... [--since <checkpoint>]

The directory holds a log as C2SP tlog-tiles lays it out: an export, or a copy of what the realm serves below /log/.
Exit code: 0 intact and complete; 4 not intact; 8 not complete; 12 neither; 1 the proof proves nothing; 2 used wrongly.
`

const OPTIONS = {
  key: { type: 'string', multiple: true },
  since: { type: 'string', multiple: true },
  proof: { type: 'string' },
  witness: { type: 'string', multiple: true },
  quorum: { type: 'string' },
  'max-age': { type: 'string' },
} as const

const runProof = (file: string, keys: readonly string[], since: string | undefined): number => {
  const old = since === undefined ? undefined : textOf(since)
  const proven = checkProof(textOf(file), readKeys(keys), old)
  process.stdout.write(`${proven ?? 'the proof proves nothing'}\n`)
  return proven === undefined ? 1 : 0
}

const run = (args: readonly string[]): number => {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: OPTIONS,
    allowPositionals: true,
  })
  const { key = [], since = [], proof, witness = [], quorum } = values
  const [directory, ...others] = positionals
  const maxAge = values['max-age']
  if (proof !== undefined) {
    const isMore = [directory, maxAge, quorum, witness[0], since[1]].some(
      (one) => one !== undefined,
    )
    if (isMore) throw new UsageError(USAGE)
    return runProof(proof, key, since[0])
  }
  const areNumbers = [maxAge, quorum].every((one) => one === undefined || /^\d{1,12}$/.test(one))
  if (directory === undefined || others.length > 0 || !areNumbers) throw new UsageError(USAGE)
  const report = verifyDirectory({
    directory,
    keys: key,
    since,
    witnesses: witness,
    ...(quorum === undefined ? {} : { quorum: Number(quorum) }),
    nowSeconds: Math.floor(Date.now() / 1000),
    ...(maxAge === undefined ? {} : { maxAgeSeconds: Number(maxAge) }),
  })
  process.stdout.write(`${reportLines(report).join('\n')}\n`)
  return exitCodeOf(report)
}

try {
  process.exitCode = run(process.argv.slice(2))
} catch (error) {
  const isUsage = error instanceof UsageError || error instanceof TypeError
  process.stderr.write(`${isUsage ? error.message : String(error)}\n`)
  process.exitCode = 2
}
