// The published keys of one identity provider: found by discovery, kept with a limit, looked at again when a token
// names an unknown key, but never more often than the cooldown allows, whoever asks.
// When the provider is down, the last keys are used until they are too old; then it says so, and does not guess.

import { parseJwks, type VerificationKey } from '../identity/index.ts'
import { type Refusal, refuse } from '../refusal.ts'
import { after, type Duration, type Instant, isPast, milliseconds } from '../time.ts'

/** Time as this room uses it; a test hands in its own. */
export interface LinkClock {
  now(): Instant
  wait(duration: Duration): Promise<void>
}

export interface KeyLimits {
  /** Keys younger than this are used without asking. */
  readonly freshFor: Duration
  /** Keys older than this are not used even when the provider is down. */
  readonly usableFor: Duration
  /** Shortest time between two requests for the keys. */
  readonly cooldown: Duration
}

export interface ProviderKeysSettings {
  readonly clock: LinkClock
  readonly limits: KeyLimits
  /** One try at getting the JWK Set; undefined if it could not be had. */
  readonly fetchKeys: () => Promise<unknown>
}

export interface ProviderKeys {
  find(kid: string | undefined, within: Duration): Promise<readonly VerificationKey[] | Refusal>
}

interface KeySet {
  readonly keys: readonly VerificationKey[]
  readonly fetchedAt: Instant
  /** Which of our requests this answers, counted from 1. */
  readonly request: number
}

/** Rest after a failure that left us without any keys. */
const RETRY_AFTER = milliseconds(500)
/** Longest nap between two looks at whether there is time left. */
const NAP_MAX = milliseconds(1000)

export const createProviderKeys = (settings: ProviderKeysSettings): ProviderKeys => {
  const { clock, limits, fetchKeys } = settings
  let current: KeySet | undefined
  let requests = 0
  let mayAskAt = clock.now()
  let underWay: Promise<void> | undefined

  const isUsable = (set: KeySet | undefined, age: Duration): set is KeySet =>
    set !== undefined && !isPast(after(set.fetchedAt, age), clock.now())

  const refresh = async (): Promise<void> => {
    // Taken before asking: what the provider said is at least as new as this.
    const fetchedAt = clock.now()
    requests += 1
    const request = requests
    const keys = parseJwks(await fetchKeys())
    // A set without one usable key is a provider in trouble, not a provider that withdrew everything.
    const isAnswered = keys !== undefined && keys.length > 0
    if (isAnswered) current = { keys, fetchedAt, request }
    // Without any keys nothing can be judged, so ask again sooner.
    const isAtALoss = !isAnswered && !isUsable(current, limits.usableFor)
    mayAskAt = after(clock.now(), isAtALoss ? RETRY_AFTER : limits.cooldown)
  }

  /** One request for all who ask at the same time. */
  const refreshOnce = (): Promise<void> => {
    underWay ??= refresh().finally(() => {
      underWay = undefined
    })
    return underWay
  }

  /** What can be answered without asking (again), if anything. */
  const known = (kid: string | undefined): readonly VerificationKey[] | undefined => {
    const isResting = mayAskAt > clock.now()
    const set = isUsable(current, isResting ? limits.usableFor : limits.freshFor)
      ? current
      : undefined
    const keys = set === undefined ? [] : matching(set.keys, kid)
    return keys.length > 0 ? keys : undefined
  }

  /** Lets an answer come, or the time when asking is allowed again. False if that is later than the caller can wait. */
  const waitForNews = async (left: number): Promise<boolean> => {
    const rest = mayAskAt - clock.now()
    const isResting = rest > 0 && underWay === undefined
    // Asked too short a time ago to be sure: a key that is new since then must not be called unknown.
    if (left <= 0 || (isResting && rest >= left)) return false
    if (isResting) await clock.wait(milliseconds(Math.min(rest, NAP_MAX)))
    else await Promise.race([refreshOnce(), clock.wait(milliseconds(left))])
    return true
  }

  return {
    async find(kid, within) {
      const deadline = after(clock.now(), within)
      const requestsBefore = requests
      for (;;) {
        const keys = known(kid)
        if (keys !== undefined) return keys
        if (!(await waitForNews(deadline - clock.now()))) return unavailable()
        // Asked later than we were: what is not in this answer does not exist.
        const isNews = current !== undefined && current.request > requestsBefore
        if (isNews) return matching(current?.keys ?? [], kid)
      }
    },
  }
}

function matching(
  keys: readonly VerificationKey[],
  kid: string | undefined,
): readonly VerificationKey[] {
  // A published key without a kid may have made any signature (RFC 7517 §4.5 leaves kid optional).
  return kid === undefined ? keys : keys.filter((key) => key.kid === undefined || key.kid === kid)
}

function unavailable(): Refusal {
  return refuse('identity.provider-unavailable', 'keys')
}
