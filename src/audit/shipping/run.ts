// One try of the shipper: from the cursor to what was delivered, in order, one batch in memory, the lease kept
// meanwhile. It moves no cursor: whoever runs it does, once it knows that everything arrived.

import { Fault } from '../../fault.ts'
import { after, type Duration, type Instant, milliseconds, seconds } from '../../time.ts'
import type { NumberedEntry } from '../layouts/fields.ts'
import type { ShipCursor, Shipment, ShippingStore, ShipTarget } from './ports.ts'

/** The log and the cursors, as transactions of the store; nothing here records an act. */
export interface ShipSource {
  /** At most `limit` entries after one, in order. */
  read(after: number, limit: number): Promise<readonly NumberedEntry[]>
  /** This destination's cursor, if it ever had one. */
  cursor(): Promise<ShipCursor | undefined>
  write<Result>(work: (shipping: ShippingStore) => Promise<Result>): Promise<Result>
}

export interface ShipperOptions {
  readonly destination: string
  /** This start of this process. */
  readonly holder: string
  readonly source: ShipSource
  readonly target: ShipTarget
  readonly wants: (entry: NumberedEntry) => boolean
  readonly render: (entry: NumberedEntry) => string
  readonly now: () => Instant
  /** Milliseconds that never jump. */
  readonly elapsedMs: () => number
  /** Ends early, without a failure, when the signal does. */
  readonly pause: (length: Duration, signal: AbortSignal) => Promise<void>
  /** From 0 to 1. */
  readonly jitter: () => number
}

const BATCH = 256
const POLL_EVERY = milliseconds(250)
const LEASE_FOR = seconds(30)
const RENEW_EVERY = seconds(10)
/** What a stopping process grants a shipment under way. */
const CONCLUDE_WITHIN = seconds(3)

/** One try: from the cursor to what was delivered. */
export class ShipRun {
  readonly #options: ShipperOptions
  readonly #stopping: AbortSignal
  readonly #most: number
  readonly #onWritten: (sequence: number) => void
  readonly #startedMs: number
  #renewedMs: number
  #shipment: Shipment | undefined
  #read: number
  #lines = 0

  constructor(
    options: ShipperOptions,
    plan: {
      readonly from: number
      readonly most: number
      readonly stopping: AbortSignal
      readonly onWritten: (sequence: number) => void
    },
  ) {
    this.#options = options
    this.#read = plan.from
    this.#most = plan.most
    this.#stopping = plan.stopping
    this.#onWritten = plan.onWritten
    this.#startedMs = options.elapsedMs()
    this.#renewedMs = this.#startedMs
  }

  get lines(): number {
    return this.#lines
  }

  /** Answers up to where everything is delivered. */
  async deliver(): Promise<number> {
    const give = () => void this.#options.pause(CONCLUDE_WITHIN, NEVER).then(() => this.abandon())
    this.#stopping.addEventListener('abort', give)
    try {
      await this.#fill()
      if (this.#shipment !== undefined) await this.#renewing(this.#shipment.conclude())
      return this.#read
    } finally {
      this.#stopping.removeEventListener('abort', give)
    }
  }

  abandon(): void {
    this.#shipment?.abandon()
  }

  /** Writes what there is and what comes, until the shipment is full or old enough, or the process stops. */
  async #fill(): Promise<void> {
    while (!this.#isFull()) {
      const entries = await this.#options.source.read(this.#read, BATCH)
      if (entries.length > 0) await this.#ship(entries)
      // With nothing written there is nothing to keep open.
      else if (this.#shipment === undefined) return
      else await this.#options.pause(POLL_EVERY, this.#stopping)
      await this.#renew()
    }
  }

  #isFull(): boolean {
    const ageMs = this.#options.elapsedMs() - this.#startedMs
    const { concludeAfter } = this.#options.target
    return this.#stopping.aborted || this.#lines >= this.#most || ageMs >= concludeAfter
  }

  async #ship(entries: readonly NumberedEntry[]): Promise<void> {
    const { wants, render, target } = this.#options
    const taken = following(this.#read, entries).slice(0, this.#most - this.#lines)
    const lines = taken.filter(wants).map(render)
    if (lines.length > 0) {
      this.#shipment ??= await this.#renewing(target.open())
      await this.#renewing(this.#shipment.write(lines))
    }
    this.#read = taken.at(-1)?.sequence ?? this.#read
    this.#lines += lines.length
    this.#onWritten(this.#read)
  }

  /** A server may take long over one write: the lease is kept meanwhile. */
  async #renewing<Result>(work: Promise<Result>): Promise<Result> {
    const over = new AbortController()
    const result = work.finally(() => over.abort())
    // Whoever awaits `result` below hears of its failure; this keeps it from being unhandled until then.
    result.catch(() => undefined)
    while (!over.signal.aborted) {
      await this.#options.pause(RENEW_EVERY, over.signal)
      if (!over.signal.aborted) await this.#renew()
    }
    return result
  }

  async #renew(): Promise<void> {
    const nowMs = this.#options.elapsedMs()
    if (nowMs - this.#renewedMs < RENEW_EVERY) return
    this.#renewedMs = nowMs
    if ((await claimLease(this.#options)) === undefined) throw new Fault('audit.ship-lease-lost')
  }
}

const NEVER = new AbortController().signal

/** The log has no gaps; if one is read all the same, nothing behind it is shipped. */
const following = (from: number, entries: readonly NumberedEntry[]): readonly NumberedEntry[] => {
  const inOrder = entries.every(({ sequence }, index) => sequence === from + index + 1)
  if (!inOrder) throw new Fault('audit.ship-gap')
  return entries
}

/** A lease that ends later than one begun now would is none: a clock was turned, or a hand was at it. */
export const isLeased = ({ leaseUntil }: ShipCursor, now: Instant): boolean =>
  leaseUntil > now && leaseUntil <= after(now, LEASE_FOR)

/** Takes or renews the lease; undefined while somebody else holds it. */
export const claimLease = ({ source, destination, holder, now }: ShipperOptions) =>
  source.write((shipping) => {
    const moment = now()
    return shipping.claim({ destination, holder, now: moment, until: after(moment, LEASE_FOR) })
  })
