// Usage receipts: which keys arrived here and what they were used for, told to the realm so that its log can be held
// against its clients. Never content. Batched and bounded: what does not fit is dropped and counted, because a
// receipt must never stand in the way of a message. A realm that does not know receipts is not asked again.

import type { Asks } from './channel.ts'
import type { ClientClock } from './clock.ts'
import { KmsRefused } from './errors.ts'

export type ReceiptPurpose = 'receive' | 'encrypt' | 'decrypt'

export interface Receipts {
  /** Once for each key and purpose; what is known already costs nothing. */
  note(keyUri: string, purpose: ReceiptPurpose): void
  /** Sends what waits, at most so much as fits into one message a turn. Never rejects. */
  flush(): Promise<void>
  /** How many were dropped because too many waited. */
  readonly dropped: number
}

export interface ReceiptsSettings {
  readonly channel: Asks
  readonly clock: ClientClock
}

/** The realm takes so many at a time. */
const AT_ONCE = 100
const WAITING_MAX = 2000
const NOTED_MAX = 20_000
const GATHER_MS = 10_000
/** Refused for good: this realm speaks the draft alone. */
const UNKNOWN_OPERATION = new Set([400, 404, 405, 501])

export const NO_RECEIPTS: Receipts = {
  note: () => undefined,
  flush: async () => undefined,
  dropped: 0,
}

interface Waiting {
  readonly keyUri: string
  readonly usedAt: string
  readonly purpose: ReceiptPurpose
}

class Batches implements Receipts {
  readonly #settings: ReceiptsSettings
  readonly #noted = new Set<string>()
  #waiting: readonly Waiting[] = []
  #isArmed = false
  #isUnwanted = false
  #sending: Promise<void> | undefined
  dropped = 0

  constructor(settings: ReceiptsSettings) {
    this.#settings = settings
  }

  note(keyUri: string, purpose: ReceiptPurpose): void {
    const name = `${purpose} ${keyUri}`
    if (this.#isUnwanted || this.#noted.has(name)) return
    if (this.#waiting.length >= WAITING_MAX) {
      this.dropped += 1
      return
    }
    // Said twice is better than not at all.
    if (this.#noted.size >= NOTED_MAX) this.#noted.clear()
    this.#noted.add(name)
    const usedAt = new Date(this.#settings.clock.now()).toISOString()
    this.#waiting = [...this.#waiting, { keyUri, usedAt, purpose }]
    this.#arm()
  }

  flush(): Promise<void> {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined
    })
    return this.#sending
  }

  #arm(): void {
    if (this.#isArmed) return
    this.#isArmed = true
    this.#settings.clock.after(GATHER_MS, () => {
      this.#isArmed = false
      void this.flush()
    })
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#isUnwanted) {
      const batch = this.#waiting.slice(0, AT_ONCE)
      if (!(await this.#send(batch))) return
      this.#waiting = this.#waiting.slice(batch.length)
    }
  }

  /** False: nothing more now. They stay for the next time, unless the realm does not want them at all. */
  async #send(receipts: readonly Waiting[]): Promise<boolean> {
    const { channel } = this.#settings
    try {
      await channel.ask({ method: 'create', uri: '/receipts', members: { receipts } })
      return true
    } catch (error) {
      this.#isUnwanted = error instanceof KmsRefused && UNKNOWN_OPERATION.has(error.status)
      if (this.#isUnwanted) this.#waiting = []
      return false
    }
  }
}

export const createReceipts = (settings: ReceiptsSettings): Receipts => new Batches(settings)
