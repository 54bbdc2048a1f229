// A witness of others' logs (C2SP tlog-witness, as the server). It co-signs only what a log's own key has signed and
// what begins with everything that it has seen of that log before, and remembers what it co-signs before it answers.

import type { SigningKey } from '../crypto/index.ts'
import { Fault } from '../fault.ts'
import { after, type Duration, type Instant } from '../time.ts'
import { type Checkpoint, parseCheckpoint, signatureBy } from './checkpoint.ts'
import { cosign } from './cosignature.ts'
import type { Act } from './entry.ts'
import {
  encodeBase64,
  formatNote,
  keyIdOf,
  type Note,
  parseNote,
  type VerifierKey,
} from './note.ts'
import type { LogLedger, SeenLog } from './ports.ts'
import { type Proof, parseConsistency } from './proof.ts'
import { EMPTY_ROOT, isConsistent, sameBytes } from './tree.ts'

export type WitnessRefusal =
  | 'malformed'
  | 'unknown-log'
  | 'key-refused'
  | 'inconsistent'
  /** There is no key to sign with while the realm is locked. */
  | 'locked'

export type AddCheckpoint =
  | { readonly cosignatures: string }
  /** `knownSize`: of the checkpoint co-signed last. */
  | { readonly conflict: { readonly knownSize: number } }
  | { readonly refused: WitnessRefusal }

export interface LogWitnessParts {
  /** Of the logs that are witnessed; a key's name is its log's origin. */
  readonly logs: readonly VerifierKey[]
  readonly ledger: LogLedger
  /** Undefined while the realm is locked. */
  readonly signer: () => { readonly name: string; readonly keys: readonly SigningKey[] } | undefined
  /** A log that insists on a fork is recorded so often and no more. */
  readonly disputesEvery: Duration
}

/** tlog-witness: more hashes than a tree can be high. */
const HASHES_MAX = 63
/** Three lines and few extensions: two notes must fit into an entry as evidence. */
const NOTE_TEXT_MAX_CHARS = 1024
const SIGNATURES_KEPT = 3
/** Of ML-DSA-44, with its time. */
const SIGNATURE_MAX_BYTES = 2428

type Judgement =
  | { readonly kind: 'consistent' }
  | { readonly kind: 'conflict' | 'fork'; readonly knownSize: number }
  | { readonly kind: 'inconsistent' }

/** Does this checkpoint follow what was seen of its log? Nothing seen is a tree of size 0. */
const judgeCheckpoint = (
  seen: Pick<SeenLog, 'size' | 'root'> | undefined,
  checkpoint: Checkpoint,
  { index: old, hashes }: Pick<Proof, 'index' | 'hashes'>,
): Judgement => {
  const known = seen ?? { size: 0, root: EMPTY_ROOT }
  if (old !== known.size) return { kind: 'conflict', knownSize: known.size }
  const isSameSize = checkpoint.size === known.size
  if (isSameSize && !sameBytes(checkpoint.root, known.root)) {
    return { kind: 'fork', knownSize: known.size }
  }
  return isConsistent(known, checkpoint, hashes) ? { kind: 'consistent' } : { kind: 'inconsistent' }
}

interface Opened {
  readonly proof: Proof
  readonly note: Note
  readonly checkpoint: Checkpoint
}

const open = (raw: string): Opened | undefined => {
  const proof = parseConsistency(raw)
  const note = proof === undefined ? undefined : parseNote(proof.checkpoint)
  const checkpoint = note === undefined ? undefined : parseCheckpoint(note.text)
  if (proof === undefined || note === undefined || checkpoint === undefined) return undefined
  const isPossible =
    proof.hashes.length <= HASHES_MAX &&
    note.text.length <= NOTE_TEXT_MAX_CHARS &&
    Number.isSafeInteger(proof.index)
  return isPossible ? { proof, note, checkpoint } : undefined
}

/** The note with the log's own signatures, those that we checked first: small enough to be evidence. */
const onlyOf = (keys: readonly VerifierKey[], { text, signatures }: Note): string => {
  const checked = keys.flatMap((key) => {
    const id = keyIdOf(key)
    return signatures.find(({ name, keyId }) => name === key.name && sameBytes(keyId, id)) ?? []
  })
  const origin = keys[0]?.name
  const others = signatures.filter(
    (one) =>
      one.name === origin && one.signature.length <= SIGNATURE_MAX_BYTES && !checked.includes(one),
  )
  return formatNote({ text, signatures: [...checked, ...others].slice(0, SIGNATURES_KEPT) })
}

interface Sight {
  readonly judgement: Judgement
  readonly isRecorded: boolean
  readonly now: Instant
}

export class LogWitness {
  readonly #parts: LogWitnessParts
  /** When a dispute with a log was last recorded, by origin. */
  readonly #disputed = new Map<string, Instant>()

  constructor(parts: LogWitnessParts) {
    this.#parts = parts
  }

  /** The body of `add-checkpoint`. What it answers is durable. */
  async addCheckpoint(raw: string): Promise<AddCheckpoint> {
    const opened = open(raw)
    if (opened === undefined) return { refused: 'malformed' }
    const { proof, note, checkpoint } = opened
    const { origin } = checkpoint
    const keys = this.#parts.logs.filter(({ name }) => name === origin)
    if (keys.length === 0) return { refused: 'unknown-log' }
    const verdicts = keys.map((key) => signatureBy(key, note, checkpoint))
    const isSigned = verdicts.some((verdict) => typeof verdict !== 'string')
    if (!isSigned || verdicts.includes('bad-signature')) return { refused: 'key-refused' }
    if (proof.index > checkpoint.size) return { refused: 'malformed' }
    const signer = this.#parts.signer()
    if (signer === undefined) return { refused: 'locked' }
    const { judgement, isRecorded, now } = await this.#see(opened, onlyOf(keys, note))
    if (isRecorded) this.#disputed.set(origin, now)
    if (judgement.kind === 'inconsistent') return { refused: 'inconsistent' }
    if (judgement.kind !== 'consistent') return { conflict: { knownSize: judgement.knownSize } }
    return { cosignatures: cosign(note.text, checkpoint, signer, Math.floor(now / 1000)) }
  }

  /** Judged and remembered in one transaction: of two requests at once the second meets the first. */
  #see({ proof, checkpoint }: Opened, note: string): Promise<Sight> {
    return this.#parts.ledger.commit<Sight>(async (tx, now) => {
      const seen = await tx.witnesses.seen(checkpoint.origin)
      const judgement = judgeCheckpoint(seen, checkpoint, proof)
      const log: SeenLog = { ...checkpoint, note, seenAt: now }
      if (judgement.kind !== 'consistent') {
        const acts = this.#dispute(judgement, seen, log)
        return { result: { judgement, isRecorded: acts.length > 0, now }, acts }
      }
      if (!(await tx.witnesses.see(log, seen?.size))) throw new Fault('audit.witness-raced')
      return { result: { judgement, isRecorded: false, now }, acts: [] }
    })
  }

  /** Another size than the log remembered is no offence; another history is. Both signed notes are the evidence. */
  #dispute({ kind }: Judgement, seen: SeenLog | undefined, shown: SeenLog): readonly Act[] {
    const last = this.#disputed.get(shown.origin)
    const isTooSoon = last !== undefined && shown.seenAt < after(last, this.#parts.disputesEvery)
    if (kind === 'conflict' || seen === undefined || isTooSoon) return []
    return [disputed(kind, seen, shown)]
  }
}

/** `fork`: two roots of one size, which no innocent log signs. Else the proof did not lead to what was seen. */
const disputed = (kind: Judgement['kind'], seen: SeenLog, shown: SeenLog): Act => ({
  action: kind === 'fork' ? 'witness.fork-refused' : 'witness.proof-refused',
  outcome: 'refused',
  actor: { kind: 'peer' },
  type: 'AUDIT_LOG',
  details: {
    origin: shown.origin,
    size: shown.size,
    root: encodeBase64(shown.root),
    checkpoint: shown.note,
    seenSize: seen.size,
    seenRoot: encodeBase64(seen.root),
    seenCheckpoint: seen.note,
  },
})
