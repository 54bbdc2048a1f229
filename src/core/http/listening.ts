// Opening and closing of ports: a server that listens is told where, and one that stops gets a moment for what
// it has begun before its connections are cut.

import type { Server } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import { Fault } from '../../fault.ts'

export interface Place {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
}

/** Resolves with the port once the server listens. */
export const listen = (server: Server | TlsServer, { host, port }: Place): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      const address = server.address()
      if (typeof address === 'object' && address !== null) resolve(address.port)
      else reject(new Fault('core.no-port'))
    })
  })

export const closeServer = (server: Server | TlsServer, graceMs: number): Promise<void> =>
  new Promise((resolve) => {
    if (!server.listening) return resolve()
    const cut = setTimeout(() => server.closeAllConnections(), graceMs)
    server.close(() => {
      clearTimeout(cut)
      resolve()
    })
    server.closeIdleConnections()
  })
