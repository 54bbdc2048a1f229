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
  textIn,
  type VerifierKey,
  verifyLog,
} from '../audit/index.ts'
import { printable } from './printable.ts'

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
  /** Bytes of the log read so far. */
  readonly onBytes?: (total: number) => void
}

/** More than the largest bundle that tlog-tiles allows, and than any note or proof. */
const FILE_MAX_BYTES = 17 * 1024 * 1024

/** Undefined for what is not there, is no file (a pipe, a device), or is larger than anything of a log. */
const fileAt = (path: string): Uint8Array | undefined => {
  const found = statSync(path, { throwIfNoEntry: false })
  const isReadable = found?.isFile() === true && found.size <= FILE_MAX_BYTES
  return isReadable ? readFileSync(path) : undefined
}

export const textOf = (path: string): string => {
  const bytes = fileAt(path)
  const text = bytes === undefined ? undefined : textIn(bytes)
  if (text === undefined) throw new UsageError(`there is no ${path}, or it is not a text`)
  return text
}

const keyIn = (line: string): VerifierKey => {
  const key = parseVkey(line)
  if (key === undefined) throw new UsageError(`this is not a verifier key: ${line.slice(0, 80)}`)
  return key
}

/** A key that was typed is that key, whatever files are called like it. A file without any is a mistake. */
const keysOf = (given: string): readonly VerifierKey[] => {
  const typed = parseVkey(given)
  if (typed !== undefined) return [typed]
  if (!existsSync(given)) return [keyIn(given)]
  const lines = textOf(given).split('\n')
  const keys = lines.filter((line) => line !== '').map(keyIn)
  if (keys.length === 0) throw new UsageError(`there is no key in ${given}`)
  return keys
}

export const readKeys = (given: readonly string[]): readonly VerifierKey[] => {
  const keys = given.flatMap(keysOf)
  if (keys.length === 0) throw new UsageError('--key is needed: without it anybody’s log would do')
  return keys
}

const filesIn = (directory: string, onBytes?: (total: number) => void) => {
  let total = 0
  return (path: string): Uint8Array | undefined => {
    const bytes = fileAt(join(directory, path))
    total += bytes?.length ?? 0
    onBytes?.(total)
    return bytes
  }
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
  return verifyLog(filesIn(directory, request.onBytes), {
    keys: readKeys(request.keys),
    older: request.since.map(olderLog),
    ...(policy === undefined ? {} : { witnesses: policy }),
    ...(maxAgeSeconds === undefined ? {} : { age: { nowSeconds, maxSeconds: maxAgeSeconds } }),
  })
}

export const exitCodeOf = ({ isIntact, isComplete }: Report): number =>
  (isIntact ? 0 : NOT_INTACT) + (isComplete ? 0 : NOT_COMPLETE)

/** Longer than anything that a finding must say. */
const LINE_MAX_CHARS = 600

const clipped = (text: string): string =>
  printable(text.length <= LINE_MAX_CHARS ? text : `${text.slice(0, LINE_MAX_CHARS)}…`)

const timeOf = (seconds: number): string => {
  const time = new Date(seconds * 1000)
  return Number.isNaN(time.getTime()) ? `${seconds} seconds after 1970` : time.toISOString()
}

const said = (isSo: boolean): string => (isSo ? 'yes' : 'NO')

export const reportLines = (report: Report): readonly string[] => {
  const { head, findings, unlisted, notes } = report
  const signed = head?.signedAt === undefined ? '' : `, signed ${timeOf(head.signedAt)}`
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
  ].map(clipped)
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
    const entry = textIn(inclusion.extra)
    if (root === undefined || !sameBytes(root, head.root) || entry === undefined) return undefined
    return `entry ${inclusion.index + 1} of ${printable(head.origin)}:\n${printable(entry)}`
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
