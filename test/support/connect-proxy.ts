// A real HTTP proxy on loopback that knows CONNECT and nothing else. It counts where it was sent, and may want credentials.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect, type Socket } from 'node:net'

export interface ConnectProxy {
  readonly port: number
  /** `host:port` of each tunnel, in order. */
  readonly tunnels: readonly string[]
  /** What it was sent that it did not let through. */
  readonly refused: number
  close(): void
}

export interface ProxyWishes {
  /** `user:password`. */
  readonly credentials?: string
  readonly tls?: { readonly cert: string; readonly key: string }
  /** Answered to every CONNECT. */
  readonly status?: number
}

export const startProxy = async (wishes: ProxyWishes = {}): Promise<ConnectProxy> => {
  const tunnels: string[] = []
  const sockets = new Set<Socket>()
  let refused = 0
  const server = wishes.tls === undefined ? createServer() : createTlsServer(wishes.tls)
  const wanted =
    wishes.credentials && `Basic ${Buffer.from(wishes.credentials, 'utf8').toString('base64')}`
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => undefined))
  })
  server.on('connect', (request, near: Socket, head: Buffer) => {
    near.on('error', () => undefined)
    const isKnown = wanted === undefined || request.headers['proxy-authorization'] === wanted
    const status = isKnown ? (wishes.status ?? 200) : 407
    if (status !== 200) {
      refused += 1
      near.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`)
      return
    }
    const { hostname, port } = new URL(`http://${request.url}`)
    tunnels.push(request.url ?? '')
    const far = connect(Number(port), hostname.replace(/^\[|\]$/g, ''))
    sockets.add(far.on('error', () => near.destroy()))
    far.once('connect', () => {
      near.write('HTTP/1.1 200 Connection established\r\n\r\n')
      far.write(head)
      near.pipe(far).pipe(near)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    tunnels,
    get refused() {
      return refused
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
