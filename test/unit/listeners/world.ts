// What the tests of the listeners stand on: a log that is kept, a rate that never bites, real sockets.

import { connect, type Socket } from 'node:net'
import {
  type AppOptions,
  createListener,
  createRateLimit,
  type Listener,
  type ListenerApp,
  type ServerLimits,
} from '../../../src/listeners/index.ts'
import { createLog, silentLog } from '../../../src/runtime/index.ts'
import { milliseconds } from '../../../src/time.ts'

export const appOptions = (change: Partial<AppOptions> = {}) => {
  const lines: string[] = []
  const options: AppOptions = {
    listener: 'test',
    log: createLog({ level: 'debug', sink: { write: (line) => lines.push(line) } }),
    rate: createRateLimit({ perSecond: 1000, burst: 1000, elapsedSeconds: () => 0 }),
    bodyMaxBytes: 1024,
    newCorrelationId: () => 'correlation-1',
    ...change,
  }
  return { options, lines }
}

export const limits = (change: Partial<ServerLimits> = {}): ServerLimits => ({
  connections: 50,
  connectionsPerRemote: 50,
  headersWithin: milliseconds(5000),
  requestWithin: milliseconds(5000),
  stopWithin: milliseconds(1000),
  ...change,
})

/** Starts a listener on a free port of this machine. */
export const serve = async (
  app: ListenerApp,
  change: Partial<ServerLimits> = {},
  tls?: { readonly certificate: string; readonly key: string },
): Promise<Listener> => {
  const listener = createListener({
    name: 'test',
    host: '127.0.0.1',
    port: 0,
    app,
    limits: limits(change),
    log: silentLog,
    ...(tls === undefined ? {} : { tls }),
  })
  await listener.start()
  return listener
}

/** A bare TCP connection that keeps what it receives. */
export const dial = async (listener: Listener) => {
  const { hostname, port } = new URL(listener.url())
  const socket = connect(Number(port), hostname)
  let received = ''
  socket.setEncoding('latin1')
  socket.on('data', (chunk) => {
    received += String(chunk)
  })
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.on('error', () => undefined)
  await new Promise<void>((resolve) => socket.once('connect', resolve))
  return { socket, closed, received: () => received }
}

/** Sends a piece every few milliseconds until the other side has had enough. */
export const dribble = (socket: Socket, piece: string): (() => void) => {
  const timer = setInterval(() => socket.write(piece), 20)
  socket.once('close', () => clearInterval(timer))
  return () => clearInterval(timer)
}
