// What checkpoints say against each other, and who vouches for them: two of one size with different roots, and whether
// enough witnesses have co-signed one of them.

import type { VerifiedCheckpoint } from './checkpoint.ts'
import { cosignedAt } from './cosignature.ts'
import type { Findings } from './findings.ts'
import { encodeBase64, parseNote, type VerifierKey } from './note.ts'
import { sameBytes } from './tree.ts'

export interface WitnessPolicy {
  readonly keys: readonly VerifierKey[]
  /** How many different witnesses, by name, must have co-signed one checkpoint. */
  readonly quorum: number
}

/** A checkpoint of this log at hand: the newest, or one that somebody kept. */
export interface Shown extends VerifiedCheckpoint {
  readonly name: string
  readonly note: string
}

/** Two roots of one size: the log showed different people different histories. */
export const judgeForks = (shown: readonly Shown[], findings: Findings): void => {
  shown.forEach((one, index) => {
    const other = shown
      .slice(0, index)
      .find(({ size, root }) => size === one.size && !sameBytes(root, one.root))
    if (other === undefined) return
    findings.notIntact(
      `${other.name} and ${one.name}, both of size ${one.size}`,
      `they have different roots, ${encodeBase64(other.root)} and ${encodeBase64(one.root)}, and are signed by the same keys`,
      'nothing legitimate: keep both, together they prove that the log was forked',
    )
  })
}

/** Nobody outside has seen a tail for so many seconds; unless the auditor says how old the news may be. */
const UNWITNESSED_MAX = 3600

interface Vouched {
  readonly shown: Shown
  /** When each of the witnesses co-signed, newest first, in POSIX seconds. */
  readonly times: readonly number[]
}

const vouchedBy = (shown: Shown, keys: readonly VerifierKey[]): Vouched => {
  const note = parseNote(shown.note)
  const times = new Map<string, number>()
  for (const key of keys) {
    const at = note === undefined ? undefined : cosignedAt(key, note)
    if (at !== undefined) times.set(key.name, Math.max(at, times.get(key.name) ?? 0))
  }
  return { shown, times: [...times.values()].sort((a, b) => b - a) }
}

export const judgeWitnesses = (
  shown: readonly Shown[],
  asked: {
    readonly witnesses?: WitnessPolicy
    readonly age?: { readonly nowSeconds: number; readonly maxSeconds: number }
  },
  findings: Findings,
): void => {
  const { witnesses, age } = asked
  if (witnesses === undefined) return
  const { keys, quorum } = witnesses
  const all = shown.map((one) => vouchedBy(one, keys))
  const [best] = all
    .filter(({ times }) => times.length >= quorum)
    .toSorted((a, b) => b.shown.size - a.shown.size)
  if (best === undefined) {
    const most = Math.max(...all.map(({ times }) => times.length))
    findings.notComplete(
      'the witnesses',
      `no checkpoint here is co-signed by ${quorum} of them, at most by ${most}`,
      'witnesses that were not asked or did not answer; else what is shown here was not shown to them',
    )
    return
  }
  const { size = 0, signedAt = 0 } = shown[0] ?? {}
  const { nowSeconds, maxSeconds } = age ?? { nowSeconds: signedAt, maxSeconds: UNWITNESSED_MAX }
  const late = nowSeconds - (best.times[quorum - 1] ?? 0)
  if (late > maxSeconds) {
    findings.notComplete(
      `the end, after entry ${best.shown.size}`,
      `enough witnesses last co-signed ${late} seconds before ${age === undefined ? 'it was signed' : 'now'}`,
      'an old export; witnesses that do not answer, or that know a larger log than this one',
    )
  }
  if (best.shown.size < size) {
    findings.note(`entries after ${best.shown.size} are not witnessed yet`)
  }
}
