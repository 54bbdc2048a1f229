// Limits on rate and size, applied before anything is parsed or decrypted. Memory stays bounded
// however many addresses knock. (Time and connection limits are the server's: server.ts.)

import type { Context, MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { ListenerBindings } from './app.ts'
import { problem } from './problem.ts'

export interface RateLimitOptions {
  readonly perSecond: number
  /** How many at once, after a pause. */
  readonly burst: number
  /** Addresses remembered; beyond, the one unseen longest is forgotten. */
  readonly addressesMax?: number
  /** Monotonic seconds. */
  readonly elapsedSeconds: () => number
}

interface Bucket {
  readonly tokens: number
  readonly atSeconds: number
}

/** One token bucket for each address. */
export const createRateLimit = ({
  perSecond,
  burst,
  addressesMax = 10_000,
  elapsedSeconds,
}: RateLimitOptions) => {
  const buckets = new Map<string, Bucket>()
  /** Only when it must: a Map walks to its first entry past all that were deleted before it. */
  const forgetIdlest = (): void => {
    const idlest = buckets.keys().next()
    if (!idlest.done) buckets.delete(idlest.value)
  }
  return {
    /** Takes one token; undefined if there was one, else the seconds until there is. */
    take: (address: string): number | undefined => {
      const atSeconds = elapsedSeconds()
      const { tokens, atSeconds: sinceSeconds } = buckets.get(address) ?? {
        tokens: burst,
        atSeconds,
      }
      const filled = Math.min(burst, tokens + (atSeconds - sinceSeconds) * perSecond)
      const isAllowed = filled >= 1
      // Deleted first, so that the map stays in order of last use.
      buckets.delete(address)
      buckets.set(address, { tokens: isAllowed ? filled - 1 : filled, atSeconds })
      if (buckets.size > addressesMax) forgetIdlest()
      return isAllowed ? undefined : (1 - filled) / perSecond
    },
  }
}

export type RateLimit = ReturnType<typeof createRateLimit>

/** 429 with Retry-After when an address asks too often. */
export const limitRate =
  (rate: RateLimit): MiddlewareHandler<ListenerBindings> =>
  async (asked, next) => {
    const waitSeconds = rate.take(addressOf(asked))
    if (waitSeconds === undefined) return next()
    const retryAfter = `${Math.max(1, Math.ceil(waitSeconds))}`
    return problem('http.too-many-requests', { headers: { 'retry-after': retryAfter } })
  }

/** 413 for a body above the limit, announced or not. */
export const limitBody = (maxBytes: number): MiddlewareHandler<ListenerBindings> =>
  bodyLimit({
    maxSize: maxBytes,
    onError: () => problem('http.body-too-large', { headers: { connection: 'close' } }),
  })

/** Who is at the other end of the connection; behind a proxy that is the proxy. */
export const addressOf = (asked: Context<ListenerBindings>): string =>
  addressGroup(asked.env?.incoming?.socket.remoteAddress)

/** An IPv4 address, or the /64 that one IPv6 customer holds. */
export const addressGroup = (remoteAddress: string | undefined): string => {
  if (remoteAddress === undefined) return 'unknown'
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(remoteAddress)?.[1]
  if (mapped !== undefined) return mapped
  if (!remoteAddress.includes(':')) return remoteAddress
  const [head = '', tail] = (remoteAddress.split('%')[0] ?? '').split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0')
  return `${[...left, ...zeros, ...right].slice(0, 4).join(':')}::/64`
}
