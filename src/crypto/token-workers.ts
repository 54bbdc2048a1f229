// Tokens on threads of their own, so that indexing a year of messages holds up no key request. Small amounts are made at
// once where they are asked for: handing them over would cost more than making them.

import { Worker } from 'node:worker_threads'
import { Fault } from '../fault.ts'
import type { TokenInputs } from './token-inputs.ts'
import type { TokenOutcome, TokenTask } from './token-worker.ts'
import { packTokens, tokensOf } from './tokens.ts'

export interface TokenWorkers {
  /**
   * As `tokensOf`. The inputs are wiped in any case; the words and the states of the keys are moved to a thread, not
   * copied, and wiped there. Rejects with a Fault: `crypto.tokens-overloaded`, `crypto.token-thread-lost`,
   * `crypto.tokens-failed`, `crypto.tokens-closed`.
   */
  tokens(inputs: TokenInputs): Promise<Uint8Array>
  /** Calls that a thread has not answered yet. */
  readonly pending: number
  /** Stops the threads; what is still pending fails. */
  close(): Promise<void>
}

export interface TokenWorkersOptions {
  readonly threads: number
  /** Calls on threads at a time; one more fails. Default 256. */
  readonly maxPending?: number
  /** Calls with fewer inputs are answered on the caller's thread. Default 256. */
  readonly leastInputs?: number
}

/** So many take less than a tenth of a millisecond; fewer are not worth another thread (`scripts/bench/search.ts`). */
const DEFAULT_LEAST_INPUTS = 256
const DEFAULT_MAX_PENDING = 256

interface Job {
  readonly settle: (tokens: Uint8Array) => void
  readonly fail: (fault: Fault) => void
}

class TokenThread {
  readonly #jobs = new Map<number, Job>()
  #worker: Worker | undefined
  #lastId = 0

  get load(): number {
    return this.#jobs.size
  }

  run(inputs: TokenInputs, job: Job): void {
    this.#worker ??= this.#start()
    this.#lastId += 1
    const packed = packTokens(inputs)
    const { bytes, ends, runs, keyStates } = packed
    const task: TokenTask = { id: this.#lastId, packed }
    this.#jobs.set(task.id, job)
    this.#worker.ref()
    this.#worker.postMessage(task, [bytes.buffer, ends.buffer, runs.buffer, keyStates.buffer])
  }

  async close(): Promise<void> {
    const worker = this.#worker
    this.#lose(new Fault('crypto.tokens-closed'))
    await worker?.terminate()
  }

  #start(): Worker {
    // An empty environment: the thread needs none, and settings may name files of secrets.
    const file = new URL('./token-worker.ts', import.meta.url)
    const worker = new Worker(file, { name: 'tokens', env: {} })
    worker.on('message', (outcome: TokenOutcome) => this.#finish(outcome))
    worker.on('error', (cause) => this.#loseIf(worker, cause))
    worker.on('exit', () => this.#loseIf(worker))
    worker.unref()
    return worker
  }

  #finish({ id, tokens }: TokenOutcome): void {
    const job = this.#jobs.get(id)
    this.#jobs.delete(id)
    // An idle thread keeps no process alive.
    if (this.#jobs.size === 0) this.#worker?.unref()
    if (tokens === undefined) job?.fail(new Fault('crypto.tokens-failed'))
    else job?.settle(tokens)
  }

  #loseIf(worker: Worker, cause?: unknown): void {
    if (this.#worker === worker) this.#lose(new Fault('crypto.token-thread-lost', cause))
  }

  /** A lost thread is started again by the next call, not before: no loop if it cannot start at all. */
  #lose(fault: Fault): void {
    const lost = [...this.#jobs.values()]
    this.#worker = undefined
    this.#jobs.clear()
    for (const job of lost) job.fail(fault)
  }
}

class Pool implements TokenWorkers {
  readonly #threads: readonly TokenThread[]
  readonly #maxPending: number
  readonly #leastInputs: number
  #closed = false

  constructor(options: TokenWorkersOptions) {
    this.#maxPending = options.maxPending ?? DEFAULT_MAX_PENDING
    this.#leastInputs = options.leastInputs ?? DEFAULT_LEAST_INPUTS
    const count = Math.max(1, Math.trunc(options.threads))
    this.#threads = Array.from({ length: count }, () => new TokenThread())
  }

  get pending(): number {
    return this.#threads.reduce((sum, { load }) => sum + load, 0)
  }

  async tokens(inputs: TokenInputs): Promise<Uint8Array> {
    try {
      if (this.#closed) throw new Fault('crypto.tokens-closed')
      if (inputs.count < this.#leastInputs) return tokensOf(inputs)
      if (this.pending >= this.#maxPending) throw new Fault('crypto.tokens-overloaded')
      const idlest = this.#threads.reduce((best, each) => (each.load < best.load ? each : best))
      return await new Promise((settle, fail) => {
        idlest.run(inputs, { settle, fail })
        inputs.wipe()
      })
    } finally {
      inputs.wipe()
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#threads.map((thread) => thread.close()))
  }
}

/** Threads start with the first large call. */
export const createTokenWorkers = (options: TokenWorkersOptions): TokenWorkers => new Pool(options)
