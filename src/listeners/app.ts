// What every HTTP surface of ours does alike: rate limit, body limit, headers, problem details for
// what is missing or broken. It explains no fault to the caller; the log has it under the same id.

import type { IncomingMessage } from 'node:http'
import { Hono } from 'hono'
import type { Log } from '../runtime/index.ts'
import { limitBody, limitRate, type RateLimit } from './limits.ts'
import { problem } from './problem.ts'

// A type and not an interface, because hono asks for an index signature.
export type ListenerBindings = {
  Bindings: {
    /** Absent when a test asks the app without a socket. */
    readonly incoming?: IncomingMessage
  }
}

export type ListenerApp = Hono<ListenerBindings>

export interface AppOptions {
  /** `health`, `admin`, `log`: for log lines. */
  readonly listener: string
  readonly log: Log
  readonly rate: RateLimit
  readonly bodyMaxBytes: number
  /** An unguessable id that joins the answer to its log line. */
  readonly newCorrelationId: () => string
}

export const createApp = (options: AppOptions): ListenerApp => {
  const { listener, log, rate, bodyMaxBytes, newCorrelationId } = options
  const app: ListenerApp = new Hono<ListenerBindings>()
  app.use(async (asked, next) => {
    await next()
    // What may be kept says so itself.
    if (!asked.res.headers.has('cache-control')) asked.header('cache-control', 'no-store')
    asked.header('x-content-type-options', 'nosniff')
    asked.header('content-security-policy', "default-src 'none'; frame-ancestors 'none'")
  })
  app.use(limitRate(rate))
  app.use(limitBody(bodyMaxBytes))
  app.notFound(() => problem('http.not-found'))
  // One of the four borders where an error ends: a listener (architecture, error model).
  app.onError((error) => {
    const correlationId = newCorrelationId()
    log.error('listener.fault', { listener, correlationId }, error)
    return problem('http.fault', { correlationId })
  })
  return app
}

/** Answers 405 for every other method at `path`. Mount it after the methods that are allowed. */
export const refuseOtherMethods = (app: ListenerApp, path: string, allowed: string): void => {
  app.all(path, () => problem('http.method-not-allowed', { headers: { allow: allowed } }))
}
