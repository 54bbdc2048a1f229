// The one source of randomness. Everything that draws is handed a `Random`, so that tests can hand in
// a known one; production hands in `systemRandom`.

import { randomFillSync, randomUUID } from 'node:crypto'

export interface Random {
  /** `count` fresh bytes, owned by the caller. */
  bytes(count: number): Uint8Array
  /** A UUID of version 4 in lower case. */
  uuid(): string
}

// One system call for a few hundred IVs: asking for 12 bytes at a time costs 2 µs each.
const POOL_BYTES = 4096
const LARGEST_FROM_POOL = 64

const pooledBytes = (): ((count: number) => Uint8Array) => {
  const pool = new Uint8Array(POOL_BYTES)
  let used = POOL_BYTES
  return (count) => {
    if (count > LARGEST_FROM_POOL) return randomFillSync(new Uint8Array(count))
    if (used + count > POOL_BYTES) {
      randomFillSync(pool)
      used = 0
    }
    const drawn = pool.slice(used, used + count)
    // What was given out may become a key: no second copy stays in the pool.
    pool.fill(0, used, used + count)
    used += count
    return drawn
  }
}

export const systemRandom: Random = { bytes: pooledBytes(), uuid: () => randomUUID() }
