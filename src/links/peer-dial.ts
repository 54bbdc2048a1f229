// The way to a peer: a stream that the core relays, or a TCP connection where the settings give the peer an address.

import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { StreamCode } from '../boundary/index.ts'
import type { PeerDomain } from '../federation/index.ts'
import { type Refusal, refuse } from '../refusal.ts'
import type { Carrier } from './peer-tls.ts'
import { type HttpProxy, isThroughProxy, openTunnel } from './proxy.ts'

export interface PeerAddress {
  readonly host: string
  readonly port: number
}

export interface PeerWays {
  /** Peers that are reached without the core. */
  readonly direct: ReadonlyMap<string, PeerAddress>
  /** Through the core; absent where the settings forbid it. */
  readonly relay?: (domain: string) => Promise<Duplex | StreamCode>
  /** On the way to addresses. */
  readonly proxy?: HttpProxy
}

export type PeerWay = { readonly raw: Duplex; readonly carrier: Carrier } | Refusal

const unreachable = (domain: PeerDomain): Refusal => refuse('federation.peer-unreachable', domain)
const unknown = (domain: PeerDomain): Refusal => refuse('federation.unknown-host', domain)
const late = (domain: PeerDomain): Refusal => refuse('federation.peer-timed-out', domain)

export const dialPeer = (
  { direct, relay, proxy }: PeerWays,
  domain: PeerDomain,
  withinMs: number,
): Promise<PeerWay> => {
  const address = direct.get(domain)
  if (address !== undefined && proxy !== undefined && isThroughProxy(proxy, address.host)) {
    return openTunnel(proxy, address, withinMs).then(
      (raw: Socket) => ({ raw: raw.setNoDelay(true), carrier: 'direct' }),
      () => unreachable(domain),
    )
  }
  if (address !== undefined) return dialDirect(domain, address, withinMs)
  return relay === undefined
    ? Promise.resolve(unknown(domain))
    : dialRelayed(domain, relay(domain), withinMs)
}

const dialDirect = (domain: PeerDomain, address: PeerAddress, withinMs: number): Promise<PeerWay> =>
  new Promise((resolve) => {
    const raw = connect({ ...address, noDelay: true })
    const settle = (way: PeerWay): void => {
      clearTimeout(timer)
      if (!('raw' in way)) raw.destroy()
      resolve(way)
    }
    const timer = setTimeout(() => settle(late(domain)), withinMs)
    raw.on('error', () => settle(unreachable(domain)))
    raw.once('connect', () => settle({ raw, carrier: 'direct' }))
  })

const dialRelayed = async (
  domain: PeerDomain,
  opening: Promise<Duplex | StreamCode>,
  withinMs: number,
): Promise<PeerWay> => {
  const { promise, resolve } = Promise.withResolvers<'late'>()
  const timer = setTimeout(() => resolve('late'), withinMs)
  const opened = await Promise.race([opening, promise])
  clearTimeout(timer)
  if (opened === 'late') {
    // It may still open: nobody wants it then.
    void opening.then((stream) => typeof stream !== 'string' && stream.destroy())
    return late(domain)
  }
  if (typeof opened !== 'string') return { raw: opened, carrier: 'relayed' }
  return refusalOf(opened, domain)
}

/** Nobody of that name, as against somebody who is away: only the second may be worth another try. */
const refusalOf = (code: StreamCode, domain: PeerDomain): Refusal => {
  switch (code) {
    case 'unknown-domain':
      return unknown(domain)
    case 'not-accepted':
      return late(domain)
    case 'too-many':
      return refuse('federation.peer-busy', domain)
    default:
      return unreachable(domain)
  }
}
