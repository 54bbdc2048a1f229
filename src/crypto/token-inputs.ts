// Many short inputs for the token engine, packed: their bytes one after the other, and where each ends. What is packed
// is plaintext (stems of words), so a pack prints nothing and can be wiped.

import { Fault } from '../fault.ts'
import type { TokenKey } from './token-key.ts'

/** Inputs from `from` on belong to `key`, up to where the next run begins. */
export interface TokenRun {
  readonly key: TokenKey
  readonly from: number
}

const FIRST_BYTES = 8192
const FIRST_INPUTS = 1024
/** No letter of UTF-16 needs more in UTF-8. */
const MOST_BYTES_A_UNIT = 3
const ASCII_END = 0x80
const ZERO = 0x30
const MOST_DIGITS = 24
/** Larger numbers are written by the language: digits one by one are faster where 32 bits are enough. */
const MOST_BY_HAND = 0x7fffffff

const utf8 = new TextEncoder()

export class TokenInputs {
  #bytes = new Uint8Array(FIRST_BYTES)
  #ends = new Uint32Array(FIRST_INPUTS)
  #used = 0
  #count = 0
  #runs: TokenRun[] = []

  /** What is added from here on is under `key`. An input before the first call throws `crypto.token-key-missing`. */
  under(key: TokenKey): this {
    this.#runs.push({ key, from: this.#count })
    return this
  }

  /** One input: the UTF-8 of `text`. Lone surrogates become U+FFFD, as everywhere in Unicode. */
  add(text: string): void {
    this.#makeRoom(text.length * MOST_BYTES_A_UNIT)
    this.#end(this.#put(text, this.#used))
  }

  /** One input: `text`, then `separator`, then `number`, a whole one from 0, in decimal. */
  addNumbered(text: string, separator: string, number: number): void {
    const most = (text.length + separator.length) * MOST_BYTES_A_UNIT + MOST_DIGITS
    this.#makeRoom(most)
    const at = this.#put(separator, this.#put(text, this.#used))
    if (number > MOST_BY_HAND) return this.#end(this.#put(String(number), at))
    let end = at + 1
    for (let rest = number; rest >= 10; rest = Math.trunc(rest / 10)) end += 1
    const bytes = this.#bytes
    for (let place = end - 1, rest = number | 0; place >= at; place -= 1) {
      const next = (rest / 10) | 0
      bytes[place] = ZERO + rest - 10 * next
      rest = next
    }
    this.#end(end)
  }

  addBytes(bytes: Uint8Array): void {
    this.#makeRoom(bytes.length)
    this.#bytes.set(bytes, this.#used)
    this.#end(this.#used + bytes.length)
  }

  get count(): number {
    return this.#count
  }

  /** Still owned here, like everything below. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#used)
  }

  /** Input `i` lies from `ends[i - 1]`, or 0, to `ends[i]`. */
  get ends(): Uint32Array<ArrayBuffer> {
    return this.#ends.subarray(0, this.#count)
  }

  get runs(): readonly TokenRun[] {
    return this.#runs
  }

  /** Overwrites the texts with zeros and forgets them; the pack may be used again. */
  wipe(): void {
    this.#bytes.fill(0, 0, this.#used)
    this.#used = 0
    this.#count = 0
    this.#runs = []
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): never {
    throw new Fault('crypto.secret-serialised')
  }

  /** Writes text at a place where there is room for it. Returns where it ends. */
  #put(text: string, at: number): number {
    const bytes = this.#bytes
    for (let index = 0; index < text.length; index += 1) {
      const unit = text.charCodeAt(index)
      if (unit >= ASCII_END) return at + utf8.encodeInto(text, bytes.subarray(at)).written
      bytes[at + index] = unit
    }
    return at + text.length
  }

  #end(at: number): void {
    if (this.#runs.length === 0) throw new Fault('crypto.token-key-missing')
    this.#ends[this.#count] = at
    this.#count += 1
    this.#used = at
  }

  /** Grown arrays leave no text behind in the old ones. */
  #makeRoom(more: number): void {
    if (this.#used + more > this.#bytes.length) {
      const old = this.#bytes
      this.#bytes = new Uint8Array(Math.max(2 * old.length, this.#used + more))
      this.#bytes.set(old)
      old.fill(0)
    }
    if (this.#count < this.#ends.length) return
    const ends = this.#ends
    this.#ends = new Uint32Array(2 * ends.length)
    this.#ends.set(ends)
  }
}
