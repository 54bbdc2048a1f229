// How often each term of a room was indexed, in flat arrays: twelve bytes a term and some air, since ten thousand rooms
// are searched at once. Its pieces are what the store keeps, wrapped.

import { Fault } from '../fault.ts'
import type { Counters, RoomTotals, TermId } from './terms.ts'

const SMALLEST = 16
/** Of the slots; beyond it they double. */
const FULLEST = 0.7
const ENTRY_BYTES = 12
const TOTALS_BYTES = 24

export class CounterTable implements Counters {
  #ids = new Float64Array(SMALLEST)
  /** 0: the slot is free. */
  #counts = new Uint32Array(SMALLEST)
  #size = 0

  get size(): number {
    return this.#size
  }

  get bytes(): number {
    return this.#ids.byteLength + this.#counts.byteLength
  }

  /** Identifiers are HMACs: any of their bits spread as well as any others. */
  #slotOf(term: TermId): number {
    const mask = this.#ids.length - 1
    let slot = term & mask
    while (this.#counts[slot] !== 0 && this.#ids[slot] !== term) slot = (slot + 1) & mask
    return slot
  }

  get(term: TermId): number {
    return this.#counts[this.#slotOf(term)] ?? 0
  }

  set(term: TermId, count: number): void {
    if (count === 0) return
    const slot = this.#slotOf(term)
    if (this.#counts[slot] === 0) this.#size += 1
    this.#ids[slot] = term
    this.#counts[slot] = count
    if (this.#size > this.#ids.length * FULLEST) this.#grow()
  }

  *[Symbol.iterator](): Generator<readonly [TermId, number]> {
    for (const [slot, count] of this.#counts.entries()) {
      if (count !== 0) yield [this.#ids[slot] ?? 0, count]
    }
  }

  #grow(): void {
    const entries = [...this]
    this.#ids = new Float64Array(this.#ids.length * 2)
    this.#counts = new Uint32Array(this.#counts.length * 2)
    this.#size = 0
    for (const [term, count] of entries) this.set(term, count)
  }
}

/** The totals so far (messages, terms, noise), then each term and its count; big-endian, in no order. */
export const encodeCounters = (
  totals: RoomTotals,
  counts: Iterable<readonly [TermId, number]>,
): Uint8Array => {
  const entries = [...counts]
  const bytes = new Uint8Array(TOTALS_BYTES + entries.length * ENTRY_BYTES)
  const view = new DataView(bytes.buffer)
  view.setFloat64(0, totals.messages)
  view.setFloat64(8, totals.terms)
  view.setFloat64(16, totals.noise)
  for (const [index, [term, count]] of entries.entries()) {
    view.setFloat64(TOTALS_BYTES + index * ENTRY_BYTES, term)
    view.setUint32(TOTALS_BYTES + index * ENTRY_BYTES + 8, count)
  }
  return bytes
}

/** Puts a piece on top of what is there; answers the totals by then. Throws a Fault for what is no piece. */
export const decodeCounters = (bytes: Uint8Array, into: CounterTable): RoomTotals => {
  const size = bytes.length - TOTALS_BYTES
  if (size < 0 || size % ENTRY_BYTES !== 0) throw new Fault('indexer.counters-malformed')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = TOTALS_BYTES; at < bytes.length; at += ENTRY_BYTES) {
    into.set(view.getFloat64(at), view.getUint32(at + 8))
  }
  return {
    messages: view.getFloat64(0),
    terms: view.getFloat64(8),
    noise: view.getFloat64(16),
  }
}
