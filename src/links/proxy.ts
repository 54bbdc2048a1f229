// Through an HTTP proxy to anywhere: CONNECT (RFC 9110 §9.3.6), by Node's own client. The proxy carries bytes; TLS runs
// through it end to end, so it sees a host name, a port and how much. It refuses to send credentials to another place.

import { request as requestPlain } from 'node:http'
import { Agent, type RequestOptions, request as requestTls } from 'node:https'
import { isIP, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { Fault } from '../fault.ts'

export interface HttpProxy {
  /** `http://host:port`, or `https://…` for TLS to the proxy itself. */
  readonly url: string
  readonly credentials?: {
    readonly user: string
    readonly password: { expose(): Uint8Array }
  }
  /** Authorities of an `https:` proxy, PEM; the system's unless told. */
  readonly caPem?: string
  /** Reached without it: a host, or `.example` for everything below. */
  readonly except: readonly string[]
}

export interface Target {
  readonly host: string
  readonly port: number
}

const PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }
const OK = 200
const CREDENTIALS_WANTED = 407

/** Does the way to this host lead through the proxy? */
export const isThroughProxy = ({ except }: HttpProxy, host: string): boolean => {
  const name = host.toLowerCase()
  return !except.some((one) => (one.startsWith('.') ? name.endsWith(one) : name === one))
}

const authorityOf = ({ host, port }: Target): string =>
  isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`

/** A DNS name or an address. Whatever else stood there would become part of a request to the proxy. */
const isHost = (host: string): boolean =>
  isIP(host) !== 0 || /^[a-z0-9_](?:[a-z0-9_.-]{0,252})$/i.test(host)

/** RFC 7617 with UTF-8. */
const basic = ({ credentials }: HttpProxy): Readonly<Record<string, string>> => {
  if (credentials === undefined) return {}
  const password = new TextDecoder().decode(credentials.password.expose())
  const pair = Buffer.from(`${credentials.user}:${password}`, 'utf8').toString('base64')
  return { 'proxy-authorization': `Basic ${pair}` }
}

const refusal = (status: number): Fault =>
  new Fault(status === CREDENTIALS_WANTED ? 'links.proxy-credentials' : 'links.proxy-refused')

/**
 * A connection to the target, through the proxy. Rejects with a Fault `links.proxy-unreachable`,
 * `links.proxy-credentials` (it wants others, or some), `links.proxy-refused` (it does not go there) or `links.proxy-target` (no
 * host that could be asked for; nobody was).
 */
export const openTunnel = (proxy: HttpProxy, target: Target, withinMs: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    if (!isHost(target.host)) return reject(new Fault('links.proxy-target'))
    const { protocol, hostname, port } = new URL(proxy.url)
    const authority = authorityOf(target)
    const ask = protocol === 'https:' ? requestTls : requestPlain
    const asking = ask({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? PORTS[protocol] : Number(port),
      method: 'CONNECT',
      path: authority,
      headers: { host: authority, ...basic(proxy) },
      agent: false,
      ...(proxy.caPem === undefined ? {} : { ca: proxy.caPem }),
    })
    const tooLate = setTimeout(() => asking.destroy(), withinMs)
    const fail = (fault: Fault): void => {
      clearTimeout(tooLate)
      reject(fault)
      asking.destroy()
    }
    asking.on('error', (error) => fail(new Fault('links.proxy-unreachable', error)))
    asking.on('response', ({ statusCode = 0 }) => fail(refusal(statusCode)))
    asking.on('connect', ({ statusCode = 0 }, socket: Socket, head: Buffer) => {
      clearTimeout(tooLate)
      if (statusCode !== OK) {
        socket.destroy()
        return reject(refusal(statusCode))
      }
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    asking.end()
  })

const TUNNEL_WITHIN_MS = 10_000

type Created = (error: Error | null, stream: Duplex) => void

/** TLS to the target inside a tunnel; what the request says about TLS holds for the target. */
class TunnelAgent extends Agent {
  readonly #proxy: HttpProxy

  constructor(proxy: HttpProxy, options: ConstructorParameters<typeof Agent>[0]) {
    super(options)
    this.#proxy = proxy
  }

  // Node's own seam: whoever answers nothing calls back later.
  override createConnection(options: RequestOptions, created?: Created) {
    const host = options.host ?? 'localhost'
    if (!isThroughProxy(this.#proxy, host)) return super.createConnection(options, created)
    openTunnel(this.#proxy, { host, port: Number(options.port) }, TUNNEL_WITHIN_MS).then(
      (socket) => created?.(null, secured(socket, host, options)),
      // Node wants a stream beside the error, and looks at the error only.
      (error: Error) => created?.(error, new Socket().destroy()),
    )
    return undefined
  }
}

const secured = (socket: Socket, host: string, options: RequestOptions): Socket => {
  const { ca, cert, key, minVersion, servername = isIP(host) === 0 ? host : '' } = options
  const trust = { ca, cert, key, minVersion, rejectUnauthorized: true }
  return connectTls({ ...trust, host, servername, socket })
}

/** An agent of Node's HTTPS client; without a proxy an ordinary one. */
export const createAgent = (
  proxy: HttpProxy | undefined,
  options: ConstructorParameters<typeof Agent>[0],
): Agent => (proxy === undefined ? new Agent(options) : new TunnelAgent(proxy, options))
