// The one way to write: an act and its audit entry in one transaction, one transaction at a time.
// An act whose entry cannot be recorded does not happen.

import type { Act, Recorder } from '../../audit/index.ts'
import type { Instant } from '../../time.ts'
import type { Store, Transaction } from '../ports.ts'

export interface Done<Result> {
  readonly result: Result
  readonly acts: readonly Act[]
}

export interface Numbered<Result> {
  readonly result: Result
  readonly sequences: readonly number[]
}

export interface Ledger<Tx extends Transaction = Transaction> {
  /**
   * Runs `work`, records its acts, and resolves once both are durable. `work` may run more than once
   * (serialization failures), so it MUST have no effect but on `tx`.
   */
  commit<Result>(work: (tx: Tx, now: Instant) => Promise<Done<Result>>): Promise<Result>
  /** The same, and where in the log the acts stand, in their order. */
  commitNumbered<Result>(
    work: (tx: Tx, now: Instant) => Promise<Done<Result>>,
  ): Promise<Numbered<Result>>
}

export const createLedger = <Tx extends Transaction = Transaction>(
  store: Store<Tx>,
  recorder: Recorder,
  now: () => Instant,
): Ledger<Tx> => {
  let tail: Promise<unknown> = Promise.resolve()
  const once = async <Result>(
    work: (tx: Tx, now: Instant) => Promise<Done<Result>>,
  ): Promise<Numbered<Result>> => {
    try {
      const done = await store.transact(async (tx) => {
        const moment = now()
        const { result, acts } = await work(tx, moment)
        return { result, recorded: await recorder.record(tx.audit, acts, moment) }
      })
      recorder.committed(done.recorded)
      return { result: done.result, sequences: done.recorded.sequences }
    } catch (error) {
      recorder.uncertain()
      throw error
    }
  }
  const commitNumbered: Ledger<Tx>['commitNumbered'] = (work) => {
    const turn = tail.then(() => once(work))
    tail = turn.catch(() => undefined)
    return turn
  }
  return { commit: async (work) => (await commitNumbered(work)).result, commitNumbered }
}
