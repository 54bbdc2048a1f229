// The port for peers that come without the core. It counts and hands on: TLS, names and questions are the same code that
// serves peers through the core (`links`), and nothing is read here.

import { createServer, type Socket } from 'node:net'
import { Fault } from '../fault.ts'
import type { Log, Part } from '../runtime/index.ts'
import { addressGroup } from './limits.ts'

export interface PeerListenerOptions {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  readonly connections: number
  readonly connectionsPerRemote: number
  /** `address`: as it is counted and told of, an IPv4 address or an IPv6 network. False if there is no room for another. */
  take(socket: Socket, address: string): boolean
  readonly log: Log
}

export interface PeerListener extends Part {
  /** Only while started. Throws the Fault `listeners.not-started` else. */
  port(): number
}

export const createPeerListener = (options: PeerListenerOptions): PeerListener => {
  const { host, port, log } = options
  const open = new Map<string, number>()
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true, allowHalfOpen: true })
  server.maxConnections = options.connections
  const count = (address: string, change: 1 | -1): number => {
    const left = (open.get(address) ?? 0) + change
    if (left === 0) open.delete(address)
    else open.set(address, left)
    return left
  }
  server.on('connection', (socket) => {
    const address = addressGroup(socket.remoteAddress)
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => {
      sockets.delete(socket)
      count(address, -1)
    })
    const isFit = count(address, 1) <= options.connectionsPerRemote
    if (!isFit || !options.take(socket, address)) socket.destroy()
  })
  return {
    name: 'listener-peers',
    start: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen({ host, port }, () => {
          server.off('error', reject)
          log.info('listener.started', { listener: 'peers' })
          resolve()
        })
      }),
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        if (server.listening) server.close(() => resolve())
        else resolve()
      }),
    port() {
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Fault('listeners.not-started')
      return address.port
    },
  }
}
