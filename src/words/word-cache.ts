// Remembers the root of words, within bounds, and finds it without cutting the word out of its text.
// For pure functions only: what is overwritten is computed again. Memory of one process, never written anywhere.

/** Slots for words; a power of two. Full, it is some megabytes. */
const SLOTS = 65_536

export const HASH_START = 0x811c9dc5

/** Continues the hash of a word by one UTF-16 unit (FNV-1a). */
export const hashOn = (hash: number, unit: number): number => Math.imul(hash ^ unit, 0x01000193)

const slotOf = (hash: number): number => (hash ^ (hash >>> 15)) & (SLOTS - 1)

/** Two places for each word, the newer one first: a common word survives a rare one that falls on its place. */
export class WordCache {
  readonly #words: string[] = new Array<string>(SLOTS).fill('')
  readonly #roots: string[] = new Array<string>(SLOTS).fill('')

  /** The root of the word at these positions of a text, by its hash; undefined if it is not remembered. */
  find(text: string, start: number, end: number, hash: number): string | undefined {
    const slot = slotOf(hash)
    if (this.#isAt(slot, text, start, end)) return this.#roots[slot]
    const other = slot ^ 1
    return this.#isAt(other, text, start, end) ? this.#roots[other] : undefined
  }

  keep(word: string, hash: number, root: string): void {
    const slot = slotOf(hash)
    this.#words[slot ^ 1] = this.#words[slot] ?? ''
    this.#roots[slot ^ 1] = this.#roots[slot] ?? ''
    this.#words[slot] = word
    this.#roots[slot] = root
  }

  #isAt(slot: number, text: string, start: number, end: number): boolean {
    const word = this.#words[slot] ?? ''
    return word.length === end - start && text.startsWith(word, start)
  }
}
