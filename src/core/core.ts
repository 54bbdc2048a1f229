// A whole core: one database, one HTTPS port for clients, one port for realms, one for probes. Everything is
// handed in, so that tests run it on free ports and with a clock of their own.

import { createServer, type Server } from 'node:https'
import { getRequestListener } from '@hono/node-server'
import { type Clock, createJobs, type Log, type Metrics } from '../runtime/index.ts'
import { milliseconds } from '../time.ts'
import { type App, createApp } from './app.ts'
import type { CoreSettings } from './config.ts'
import { type Mercury, openMercury } from './devices/mercury.ts'
import { createHealthServer } from './health.ts'
import { closeServer, listen } from './http/listening.ts'
import { createMeter } from './meter.ts'
import type { Surroundings } from './ports.ts'
import { openRealmLines } from './realms/realm-lines.ts'
import { openRealms } from './realms/realms.ts'
import {
  httpServerOptions,
  linkServerOptions,
  postingsRulesOf,
  postingsSettingsOf,
  streamRulesOf,
} from './rules.ts'
import { openPostings } from './search/postings.ts'
import { openPostingsStore } from './store/postings.ts'
import { openCoreStore } from './store/store.ts'
import { openStreamRelay } from './streams/relay.ts'

export interface CoreOptions {
  readonly settings: CoreSettings
  readonly log: Log
  readonly metrics: Metrics
  readonly clock: Clock
}

export interface RunningCore {
  readonly baseUrl: string
  readonly port: number
  readonly linkPort: number
  readonly healthPort: number
  readonly app: App
  /** Ends what was begun, tells sockets to come back later, closes the database. */
  stop(): Promise<void>
}

const PING_EVERY_MS = 30_000
const LINK_PING_EVERY_MS = 15_000
const REJUDGE_EVERY_MS = 30_000
const SWEEP_EVERY_MS = 5000
const STOP_GRACE_MS = 3000

/** Starts a core. Throws if a port, a file or the database cannot be had. */
export const startCore = async (options: CoreOptions): Promise<RunningCore> => {
  const { settings, log, metrics, clock } = options
  const newId = () => crypto.randomUUID()
  const surroundings = { now: () => clock.now(), newId, log, meter: createMeter(metrics) }
  const store = await openCoreStore(settings.database.file)
  const postings = await openPostings(
    await openPostingsStore(postingsSettingsOf(settings)),
    postingsRulesOf(settings),
    log,
  )
  const realms = await openRealms(settings.realms, store, surroundings)
  const left = await store.openOperations()
  let isStopping = false

  const clients = createServer(httpServerOptions(settings))
  clients.maxConnections = settings.limits.connections
  const port = await listen(clients, settings.listen)
  // No waiting from here until the port is served: its number is part of the URLs behind it.
  const baseUrl = publicBaseUrl(settings, port)
  const stopping = () => isStopping
  const app = createApp({
    settings,
    surroundings,
    store,
    realms,
    postings,
    baseUrl,
    left,
    isStopping: stopping,
  })
  const mercury = serveClients(clients, app, { settings, surroundings })

  const streams = openStreamRelay({
    ...streamRulesOf(settings, realms),
    now: surroundings.now,
    onCount: surroundings.meter.streams,
  })
  const forLines = { ...app, operations: app.operations.open, streams }
  const lines = openRealmLines(lineRules(settings), forLines, surroundings)
  const linkPort = await listen(lines.server, settings.link)
  const health = createHealthServer({ metrics, isReady: () => !isStopping })
  const healthPort = await listen(health, settings.health)
  const jobs = createJobs({ jobs: jobsOf(app, settings), log, metrics })
  jobs.start()

  const stop = async (): Promise<void> => {
    isStopping = true
    mercury.close(STOP_GRACE_MS)
    lines.close(STOP_GRACE_MS)
    await Promise.all([
      closeServer(clients, STOP_GRACE_MS),
      closeServer(lines.server, STOP_GRACE_MS),
      jobs.stop(),
    ])
    await closeServer(health, 0)
    await postings.close()
    await store.close()
  }
  return { baseUrl, port, linkPort, healthPort, app, stop }
}

const publicBaseUrl = ({ publicBaseUrl, listen: { host } }: CoreSettings, port: number): string =>
  publicBaseUrl?.replace(/\/$/, '') ?? `https://${host}:${port}`

interface Served {
  readonly settings: CoreSettings
  readonly surroundings: Surroundings
}

const serveClients = (server: Server, app: App, { settings, surroundings }: Served): Mercury => {
  const mercury = openMercury({
    ...app,
    surroundings,
    authorizeWithinMs: settings.limits.mercuryAuthorizeWithinMs,
    framesPerSecond: settings.limits.mercuryFramesPerSecond,
    frameBytes: settings.limits.mercuryFrameBytes,
    pingEveryMs: PING_EVERY_MS,
    rejudgeEveryMs: REJUDGE_EVERY_MS,
  })
  server.on('request', getRequestListener(app.http.fetch))
  server.on('upgrade', (request, socket, head) => mercury.upgrade(request, socket, head))
  return mercury
}

const lineRules = (settings: CoreSettings) => ({
  tls: linkServerOptions(settings),
  helloWithinMs: settings.limits.linkHelloWithinMs,
  pingEveryMs: LINK_PING_EVERY_MS,
  // Room for a few reconnects of every realm at once, and no more.
  connections: settings.realms.length * 4 + 16,
})

const jobsOf = ({ relay, mailboxes, operations, rosters }: App, { limits }: CoreSettings) => [
  {
    name: 'sweep',
    interval: milliseconds(SWEEP_EVERY_MS),
    async run(): Promise<void> {
      relay.sweep()
      mailboxes.sweep()
      await operations.sweep()
    },
  },
  {
    name: 'rosters',
    interval: milliseconds(limits.rostersEveryMs),
    run: () => rosters.tellAll(),
  },
]
