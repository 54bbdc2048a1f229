// Tokens for many inputs in one call, on the caller's thread. Large amounts belong to `token-workers.ts`.

import { type PackedTokens, packedTokens } from './token-engine.ts'
import type { TokenInputs } from './token-inputs.ts'
import { TokenKey } from './token-key.ts'
import { KEY_STATES_BYTES } from './token-memory.ts'

/** The inputs themselves, and a copy of their keys' states, which the caller wipes. */
const viewTokens = (inputs: TokenInputs): PackedTokens => {
  const used = inputs.runs.filter(
    ({ from }, index, runs) => from < (runs[index + 1]?.from ?? inputs.count),
  )
  const keyStates = new Uint8Array(used.length * KEY_STATES_BYTES)
  for (const [index, { key }] of used.entries()) {
    keyStates.set(TokenKey.statesOf(key), index * KEY_STATES_BYTES)
  }
  const runs = Uint32Array.from(used, ({ from }) => from)
  return { bytes: inputs.bytes, ends: inputs.ends, runs, keyStates }
}

/** A copy of the inputs and of their keys' states, owned by the caller, who wipes or transfers it. */
export const packTokens = (inputs: TokenInputs): PackedTokens => {
  const { bytes, ends, runs, keyStates } = viewTokens(inputs)
  return { bytes: bytes.slice(), ends: ends.slice(), runs, keyStates }
}

/**
 * HMAC-SHA-256 of each input under its key, the first `TOKEN_BYTES` (10) bytes, one after the other in the order of the
 * inputs. The inputs stay as they are.
 */
export const tokensOf = (inputs: TokenInputs): Uint8Array<ArrayBuffer> => {
  const packed = viewTokens(inputs)
  try {
    return packedTokens(packed)
  } finally {
    packed.keyStates.fill(0)
  }
}
