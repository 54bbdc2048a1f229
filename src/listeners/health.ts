// Is the process alive, is it ready, what do its numbers say. Loopback unless opened on purpose:
// nobody is asked who they are here, so nothing here names a person, a room or a key.

import type { Metrics } from '../runtime/index.ts'
import type { Duration } from '../time.ts'
import { type AppOptions, createApp, type ListenerApp, refuseOtherMethods } from './app.ts'

/** A part that must work before requests can be served, and how it is. */
export interface PartState {
  /** `store`, `link`, `keys`, `log`, `shipping`, `witnesses`. */
  readonly part: string
  /** `locked` is healthy and not ready: it waits for a person. `alarm` serves on, and a person must look. */
  readonly state: 'ok' | 'alarm' | 'locked' | 'failed'
}

export interface HealthOptions extends AppOptions {
  readonly metrics: Metrics
  /** Asks every part. A part that throws or does not answer in time makes the answer "not ready". */
  readonly parts: () => Promise<readonly PartState[]>
  readonly answerWithin: Duration
  /** What runs: version and digests. Public knowledge, for whoever compares it with a release. */
  readonly version: Readonly<Record<string, string>>
}

/** `/healthz` (alive), `/readyz` (200 or 503 with each part's state), `/version` (what runs), `/metrics` (Prometheus). */
export const createHealthApp = (options: HealthOptions): ListenerApp => {
  const { metrics, log, version } = options
  const app = createApp(options)
  app.get('/version', (asked) => asked.json(version))
  app.get('/healthz', (asked) => asked.json({ status: 'live' }))
  app.get('/readyz', async (asked) => {
    const parts = await askInTime(options).catch((error: unknown) => {
      log.warn('health.not-answered', {}, error)
      return undefined
    })
    const isReady = parts?.every(({ state }) => state === 'ok' || state === 'alarm') ?? false
    const states = Object.fromEntries((parts ?? []).map(({ part, state }) => [part, state]))
    const body = { status: isReady ? 'ready' : 'not-ready', parts: states }
    return asked.json(body, isReady ? 200 : 503)
  })
  app.get('/metrics', async (asked) => {
    const { contentType, body } = await metrics.text()
    return asked.body(body, 200, { 'content-type': contentType })
  })
  for (const path of ['/healthz', '/readyz', '/version', '/metrics']) {
    refuseOtherMethods(app, path, 'GET, HEAD')
  }
  return app
}

const askInTime = async ({
  parts,
  answerWithin,
}: HealthOptions): Promise<readonly PartState[] | undefined> => {
  const { promise: tooLate, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), answerWithin)
  try {
    return await Promise.race([parts(), tooLate])
  } finally {
    clearTimeout(timer)
  }
}
