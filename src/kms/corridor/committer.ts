// Group commit: cases that arrive together share one transaction and one disk flush. An outcome is
// handed back only once it is durable. A Fault in a group rolls all of it back; then every case is
// tried alone, so that only the one that is broken fails. One that a lock caught half-way is refused.

import type { Act } from '../../audit/index.ts'
import { Fault } from '../../fault.ts'
import { type Refusal, refuse } from '../../refusal.ts'
import type { Instant } from '../../time.ts'
import { isLockedFault } from '../keyring/keyring.ts'
import { type Asked, type Case, isAsked, isTurned, operationIdOf, type Turned } from './case.ts'
import type { Ledger } from './ledger.ts'
import { type Conclusion, type TransactParts, transact } from './transact.ts'

const GROUP_MAX = 256

interface Waiting {
  readonly one: Case
  readonly resolve: (conclusion: Conclusion) => void
  readonly reject: (fault: unknown) => void
}

/** What two cases of one group must not share: a requestId of a session, an operation of the core. */
const idsOf = (one: Case): readonly string[] => {
  const operationId = operationIdOf(one.received)
  return [
    ...(operationId === undefined ? [] : [`operation ${operationId}`]),
    ...(isTurned(one) || one.session === undefined
      ? []
      : [`${one.session.uri} ${one.request.requestId}`]),
  ]
}

const failedAct = (one: Case, fault: unknown, now: Instant): Act => ({
  action: 'request.failed',
  outcome: 'failed',
  actor: { kind: 'unknown' },
  type: 'MESSAGE',
  code: fault instanceof Fault ? fault.code : 'kms.unexpected',
  trackingId: one.received.trackingId,
  durationMs: Math.max(0, now - one.received.at),
  ...(isTurned(one) ? {} : { requestId: one.request.requestId, clientId: one.clientId }),
})

/** The same case, refused: what was proved of it is kept for its entry. */
const toTurned = (one: Asked, refusal: Refusal): Turned => {
  const { received, clientId, by, request, session } = one
  const { requestId, method, uri } = request
  return {
    ...{ received, refusal, clientId, by, requestId, method, uri },
    ...(session === undefined ? {} : { sessionUri: session.uri }),
  }
}

export class Committer {
  readonly #ledger: Ledger
  readonly #parts: TransactParts
  #waiting: Waiting[] = []
  #isDraining = false

  constructor(ledger: Ledger, parts: TransactParts) {
    this.#ledger = ledger
    this.#parts = parts
  }

  /** How a case ended, once that and its entry are durable. Rejects with the Fault that broke it. */
  conclude(one: Case): Promise<Conclusion> {
    const { promise, resolve, reject } = Promise.withResolvers<Conclusion>()
    this.#waiting.push({ one, resolve, reject })
    if (!this.#isDraining) {
      this.#isDraining = true
      // A turn of the event loop, so that all messages of one post are in the same group.
      setImmediate(() => void this.#drain())
    }
    return promise
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) await this.#settle(this.#takeGroup())
    this.#isDraining = false
  }

  /** The next cases in order; a request and its repeat never share a group. */
  #takeGroup(): readonly Waiting[] {
    const seen = new Set<string>()
    let length = 0
    for (const { one } of this.#waiting.slice(0, GROUP_MAX)) {
      const ids = idsOf(one)
      if (ids.some((id) => seen.has(id))) break
      for (const id of ids) seen.add(id)
      length += 1
    }
    const group = this.#waiting.slice(0, length)
    this.#waiting = this.#waiting.slice(length)
    return group
  }

  async #settle(group: readonly Waiting[]): Promise<void> {
    try {
      const conclusions = await this.#commit(group.map(({ one }) => one))
      group.forEach(({ resolve, reject }, index) => {
        const conclusion = conclusions[index]
        if (conclusion === undefined) reject(new Fault('kms.no-outcome'))
        else resolve(conclusion)
      })
    } catch (fault) {
      const [only] = group
      if (group.length > 1) for (const waiting of group) await this.#settle([waiting])
      else if (only !== undefined && isLockedFault(fault) && isAsked(only.one)) {
        await this.#settle([{ ...only, one: toTurned(only.one, refuse('kms.locked')) }])
      } else await this.#fail(group, fault)
    }
  }

  async #commit(cases: readonly Case[]): Promise<readonly Conclusion[]> {
    const { result, sequences } = await this.#ledger.commitNumbered((tx, now) =>
      transact(cases, tx, now, this.#parts),
    )
    // What was taken in from peers comes first; then one act for each case.
    const own = sequences.slice(sequences.length - result.length)
    return result.map((conclusion, index) => {
      const sequence = own[index]
      return sequence === undefined ? conclusion : { ...conclusion, sequence }
    })
  }

  /** A Fault gets its entry too, if the store lives; the caller is told nothing but "internal error". */
  async #fail(group: readonly Waiting[], fault: unknown): Promise<void> {
    for (const { one, reject } of group) {
      await this.#ledger
        .commit(async (_tx, now) => ({ result: undefined, acts: [failedAct(one, fault, now)] }))
        .catch(() => undefined)
      reject(fault)
    }
  }
}
