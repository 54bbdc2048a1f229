// Asks witnesses to co-sign what is published (C2SP tlog-witness, as the client). It runs beside recording and
// publishing and holds up neither. Nothing that a witness says is believed but its signature: what else it answers
// raises an alarm and stops nothing.

import { after, type Duration, type Instant, milliseconds } from '../time.ts'
import { cosignatureIn } from './cosignature.ts'
import type { Act } from './entry.ts'
import { keyIdOf, parseNote, type VerifierKey } from './note.ts'
import type {
  LogDatabase,
  LogLedger,
  LogTransaction,
  TreeHead,
  WitnessedNote,
  WitnessState,
} from './ports.ts'
import { formatConsistency } from './proof.ts'
import { tilesIn } from './publish.ts'
import { rootsOf } from './tiles.ts'
import { consistencyRanges } from './tree.ts'

export type WitnessAnswer =
  | { readonly status: number; readonly body: string }
  | { readonly problem: 'unreachable' | 'timed-out' | 'oversized' }

export interface Witness {
  readonly key: VerifierKey
  /** `POST <prefix>/add-checkpoint`. Bounded in time and size, follows no redirect, never rejects. */
  ask(body: string): Promise<WitnessAnswer>
}

export interface WitnessesParts {
  readonly witnesses: readonly Witness[]
  /** How many of them are enough. */
  readonly quorum: number
  readonly database: LogDatabase
  readonly ledger: LogLedger
  readonly now: () => Instant
  /** The pause after a first failure; it doubles, up to `pauseMax`. */
  readonly pause: Duration
  readonly pauseMax: Duration
  /** A cosignature is asked for anew after so long, so that its age says how old the news is. */
  readonly renewedAfter: Duration
}

/** What changed for a witness in a round; for the operator's log. */
export interface WitnessNews {
  readonly witness: string
  /** Empty: it co-signs again. */
  readonly code: string
}

interface Round {
  readonly head: TreeHead
  readonly states: ReadonlyMap<string, WitnessState>
}

type Outcome =
  | { readonly line: string; readonly signedAt: number }
  | { readonly code: string; readonly claimedSize?: number }

/** A cosignature says when it was made; a replayed one says an old time. */
const CLOCKS_APART_SECONDS = 300
const SIZE = /^(?:0|[1-9]\d{0,15})\n$/
const NEVER: Omit<WitnessState, 'witness' | 'generation'> = {
  size: 0,
  line: '',
  cosignedAt: 0 as Instant,
  failures: 0,
  code: '',
  claimedSize: 0,
  triedAt: 0 as Instant,
}

/** `<name>+<key id>`: a witness with a new key is another one. */
export const witnessName = (key: VerifierKey): string =>
  `${key.name}+${Buffer.from(keyIdOf(key)).toString('hex')}`

/** The states that vouch for exactly this tree. */
export const cosignersOf = (
  { generation, size }: Pick<TreeHead, 'generation' | 'size'>,
  states: readonly WitnessState[],
): readonly WitnessState[] =>
  states.filter(
    (state) => state.generation === generation && state.size === size && state.line !== '',
  )

const REFUSALS: Readonly<Record<number, string>> = {
  403: 'witness.key-refused',
  404: 'witness.unknown-log',
  429: 'witness.too-often',
}

/** What the log says of a witness that contradicts it. Both are signs of another history under this name. */
const ALARMS: Readonly<Record<string, { readonly action: string }>> = {
  'witness.ahead': { action: 'log.witness-ahead' },
  'witness.disputes': { action: 'log.witness-disputes' },
}

export class Witnesses {
  readonly #parts: WitnessesParts

  constructor(parts: WitnessesParts) {
    this.#parts = parts
  }

  /** Asks those that are due, once, and keeps what came of it. */
  async round(): Promise<readonly WitnessNews[]> {
    const { database, witnesses, now } = this.#parts
    const round = await database.read(async (tx) => ({
      head: await tx.tree.head(),
      states: new Map((await tx.witnesses.states()).map((state) => [state.witness, state])),
    }))
    if (round.head.checkpoint === '') return []
    const moment = now()
    const due = witnesses.filter(({ key }) => this.#isDue(this.#stateOf(key, round), round, moment))
    if (due.length === 0) return []
    const outcomes = await Promise.all(
      due.map(async (witness) => {
        const before = this.#stateOf(witness.key, round)
        const old = Math.min(before.size, round.head.size)
        return { before, outcome: await this.#ask(witness, round.head, old) }
      }),
    )
    return this.#keep(round.head, outcomes)
  }

  #stateOf(key: VerifierKey, { head: { generation }, states }: Round): WitnessState {
    const witness = witnessName(key)
    const known = states.get(witness)
    return known?.generation === generation ? known : { ...NEVER, witness, generation }
  }

  #isDue(state: WitnessState, { head }: Round, now: Instant): boolean {
    const { pause, pauseMax, renewedAfter } = this.#parts
    const { failures, triedAt, cosignedAt, size } = state
    // The clock was turned back: what was to come later is due now.
    if (triedAt > now) return true
    if (failures > 0) {
      const wait = Math.min(pauseMax, pause * 2 ** Math.min(failures - 1, 30))
      return after(triedAt, milliseconds(wait)) <= now
    }
    return size !== head.size || after(cosignedAt, renewedAfter) <= now
  }

  async #ask(witness: Witness, head: TreeHead, old: number, isSecond = false): Promise<Outcome> {
    const hashes = await this.#parts.database.read((tx) =>
      rootsOf(tilesIn(tx), consistencyRanges(old, head.size)),
    )
    const body = formatConsistency({ index: old, hashes, checkpoint: head.checkpoint })
    const answer = await witness.ask(body)
    if ('problem' in answer) return { code: `witness.${answer.problem}` }
    const { status } = answer
    if (status === 200) return this.#judge(witness.key, head, answer.body)
    if (status === 422 && old > 0) return { code: 'witness.disputes' }
    if (status !== 409) return { code: REFUSALS[status] ?? 'witness.refused' }
    const known = SIZE.test(answer.body) ? Number(answer.body) : undefined
    if (known === undefined) return { code: 'witness.refused' }
    if (known > head.size) return { code: 'witness.ahead', claimedSize: known }
    // It was asked from the size that it knows: of that size it knows another root.
    if (known === old) return { code: known === head.size ? 'witness.disputes' : 'witness.refused' }
    return isSecond ? { code: 'witness.refused' } : this.#ask(witness, head, known, true)
  }

  #judge(key: VerifierKey, { checkpoint }: TreeHead, lines: string): Outcome {
    const text = parseNote(checkpoint)?.text ?? ''
    const found = cosignatureIn(lines, text, key)
    if (found === undefined) return { code: 'witness.bad-cosignature' }
    const apart = Math.abs(found.signedAt - this.#parts.now() / 1000)
    return apart <= CLOCKS_APART_SECONDS ? found : { code: 'witness.wrong-clock' }
  }

  #keep(
    head: TreeHead,
    outcomes: readonly { readonly before: WitnessState; readonly outcome: Outcome }[],
  ): Promise<readonly WitnessNews[]> {
    return this.#parts.ledger.commit(async (tx, now) => {
      const newest = await tx.tree.head()
      const news: WitnessNews[] = []
      const acts: Act[] = []
      for (const { before, outcome } of outcomes) {
        const state = next(before, outcome, { asked: head, newest, now })
        await tx.witnesses.put(state)
        if (state.code === before.code) continue
        news.push({ witness: state.witness, code: state.code })
        const said = ALARMS[state.code]
        if (said !== undefined) acts.push(alarm(said.action, state, head))
      }
      await this.#countCosigners(tx, head)
      return { result: news, acts }
    })
  }

  async #countCosigners(tx: LogTransaction, head: TreeHead): Promise<void> {
    const { quorum, witnesses } = this.#parts
    const ours = new Set(witnesses.map(({ key }) => witnessName(key)))
    const states = (await tx.witnesses.states()).filter(({ witness }) => ours.has(witness))
    const cosigners = cosignersOf(head, states).toSorted((a, b) => b.cosignedAt - a.cosignedAt)
    const last = cosigners[quorum - 1]
    if (last === undefined) return
    const { generation, size } = head
    const note = withLines(head.checkpoint, cosigners)
    await tx.witnesses.putWitnessed({ generation, size, note, witnessedAt: last.cosignedAt })
  }
}

const withLines = (checkpoint: string, cosigners: readonly WitnessState[]): string =>
  checkpoint + cosigners.map(({ line }) => line).join('')

const next = (
  before: WitnessState,
  outcome: Outcome,
  at: { readonly asked: TreeHead; readonly newest: TreeHead; readonly now: Instant },
): WitnessState => {
  const { asked, newest, now } = at
  if ('line' in outcome) {
    const { size } = asked
    return { ...before, ...NEVER, size, line: outcome.line, cosignedAt: now, triedAt: now }
  }
  const { code, claimedSize = 0 } = outcome
  // Another node has published and asked meanwhile: there is nothing wrong.
  const isOvertaken =
    code === 'witness.ahead' &&
    claimedSize <= newest.size &&
    newest.generation === before.generation
  if (isOvertaken) return { ...before, triedAt: now }
  return { ...before, failures: before.failures + 1, code, claimedSize, triedAt: now }
}

/** The evidence: what we signed, and what the witness says against it. */
const alarm = (action: string, state: WitnessState, head: TreeHead): Act => ({
  action,
  outcome: 'failed',
  code: state.code,
  actor: { kind: 'system' },
  type: 'AUDIT_LOG',
  details: {
    witness: state.witness,
    size: head.size,
    checkpoint: head.checkpoint,
    ...(state.claimedSize === 0 ? {} : { claimedSize: state.claimedSize }),
    ...(state.line === '' ? {} : { cosignedSize: state.size, cosignature: state.line }),
  },
})

/** The newest note with as many cosignatures as there are for it; empty before the first. */
export const servedCheckpoint = async (tx: LogTransaction): Promise<string> => {
  const head = await tx.tree.head()
  if (head.checkpoint === '') return ''
  return withLines(head.checkpoint, cosignersOf(head, await tx.witnesses.states()))
}

/** The newest note of this log that enough witnesses have co-signed. */
export const servedWitnessed = async (tx: LogTransaction): Promise<WitnessedNote | undefined> => {
  const [witnessed, { generation }] = [await tx.witnesses.witnessed(), await tx.tree.head()]
  return witnessed?.generation === generation ? witnessed : undefined
}
