// Bytes that must not be seen: a key, a shared secret, a passphrase. They print as [secret], refuse JSON
// and can be wiped. JavaScript cannot promise that no other copy exists (see README.md).

import { Fault } from '../fault.ts'

const SHOWN = '[secret]'

export class SecretBytes {
  #bytes: Uint8Array | undefined

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** Takes ownership: nothing is copied, and the caller MUST NOT use `bytes` afterwards. */
  static from(bytes: Uint8Array): SecretBytes {
    return new SecretBytes(bytes)
  }

  /** The bytes themselves, not a copy: still owned here. Throws a Fault `crypto.secret-wiped` after `wipe`. */
  expose(): Uint8Array {
    if (this.#bytes === undefined) throw new Fault('crypto.secret-wiped')
    return this.#bytes
  }

  /** Overwrites the bytes with zeros; idempotent. */
  wipe(): void {
    this.#bytes?.fill(0)
    this.#bytes = undefined
  }

  /** `using secret = …` wipes at the end of the block. */
  [Symbol.dispose](): void {
    this.wipe()
  }

  toString(): string {
    return SHOWN
  }

  /** A secret on its way into JSON is on its way out: always throws a Fault `crypto.secret-serialised`. */
  toJSON(): never {
    throw new Fault('crypto.secret-serialised')
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return SHOWN
  }
}
