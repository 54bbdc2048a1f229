// A rate limit per name: a bucket of tokens that refills steadily. It forgets names whose buckets are full
// again, and beyond its size the longest idle ones; it never sleeps and never queues.

import type { Instant } from '../time.ts'

export interface RateRules {
  readonly perSecond: number
  /** How many may come at once after a quiet time. */
  readonly burst: number
  /** How many names are remembered. */
  readonly names: number
}

export interface RateLimit {
  /** Takes `count` tokens, all or none. A name's first `burst` tokens are always there. */
  take(name: string, count: number, now: Instant): boolean
}

interface Bucket {
  readonly tokens: number
  readonly at: Instant
}

export const createRateLimit = ({ perSecond, burst, names }: RateRules): RateLimit => {
  const buckets = new Map<string, Bucket>()
  /** Only when it must: a Map walks to its first entry past all that were deleted before it. */
  const forgetIdlest = (): void => {
    const idlest = buckets.keys().next()
    if (!idlest.done) buckets.delete(idlest.value)
  }
  return {
    take(name, count, now) {
      const { tokens, at } = buckets.get(name) ?? { tokens: burst, at: now }
      // A clock that was set back earns nothing and costs nothing.
      const earned = (Math.max(0, now - at) / 1000) * perSecond
      const full = Math.min(burst, tokens + earned)
      const isEnough = full >= count
      buckets.delete(name)
      buckets.set(name, { tokens: isEnough ? full - count : full, at: now })
      if (buckets.size > names) forgetIdlest()
      return isEnough
    },
  }
}
