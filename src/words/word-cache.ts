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
  readonly #hashes = new Int32Array(SLOTS)

  /** The root of the word at these positions of a text, by its hash; undefined if it is not remembered. */
  find(text: string, start: number, end: number, hash: number): string | undefined {
    const slot = slotOf(hash)
    if (this.#isAt(slot, hash, text, start, end)) return this.#roots[slot]
    const other = slot ^ 1
    return this.#isAt(other, hash, text, start, end) ? this.#roots[other] : undefined
  }

  keep(word: string, hash: number, root: string): void {
    const slot = slotOf(hash)
    this.#words[slot ^ 1] = this.#words[slot] ?? ''
    this.#roots[slot ^ 1] = this.#roots[slot] ?? ''
    this.#hashes[slot ^ 1] = this.#hashes[slot] ?? 0
    this.#words[slot] = word
    this.#roots[slot] = root
    this.#hashes[slot] = hash
  }

  /** Letter by letter: words are short, and hashes of others differ. */
  // biome-ignore lint/complexity/useMaxParams: the slot and the place of a word; an object for each word would be made for nothing
  #isAt(slot: number, hash: number, text: string, start: number, end: number): boolean {
    if (this.#hashes[slot] !== (hash | 0)) return false
    const word = this.#words[slot] ?? ''
    if (word.length !== end - start) return false
    for (let at = 0; at < word.length; at += 1) {
      if (word.charCodeAt(at) !== text.charCodeAt(start + at)) return false
    }
    return true
  }
}
