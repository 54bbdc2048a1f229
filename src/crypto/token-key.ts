// A key of the token engine, prepared once: the two HMAC states instead of the key, since that is all a token needs.
// As secret as the key itself: it prints nothing, refuses JSON and can be wiped.

import { Fault } from '../fault.ts'
import { sha256 } from './hash.ts'
import { SecretBytes } from './secret.ts'
import { hmacStates } from './token-engine.ts'

const BLOCK_BYTES = 64

export class TokenKey {
  readonly #states: SecretBytes

  constructor(states: SecretBytes) {
    this.#states = states
  }

  /** For this room only. Throws a Fault `crypto.secret-wiped` after `wipe`. */
  static statesOf(key: TokenKey): Uint8Array {
    return key.#states.expose()
  }

  /** Overwrites the states with zeros; idempotent. What is asked afterwards throws. */
  wipe(): void {
    this.#states.wipe()
  }

  [Symbol.dispose](): void {
    this.wipe()
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): never {
    throw new Fault('crypto.secret-serialised')
  }
}

/** A key of any length; 32 bytes are right. The key itself stays the caller's, to wipe or keep. */
export const prepareTokenKey = (key: SecretBytes): TokenKey => {
  const bytes = key.expose()
  if (bytes.length <= BLOCK_BYTES) return new TokenKey(SecretBytes.from(hmacStates(bytes)))
  const short = sha256(bytes)
  const prepared = new TokenKey(SecretBytes.from(hmacStates(short)))
  short.fill(0)
  return prepared
}
