// What was decided about a token a moment ago, under the token's fingerprint, for a bounded time and in a bounded
// number. Acceptances and refusals live apart, so that a flood of bad tokens cannot push out the good ones.

import { isRefusal, type Refusal } from '../refusal.ts'
import { after, type Duration, type Instant, instant, isPast } from '../time.ts'
import type { Person } from './principal.ts'

export interface VerdictCacheLimits {
  /** How long an acceptance is remembered at most; this is how late a revocation may be noticed. */
  readonly acceptedFor: Duration
  /** How long a refusal is remembered. */
  readonly refusedFor: Duration
  /** Entries of each kind. */
  readonly entries: number
}

interface Remembered {
  readonly verdict: Person | Refusal
  readonly until: Instant
}

export interface VerdictCache {
  find(fingerprint: string, now: Instant): Person | Refusal | undefined
  remember(fingerprint: string, verdict: Person | Refusal, now: Instant): void
}

/** Acceptances are never remembered beyond the token's own expiry. */
export const createVerdictCache = (limits: VerdictCacheLimits): VerdictCache => {
  const accepted = new Map<string, Remembered>()
  const refused = new Map<string, Remembered>()

  const put = (map: Map<string, Remembered>, fingerprint: string, entry: Remembered): void => {
    map.delete(fingerprint)
    map.set(fingerprint, entry)
    if (map.size <= limits.entries) return
    // A Map keeps insertion order, and all entries of one map live equally long: the first is the oldest.
    for (const oldest of map.keys()) {
      map.delete(oldest)
      break
    }
  }

  return {
    find(fingerprint, now) {
      const map = accepted.has(fingerprint) ? accepted : refused
      const entry = map.get(fingerprint)
      if (entry === undefined) return undefined
      if (!isPast(entry.until, now)) return entry.verdict
      map.delete(fingerprint)
      return undefined
    },
    remember(fingerprint, verdict, now) {
      if (isRefusal(verdict)) {
        put(refused, fingerprint, { verdict, until: after(now, limits.refusedFor) })
        return
      }
      const until = instant(Math.min(after(now, limits.acceptedFor), verdict.tokenExpiresAt))
      if (until > now) put(accepted, fingerprint, { verdict, until })
    },
  }
}
