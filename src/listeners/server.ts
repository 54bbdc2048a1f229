// One listening port: HTTP or HTTPS, with limits on time, connections and header size, so that a
// client who dawdles or hoards costs little. It knows nothing of what is served.

import {
  createServer as createHttpServer,
  type RequestListener,
  type Server,
  type ServerOptions,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { Fault } from '../fault.ts'
import type { Log, Part } from '../runtime/index.ts'
import type { Duration } from '../time.ts'
import type { ListenerApp } from './app.ts'
import { addressGroup } from './limits.ts'

export interface ServerLimits {
  readonly connections: number
  readonly connectionsPerRemote: number
  /** For the TLS handshake and for the head of a request. */
  readonly headersWithin: Duration
  /** For a whole request to arrive, and for silence while an answer is read. */
  readonly requestWithin: Duration
  /** How long a graceful stop waits for answers in progress. */
  readonly stopWithin: Duration
}

export interface ListenerOptions {
  readonly name: string
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  /** Serves HTTPS (TLS 1.3) when given. PEM. */
  readonly tls?: { readonly certificate: Uint8Array | string; readonly key: Uint8Array | string }
  readonly app: ListenerApp
  readonly limits: ServerLimits
  readonly log: Log
}

export interface Listener extends Part {
  /** `http://127.0.0.1:9101`; only while started. Throws the Fault `listeners.not-started` else. */
  url(): string
}

export const createListener = (options: ListenerOptions): Listener => {
  const { name, host, port, limits, log } = options
  const server = createServer(options)
  guardConnections(server, limits)
  return {
    name: `listener-${name}`,
    start: async () => {
      await listen(server, host, port)
      log.info('listener.started', { listener: name, url: urlOf(server, options) })
    },
    stop: () => close(server, limits.stopWithin),
    url: () => urlOf(server, options),
  }
}

const HEADERS_MAX_BYTES = 16 * 1024
const REQUESTS_PER_CONNECTION = 1000
const IDLE_CONNECTION_MS = 5000

const createServer = ({ app, tls, limits }: ListenerOptions): Server => {
  const answer = getRequestListener((request, env) => app.fetch(request, toBindings(env)), {
    overrideGlobalObjects: false,
  })
  const listener: RequestListener = (incoming, outgoing) => {
    void answer(incoming, outgoing)
  }
  const server =
    tls === undefined
      ? createHttpServer(serverOptions(limits), listener)
      : createHttpsServer(
          {
            ...serverOptions(limits),
            cert: toPem(tls.certificate),
            key: toPem(tls.key),
            minVersion: 'TLSv1.3',
            handshakeTimeout: limits.headersWithin,
          },
          listener,
        )
  server.maxConnections = limits.connections
  server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION
  // Silence on a connection, also while it should be reading our answer.
  server.setTimeout(limits.requestWithin)
  return server
}

const serverOptions = (limits: ServerLimits): ServerOptions => ({
  maxHeaderSize: HEADERS_MAX_BYTES,
  headersTimeout: limits.headersWithin,
  requestTimeout: Math.max(limits.requestWithin, limits.headersWithin),
  keepAliveTimeout: IDLE_CONNECTION_MS,
  // Node looks for connections that overstayed only so often.
  connectionsCheckingInterval: Math.max(50, Math.min(1000, limits.headersWithin / 4)),
  requireHostHeader: true,
})

const toPem = (pem: Uint8Array | string): Buffer | string =>
  typeof pem === 'string' ? pem : Buffer.from(pem)

type AdaptorBindings = Parameters<Parameters<typeof getRequestListener>[0]>[1]

/** We never serve HTTP/2, so both halves are those of node:http. */
const toBindings = (env: AdaptorBindings) =>
  'stream' in env.incoming ? {} : { incoming: env.incoming }

const guardConnections = (server: Server, limits: ServerLimits): void => {
  const open = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    const address = addressGroup(socket.remoteAddress)
    const count = (open.get(address) ?? 0) + 1
    if (count > limits.connectionsPerRemote) {
      socket.destroy()
      return
    }
    open.set(address, count)
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1
      if (left === 0) open.delete(address)
      else open.set(address, left)
    })
  })
}

const listen = (server: Server, host: string, port: number): Promise<void> => {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ host, port }, () => {
    server.off('error', reject)
    resolve()
  })
  return promise
}

/** No new connections; answers in progress get their time; then everything is cut. */
const close = (server: Server, stopWithin: Duration): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (!server.listening) return Promise.resolve()
  const timer = setTimeout(() => server.closeAllConnections(), stopWithin)
  server.close(() => {
    clearTimeout(timer)
    resolve()
  })
  return promise
}

const urlOf = (server: Server, { tls }: ListenerOptions): string => {
  const address = server.address()
  if (!isAddressInfo(address)) throw new Fault('listeners.not-started')
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `${tls === undefined ? 'http' : 'https'}://${host}:${address.port}`
}

const isAddressInfo = (address: AddressInfo | string | null): address is AddressInfo =>
  typeof address === 'object' && address !== null
