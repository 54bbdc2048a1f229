// What this process has recorded and nobody has published yet, remembered beside the database: whoever owns the database
// can edit an entry before it is signed, and then the tree would vouch for the edit. Bounded; the oldest are let go.

import type { StoredEntry } from './ports.ts'

/** Of UTF-16 units: what a locked realm records in hours, and a busy one in minutes without publishing. */
const KEPT_MAX_CHARS = 64 * 1024 * 1024

export class Unpublished {
  /** Bodies by sequence, in order. */
  readonly #bodies = new Map<number, string>()
  readonly #maxChars: number
  #chars = 0

  constructor(maxChars = KEPT_MAX_CHARS) {
    this.#maxChars = maxChars
  }

  /** Entries whose transaction has committed. */
  remember(entries: readonly StoredEntry[]): void {
    for (const { sequence, body } of entries) {
      this.#bodies.set(sequence, body)
      this.#chars += body.length
    }
    // Asked first: finding the first entry takes as long as many were forgotten before it.
    if (this.#chars <= this.#maxChars) return
    for (const [sequence, body] of this.#bodies) {
      if (this.#chars <= this.#maxChars) return
      this.#drop(sequence, body)
    }
  }

  /** False for an entry that this process recorded otherwise. */
  isAsRecorded({ sequence, body }: StoredEntry): boolean {
    return (this.#bodies.get(sequence) ?? body) === body
  }

  /** Those up to this sequence. */
  upTo(last: number): readonly StoredEntry[] {
    const found: StoredEntry[] = []
    for (const [sequence, body] of this.#bodies) {
      if (sequence <= last) found.push({ sequence, body })
    }
    return found
  }

  forget(last: number): void {
    for (const [sequence, body] of this.#bodies) {
      if (sequence > last) return
      this.#drop(sequence, body)
    }
  }

  #drop(sequence: number, body: string): void {
    this.#bodies.delete(sequence)
    this.#chars -= body.length
  }
}
