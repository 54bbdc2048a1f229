// The verifier as a program: a directory in, two verdicts out. The same code is the command `keyrealm audit
// verify` and the single file that auditors take away (scripts/build-verifier.ts): files, no network, no database.

import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import {
  isConsistent,
  leafHash,
  openCheckpoint,
  parseConsistency,
  parseInclusion,
  parseVkey,
  type Report,
  rootFromInclusion,
  sameBytes,
  type VerifierKey,
  verifyLog,
} from '../audit/index.ts'

/** Bits of the exit code. */
export const NOT_INTACT = 4
export const NOT_COMPLETE = 8

/** Mistakes in use: the message says which. */
export class UsageError extends Error {}

export interface VerifyRequest {
  readonly directory: string
  /** vkeys, or files that hold one a line. */
  readonly keys: readonly string[]
  /** Checkpoints kept earlier, or directories of older exports. */
  readonly since: readonly string[]
  /** vkeys of witnesses, or files that hold one a line. */
  readonly witnesses: readonly string[]
  /** How many of them are enough; all of them unless told. */
  readonly quorum?: number
  readonly maxAgeSeconds?: number
  readonly nowSeconds: number
}

const textOf = (file: string): string => {
  if (!existsSync(file)) throw new UsageError(`there is no ${file}`)
  return readFileSync(file, 'utf8')
}

const keysOf = (given: string): readonly VerifierKey[] => {
  const lines = existsSync(given) ? textOf(given).split('\n') : [given]
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const key = parseVkey(line)
      if (key === undefined)
        throw new UsageError(`this is not a verifier key: ${line.slice(0, 80)}`)
      return key
    })
}

export const readKeys = (given: readonly string[]): readonly VerifierKey[] => {
  const keys = given.flatMap(keysOf)
  if (keys.length === 0) throw new UsageError('--key is needed: without it anybody’s log would do')
  return keys
}

const filesIn =
  (directory: string) =>
  (path: string): Uint8Array | undefined => {
    const file = join(directory, path)
    return existsSync(file) ? readFileSync(file) : undefined
  }

const olderLog = (given: string) =>
  existsSync(given) && statSync(given).isDirectory()
    ? { name: given, note: textOf(join(given, 'checkpoint')), read: filesIn(given) }
    : { name: given, note: textOf(given) }

const witnessPolicy = ({ witnesses, quorum }: VerifyRequest) => {
  const keys = witnesses.flatMap(keysOf)
  const names = new Set(keys.map(({ name }) => name)).size
  const enough = quorum ?? names
  if (enough > names || (enough === 0 && names > 0)) {
    throw new UsageError(`--quorum ${enough} of ${names} witnesses`)
  }
  return names === 0 ? undefined : { keys, quorum: enough }
}

export const verifyDirectory = (request: VerifyRequest): Report => {
  const { directory, maxAgeSeconds, nowSeconds } = request
  const policy = witnessPolicy(request)
  if (!existsSync(directory)) throw new UsageError(`there is no ${directory}`)
  return verifyLog(filesIn(directory), {
    keys: readKeys(request.keys),
    older: request.since.map(olderLog),
    ...(policy === undefined ? {} : { witnesses: policy }),
    ...(maxAgeSeconds === undefined ? {} : { age: { nowSeconds, maxSeconds: maxAgeSeconds } }),
  })
}

export const exitCodeOf = ({ isIntact, isComplete }: Report): number =>
  (isIntact ? 0 : NOT_INTACT) + (isComplete ? 0 : NOT_COMPLETE)

const said = (isSo: boolean): string => (isSo ? 'yes' : 'NO')

export const reportLines = (report: Report): readonly string[] => {
  const { head, findings, unlisted, notes } = report
  const signed =
    head?.signedAt === undefined ? '' : `, signed ${new Date(head.signedAt * 1000).toISOString()}`
  return [
    head === undefined
      ? 'no believable checkpoint'
      : `${head.origin}: ${head.size} entries${signed}`,
    ...findings.flatMap(({ verdict, where, what, explainedBy }) => [
      `not ${verdict}: ${where}: ${what}`,
      `  what would explain it: ${explainedBy}`,
    ]),
    ...(unlisted === 0 ? [] : [`and ${unlisted} more`]),
    ...notes.map((note) => `note: ${note}`),
    `intact: ${said(report.isIntact)}`,
    `complete: ${said(report.isComplete)}`,
  ]
}

/** Checks a proof file against the keys; the sentence to print, or undefined if it proves nothing. */
export const checkProof = (
  raw: string,
  keys: readonly VerifierKey[],
  old?: string,
): string | undefined => {
  const inclusion = parseInclusion(raw)
  if (inclusion !== undefined) {
    const head = openCheckpoint(inclusion.checkpoint, keys)
    if (typeof head === 'string' || inclusion.extra === undefined) return undefined
    if (inclusion.index >= head.size) return undefined
    const leaf = leafHash(inclusion.extra)
    const root = rootFromInclusion(leaf, inclusion.index, head.size, inclusion.hashes)
    if (root === undefined || !sameBytes(root, head.root)) return undefined
    return `entry ${inclusion.index + 1} of ${head.origin}:\n${new TextDecoder().decode(inclusion.extra)}`
  }
  const consistency = parseConsistency(raw)
  if (consistency === undefined || old === undefined) return undefined
  const [before, now] = [openCheckpoint(old, keys), openCheckpoint(consistency.checkpoint, keys)]
  if (typeof before === 'string' || typeof now === 'string') return undefined
  if (before.size !== consistency.index || !isConsistent(before, now, consistency.hashes)) {
    return undefined
  }
  return `the ${before.size} entries of then begin the ${now.size} of now`
}
