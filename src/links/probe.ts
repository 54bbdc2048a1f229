// Looks whether somebody answers who is to be reached later: one TLS handshake, or one HTTPS request for the time that
// the other side has. It says nothing but that, and sends no secret.

import { request } from 'node:https'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Fault } from '../fault.ts'
import { type Instant, instant } from '../time.ts'
import { createHttpsAgent } from './https-request.ts'
import { type HttpProxy, isThroughProxy, openTunnel, type Target } from './proxy.ts'

const WITHIN_MS = 5000

export interface TlsProbe extends Target {
  readonly ca?: string
  readonly proxy?: HttpProxy
}

/** `links.proxy-…` are the proxy's. */
export type ProbeAnswer =
  | 'answers'
  | 'unreachable'
  | 'untrusted'
  | 'links.proxy-unreachable'
  | 'links.proxy-credentials'
  | 'links.proxy-refused'

const direct = (target: Target): Promise<Socket | undefined> =>
  new Promise((resolve) => {
    const socket = connectTcp({ ...target, timeout: WITHIN_MS })
    const fail = (): void => {
      socket.destroy()
      resolve(undefined)
    }
    socket.once('error', fail).once('timeout', fail)
    socket.once('connect', () => resolve(socket))
  })

const PROXY_ANSWERS: readonly ProbeAnswer[] = [
  'links.proxy-unreachable',
  'links.proxy-credentials',
  'links.proxy-refused',
]

const proxyAnswer = (error: unknown): ProbeAnswer =>
  PROXY_ANSWERS.find((one) => error instanceof Fault && error.code === one) ?? 'unreachable'

const secure = (socket: Socket, { host, ca }: TlsProbe): Promise<ProbeAnswer> =>
  new Promise((resolve) => {
    const servername = isIP(host) === 0 ? host : ''
    const tls = connectTls({ socket, host, servername, ...(ca === undefined ? {} : { ca }) })
    const settle = (answer: ProbeAnswer): void => {
      resolve(answer)
      tls.destroy()
    }
    tls.setTimeout(WITHIN_MS, () => settle('unreachable'))
    tls.once('error', () => settle('untrusted')).once('secureConnect', () => settle('answers'))
  })

/** One handshake, its server judged by these authorities or the system's. Never rejects. */
export const probeTls = async (probe: TlsProbe): Promise<ProbeAnswer> => {
  const { host, port, proxy } = probe
  try {
    const socket =
      proxy !== undefined && isThroughProxy(proxy, host)
        ? await openTunnel(proxy, { host, port }, WITHIN_MS)
        : await direct({ host, port })
    return socket === undefined ? 'unreachable' : await secure(socket, probe)
  } catch (error) {
    return proxyAnswer(error)
  }
}

export interface DateQuestion {
  readonly url: string
  readonly caPem?: string | undefined
  readonly proxy?: HttpProxy | undefined
}

/** What time it is there (RFC 9110 §6.6.1), to the second; undefined if nobody answers or says. Never rejects. */
export const askDate = ({ url, caPem, proxy }: DateQuestion): Promise<Instant | undefined> =>
  new Promise((resolve) => {
    const agent = createHttpsAgent(caPem, proxy)
    const settle = (date: string | undefined): void => {
      const ms = date === undefined ? Number.NaN : Date.parse(date)
      resolve(Number.isNaN(ms) ? undefined : instant(ms))
      agent.destroy()
    }
    const asking = request(url, { agent, method: 'HEAD', signal: AbortSignal.timeout(WITHIN_MS) })
    asking.on('error', () => settle(undefined))
    asking.on('response', (response) => {
      response.resume()
      settle(response.headers.date)
    })
    asking.end()
  })
