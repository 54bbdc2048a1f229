// Syslog over TLS (RFC 5425) and TCP (RFC 6587). Syslog has no acknowledgement, so delivery is made sure by the
// connection's end: after a moment of quiet we close our side, and only a server that has read everything answers with
// an orderly end. A server that closes with bytes unread resets the connection instead. Anything else is not delivered.

import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { connect as connectTls, TLSSocket } from 'node:tls'
import type { Shipment, ShipTarget } from '../audit/index.ts'
import { Fault } from '../fault.ts'
import { type Duration, milliseconds } from '../time.ts'
import { type HttpProxy, isThroughProxy, openTunnel } from './proxy.ts'

/** `octet-counting`: RFC 5425 §4.3 and RFC 6587 §3.4.1. `newline`: RFC 6587 §3.4.2. */
export type Framing = 'octet-counting' | 'newline'

export interface SyslogTls {
  /** Authorities that may vouch for the server, PEM; no others are trusted. */
  readonly caPem: string
  /** The one name that its certificate must carry; wildcards and common names do not count. */
  readonly serverName: string
  /** Our own certificate chain and key, PEM, where the server asks who we are. */
  readonly identity?: { readonly certificatePem: string; readonly keyPem: string }
}

export interface SyslogStreamOptions {
  readonly host: string
  readonly port: number
  readonly framing: Framing
  /** Without it lines travel in the clear. */
  readonly tls?: SyslogTls
  readonly proxy?: HttpProxy
  readonly concludeAfter: Duration
  /** A server that takes nothing, or does not end, for so long is given up. */
  readonly giveUpAfter: Duration
}

const CONNECT_WITHIN_MS = 10_000
const KEEP_ALIVE_MS = 30_000
/** Longer than a round trip: what was written has arrived by then, so that no end can cross it on the way. */
const QUIET_FOR = milliseconds(500)

const tunnelFor = async ({ host, port, proxy }: SyslogStreamOptions) =>
  proxy !== undefined && isThroughProxy(proxy, host)
    ? (await openTunnel(proxy, { host, port }, CONNECT_WITHIN_MS)).setKeepAlive(true, KEEP_ALIVE_MS)
    : undefined

/** `tunnel` leads there already. */
const dial = ({ host, port, tls }: SyslogStreamOptions, tunnel: Socket | undefined): Socket =>
  tls === undefined
    ? (tunnel ?? connectTcp({ host, port, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS }))
    : connectTls({
        host,
        ...(tunnel === undefined ? { port } : { socket: tunnel }),
        ca: tls.caPem,
        minVersion: 'TLSv1.2',
        ...(isIP(tls.serverName) === 0 ? { servername: tls.serverName } : {}),
        ...(tls.identity && { cert: tls.identity.certificatePem, key: tls.identity.keyPem }),
        // The name is checked below, more strictly; the chain has been checked when that happens.
        checkServerIdentity: () => undefined,
      })

/** RFC 5425 §5.2, without what it leaves open: the exact name, in a subjectAltName, no wildcard. */
const hasName = (socket: TLSSocket, name: string): boolean => {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return false
  return isIP(name) === 0
    ? certificate.checkHost(name, { subject: 'never', wildcards: false }) !== undefined
    : certificate.checkIP(name) !== undefined
}

const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EPIPE',
])

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

/** What TLS refuses on our side or theirs is a matter of trust; the rest is the network's. */
const openFault = (error: unknown, isTls: boolean): Fault => {
  if (error instanceof Fault) return error
  const isNetwork = !isTls || CONNECTION_CODES.has(codeOf(error))
  return new Fault(isNetwork ? 'links.ship-unreachable' : 'links.ship-untrusted', error)
}

const encoder = new TextEncoder()

/** No layout makes a line with a line end; if one came all the same it must not become two messages. */
const oneLine = (line: string): string => line.replace(/[\r\n]+/g, ' ')

export const frame = (framing: Framing, lines: readonly string[]): Uint8Array =>
  Buffer.concat(
    lines.flatMap((line) => {
      const bytes = encoder.encode(oneLine(line))
      return framing === 'newline'
        ? [bytes, encoder.encode('\n')]
        : [encoder.encode(`${bytes.length} `), bytes]
    }),
  )

/** Settles with the connection: `ended` if the server ended it in order, rejected if not. */
const watchEnd = (socket: Socket) => {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  // Whoever waits for it hears of it; until then it is not unhandled.
  promise.catch(() => undefined)
  let isOrderly = false
  const state = { isConcluding: false, isOver: false }
  socket.on('error', (error) => reject(new Fault('links.ship-lost', error)))
  socket.on('end', () => {
    isOrderly = state.isConcluding
  })
  socket.on('close', () => {
    state.isOver = true
    if (isOrderly) resolve()
    else reject(new Fault('links.ship-lost'))
  })
  // Servers say nothing; what one says all the same is read and dropped, or its end would never be seen.
  socket.resume()
  return { ended: promise, state }
}

/** The first to settle; a wait that is too long is a stall. */
const within = async <Result>(limit: Duration, work: Promise<Result>): Promise<Result> => {
  const over = new AbortController()
  const tooLong = wait(limit, undefined, { signal: over.signal, ref: false }).then(() => {
    throw new Fault('links.ship-stalled')
  })
  try {
    return await Promise.race([work, tooLong])
  } finally {
    over.abort()
    tooLong.catch(() => undefined)
  }
}

const shipmentOn = (socket: Socket, { framing, giveUpAfter }: SyslogStreamOptions): Shipment => {
  const { ended, state } = watchEnd(socket)
  const failure = ended.then(() => Promise.reject(new Fault('links.ship-lost')))
  failure.catch(() => undefined)
  const flushed = (bytes: Uint8Array): Promise<void> => {
    if (state.isOver) return Promise.reject(new Fault('links.ship-lost'))
    return new Promise((resolve, reject) => {
      socket.write(bytes, (error) =>
        error ? reject(new Fault('links.ship-lost', error)) : resolve(),
      )
    })
  }
  return {
    write: (lines) => within(giveUpAfter, Promise.race([flushed(frame(framing, lines)), failure])),
    conclude: async () => {
      await Promise.race([wait(QUIET_FOR), failure])
      state.isConcluding = true
      socket.end()
      await within(giveUpAfter, ended)
    },
    abandon: () => socket.destroy(),
  }
}

const isConnected = (socket: Socket): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.setTimeout(CONNECT_WITHIN_MS, () => reject(new Fault('links.ship-unreachable')))
    socket.once('error', reject)
    socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', () => {
      socket.setTimeout(0)
      socket.off('error', reject)
      resolve()
    })
  })

export const createSyslogStream = (options: SyslogStreamOptions): ShipTarget => ({
  concludeAfter: options.concludeAfter,
  open: async () => {
    const { tls } = options
    const tunnel = await tunnelFor(options)
    const socket = dial(options, tunnel)
    try {
      if (socket !== tunnel) await isConnected(socket)
      if (tls !== undefined && !(socket instanceof TLSSocket && hasName(socket, tls.serverName))) {
        throw new Fault('links.ship-wrong-name')
      }
      return shipmentOn(socket, options)
    } catch (error) {
      socket.on('error', () => undefined)
      socket.destroy()
      throw openFault(error, tls !== undefined)
    }
  },
})
