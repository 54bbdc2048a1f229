// The thread that makes tokens: an engine of its own, at a lower priority, so that indexing yields to key requests.
// What it is given it wipes: words and states of keys stay no longer than the call.

import { platform, setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { type PackedTokens, packedTokens } from './token-engine.ts'

export interface TokenTask {
  readonly id: number
  readonly packed: PackedTokens
}

/** `tokens` is absent if the engine failed. */
export interface TokenOutcome {
  readonly id: number
  readonly tokens?: Uint8Array<ArrayBuffer>
}

const LOWER_PRIORITY = 10

// On Linux 0 means this thread; elsewhere it would slow down the whole process.
if (platform() === 'linux') {
  try {
    setPriority(0, LOWER_PRIORITY)
  } catch {
    // A sandbox may forbid it: then indexing competes as an equal.
  }
}

const answer = ({ id, packed }: TokenTask): TokenOutcome => {
  try {
    return { id, tokens: packedTokens(packed) }
  } catch {
    return { id }
  } finally {
    packed.bytes.fill(0)
    packed.keyStates.fill(0)
  }
}

parentPort?.on('message', (task: TokenTask) => {
  const outcome = answer(task)
  parentPort?.postMessage(outcome, outcome.tokens === undefined ? [] : [outcome.tokens.buffer])
})
