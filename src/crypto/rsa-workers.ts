// A few threads for RSA private-key operations, with bounded queues in front of them. A full queue is
// refused at once: a client repeats a handshake by itself, a queue of minutes helps nobody. Signatures
// go first: they finish what an earlier decryption began.

import { Worker } from 'node:worker_threads'
import { Fault } from '../fault.ts'
import { RsaPrivateKey } from './rsa.ts'
import type { RsaOutcome, RsaTask } from './rsa-worker.ts'

export interface RsaWorkers {
  /** RSAES-OAEP with SHA-1 and MGF1-SHA-1; undefined for every failure, never why. */
  decryptOaep(key: RsaPrivateKey, ciphertext: Uint8Array): Promise<Uint8Array | undefined>
  /** RSASSA-PSS with SHA-256, MGF1-SHA-256 and a salt of 32 bytes. */
  signPs256(key: RsaPrivateKey, data: Uint8Array): Promise<Uint8Array>
  /** Operations waiting or running. */
  readonly pending: number
  /** Would one more decryption be refused? True only until something finishes. */
  readonly isFull: boolean
  /** Stops the threads; what is still pending fails with a Fault `crypto.rsa-closed`. */
  close(): Promise<void>
}

export interface RsaWorkersOptions {
  readonly threads: number
  /**
   * Decryptions that may wait, and as many signatures; one more fails with a Fault
   * `crypto.rsa-overloaded`. Default 1,024.
   */
  readonly maxQueued?: number
}

interface Job {
  readonly operation: RsaTask['operation']
  readonly key: RsaPrivateKey
  readonly input: Uint8Array
  readonly settle: (outcome: RsaOutcome) => void
  readonly fail: (fault: Fault) => void
}

const DEFAULT_MAX_QUEUED = 1024
// One running and one at hand, so that a thread never waits for the event loop.
const DEPTH = 2

class RsaThread {
  readonly #onFree: () => void
  readonly #jobs = new Map<number, Job>()
  #knownKeys = new Set<number>()
  #worker: Worker | undefined
  #lastId = 0

  constructor(onFree: () => void) {
    this.#onFree = onFree
    this.#worker = this.#start()
  }

  get load(): number {
    return this.#jobs.size
  }

  run(job: Job): void {
    this.#worker ??= this.#start()
    this.#lastId += 1
    this.#jobs.set(this.#lastId, job)
    this.#worker.ref()
    const input = new Uint8Array(job.input)
    const task = { id: this.#lastId, operation: job.operation, keyId: job.key.id, input }
    const first = !this.#knownKeys.has(job.key.id)
    this.#knownKeys.add(job.key.id)
    this.#worker.postMessage(first ? { ...task, key: RsaPrivateKey.handleOf(job.key) } : task, [
      input.buffer,
    ])
  }

  async close(): Promise<void> {
    const worker = this.#worker
    this.#lose(new Fault('crypto.rsa-closed'))
    await worker?.terminate()
  }

  #start(): Worker {
    // An empty environment: the thread needs none, and settings may name files of secrets.
    const worker = new Worker(new URL('./rsa-worker.ts', import.meta.url), { name: 'rsa', env: {} })
    worker.on('message', (outcome: RsaOutcome) => this.#finish(outcome))
    worker.on('error', (cause) => this.#loseIf(worker, cause))
    worker.on('exit', () => this.#loseIf(worker))
    worker.unref()
    return worker
  }

  #finish(outcome: RsaOutcome): void {
    const job = this.#jobs.get(outcome.id)
    this.#jobs.delete(outcome.id)
    // An idle thread keeps no process alive.
    if (this.#jobs.size === 0) this.#worker?.unref()
    this.#onFree()
    job?.settle(outcome)
  }

  #loseIf(worker: Worker, cause?: unknown): void {
    if (this.#worker === worker) this.#lose(new Fault('crypto.rsa-thread-lost', cause))
  }

  /** A lost thread is started again by the next job, not before: no loop if it cannot start at all. */
  #lose(fault: Fault): void {
    const lost = [...this.#jobs.values()]
    this.#worker = undefined
    this.#knownKeys = new Set()
    this.#jobs.clear()
    for (const job of lost) job.fail(fault)
    this.#onFree()
  }
}

class Pool implements RsaWorkers {
  readonly #threads: readonly RsaThread[]
  readonly #queues: Readonly<Record<RsaTask['operation'], Job[]>> = {
    'sign-ps256': [],
    'decrypt-oaep': [],
  }
  readonly #maxQueued: number
  #closed = false

  constructor(options: RsaWorkersOptions) {
    this.#maxQueued = options.maxQueued ?? DEFAULT_MAX_QUEUED
    const count = Math.max(1, Math.trunc(options.threads))
    this.#threads = Array.from({ length: count }, () => new RsaThread(() => this.#dispatch()))
  }

  get pending(): number {
    const waiting = this.#queues['sign-ps256'].length + this.#queues['decrypt-oaep'].length
    return this.#threads.reduce((sum, thread) => sum + thread.load, waiting)
  }

  get isFull(): boolean {
    return this.#queues['decrypt-oaep'].length >= this.#maxQueued
  }

  async decryptOaep(key: RsaPrivateKey, ciphertext: Uint8Array): Promise<Uint8Array | undefined> {
    const outcome = await this.#perform('decrypt-oaep', key, ciphertext)
    return outcome.output
  }

  async signPs256(key: RsaPrivateKey, data: Uint8Array): Promise<Uint8Array> {
    const outcome = await this.#perform('sign-ps256', key, data)
    if (outcome.output === undefined) throw new Fault('crypto.rsa-failed')
    return outcome.output
  }

  async close(): Promise<void> {
    this.#closed = true
    const waiting = Object.values(this.#queues).flatMap((queue) => queue.splice(0))
    for (const job of waiting) job.fail(new Fault('crypto.rsa-closed'))
    await Promise.all(this.#threads.map((thread) => thread.close()))
  }

  #perform(
    operation: RsaTask['operation'],
    key: RsaPrivateKey,
    input: Uint8Array,
  ): Promise<RsaOutcome> {
    return new Promise((settle, fail) => {
      if (this.#closed) return fail(new Fault('crypto.rsa-closed'))
      const queue = this.#queues[operation]
      if (queue.length >= this.#maxQueued) return fail(new Fault('crypto.rsa-overloaded'))
      queue.push({ operation, key, input, settle, fail })
      this.#dispatch()
    })
  }

  #dispatch(): void {
    while (!this.#closed) {
      const idlest = this.#threads.reduce((best, each) => (each.load < best.load ? each : best))
      if (idlest.load >= DEPTH) return
      const job = this.#queues['sign-ps256'].shift() ?? this.#queues['decrypt-oaep'].shift()
      if (job === undefined) return
      idlest.run(job)
    }
  }
}

export const createRsaWorkers = (options: RsaWorkersOptions): RsaWorkers => new Pool(options)
