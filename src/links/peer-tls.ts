// TLS 1.3 with both certificates, over any stream of bytes to a peer. TLS proves who holds the key; who that is, our one
// policy says, and only of a chain that the TLS library has verified too. No session is resumed, no older TLS spoken.

import type { Duplex } from 'node:stream'
import { connect, createSecureContext, type SecureContextOptions, TLSSocket } from 'node:tls'
import {
  type PeerConnectionFacts,
  type PeerDomain,
  type ProvenPeer,
  parsePeerDomain,
} from '../federation/index.ts'
import { isRefusal, type Refusal, refuse } from '../refusal.ts'
import type { Instant } from '../time.ts'
import { HelloTap } from './peer-hello.ts'
import { isVerifiedBy } from './peer-second-look.ts'
import { isVerifiedByTls } from './peer-verdict.ts'

/** What a certificate was found to prove; the policy itself is `crypto`'s. */
export interface JudgedCertificate {
  readonly domain: string
  readonly sha256: string
  readonly until: Instant
}

/** What certificates are measured by. Another object means that files have changed. */
export interface PeerTrustView {
  /** Of those that hold for a domain; without one, of all. The same array for the same answer. */
  anchorsPem(domain?: string): readonly string[]
  judge(question: {
    readonly chain: readonly Uint8Array[]
    readonly expected?: string
    readonly now: Instant
  }): JudgedCertificate | Refusal
}

export interface PeerTls {
  readonly ownDomain: string
  /** PEM; asked for each connection, so that a renewed certificate is shown from then on. */
  identity(): { readonly chainPem: string; readonly keyPem: string }
  trust(): PeerTrustView
  readonly isPostQuantumRequired: boolean
  readonly handshakeWithinMs: number
  now(): Instant
}

export type Carrier = PeerConnectionFacts['carrier']

/** Why nobody was proved, and which certificate was shown, if any was. */
export type Unproven = Refusal & { readonly certificateSha256?: string }

/** A connection whose other end has proved its name. */
export interface PeerSocket {
  readonly socket: TLSSocket
  readonly peer: ProvenPeer
  /** Does the certificate still stand, by the trust of this moment? */
  recheck(): Refusal | undefined
}

const HYBRID = ['X25519MLKEM768', 'SecP256r1MLKEM768']
const CLASSICAL = ['X25519', 'P-256', 'P-384']
/** How Node names what IANA names otherwise. */
const NODE_NAMES = new Map([
  ['prime256v1', 'secp256r1'],
  ['P-256', 'secp256r1'],
  ['P-384', 'secp384r1'],
])
/** What is recorded where TLS would not tell. */
const UNKNOWN_GROUP = 'unknown'

const contextOf = (
  tls: PeerTls,
  anchorsPem: readonly string[],
): SecureContextOptions & { rejectUnauthorized: boolean } => {
  const { chainPem, keyPem } = tls.identity()
  const groups = tls.isPostQuantumRequired ? HYBRID : [...HYBRID, ...CLASSICAL]
  return {
    cert: chainPem,
    key: keyPem,
    ca: [...anchorsPem],
    // Anchors may be issuers themselves: trust ends where the operator put it.
    allowPartialTrustChain: true,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ecdhCurve: groups.join(':'),
    // The handshake goes on, so that the refusal can be said and recorded; `prove` decides.
    rejectUnauthorized: false,
  }
}

const CHAIN_MOST = 8

interface Presented {
  /** DER, leaf first. */
  readonly chain: readonly Uint8Array[]
  /** Of the leaf, as `crypto` prints digests. */
  readonly certificateSha256?: string
}

const presentedBy = (socket: TLSSocket): Presented => {
  const chain: Uint8Array[] = []
  const leaf = socket.getPeerX509Certificate()
  let one = leaf
  while (one !== undefined && chain.length < CHAIN_MOST) {
    chain.push(new Uint8Array(one.raw))
    if (one.issuerCertificate === one) break
    one = one.issuerCertificate
  }
  if (leaf === undefined) return { chain }
  return { chain, certificateSha256: leaf.fingerprint256.replaceAll(':', '').toLowerCase() }
}

interface Proving {
  readonly socket: TLSSocket
  readonly carrier: Carrier
  readonly tlsGroup: string
  /** Whom the connection is for. */
  readonly expected: string | undefined
  /** By which the TLS library has judged. */
  readonly anchorsPem: readonly string[]
}

const prove = async (proving: Proving, tls: PeerTls): Promise<PeerSocket | Unproven> => {
  const { chain, ...shown } = presentedBy(proving.socket)
  const proven = await judge(proving, chain, tls)
  return isRefusal(proven) ? { ...proven, ...shown } : proven
}

/** By exactly the anchors that hold for the domain, whatever those of the handshake were. */
const isVerified = async (
  { socket, anchorsPem }: Proving,
  chain: readonly Uint8Array[],
  holding: readonly string[],
): Promise<boolean> => {
  if (!isVerifiedByTls(socket)) return false
  if (holding === anchorsPem) return true
  const keyType = socket.getPeerX509Certificate()?.publicKey.asymmetricKeyType
  return await isVerifiedBy(holding, { chain, keyType })
}

const judge = async (
  proving: Proving,
  chain: readonly Uint8Array[],
  tls: PeerTls,
): Promise<PeerSocket | Refusal> => {
  const { socket, carrier, tlsGroup, expected } = proving
  const question = { chain, ...(expected === undefined ? {} : { expected }) }
  let trust = tls.trust()
  let judgedAt = tls.now()
  const first = trust.judge({ ...question, now: judgedAt })
  if (isRefusal(first)) return first
  if (!(await isVerified(proving, chain, trust.anchorsPem(first.domain)))) {
    return refuse('federation.certificate-unfit', first.domain)
  }
  const domain = parsePeerDomain(first.domain)
  // Our own name at the other end: somebody connected us with ourselves.
  if (domain === undefined || domain === tls.ownDomain) return refuse('federation.certificate-name')
  if (tls.isPostQuantumRequired && !HYBRID.includes(tlsGroup)) {
    return refuse('federation.key-exchange-classical', domain)
  }
  let { until } = first
  const recheck = (): Refusal | undefined => {
    const now = tls.now()
    if (tls.trust() === trust && now >= judgedAt && now < until) return undefined
    const again = tls.trust().judge({ ...question, now })
    if (isRefusal(again)) return again
    trust = tls.trust()
    judgedAt = now
    until = again.until
    return undefined
  }
  const connection = { tlsGroup, carrier, certificateSha256: first.sha256 }
  return { socket, peer: { domain, connection }, recheck }
}

const groupAtClient = (socket: TLSSocket): string => {
  const info = socket.getEphemeralKeyInfo()
  const name = info !== null && 'name' in info ? String(info.name) : UNKNOWN_GROUP
  return NODE_NAMES.get(name) ?? name
}

const NO_COMMON_GROUP =
  /NO_SUITABLE_KEY_SHARE|NO_SHARED_GROUP|NO_SUITABLE_GROUPS|HANDSHAKE_FAILURE|BAD_KEY_SHARE/

/** A handshake that broke off: for want of a common key exchange, or for any other reason. */
const whyBroken = (error: unknown, tls: PeerTls): Refusal => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return tls.isPostQuantumRequired && NO_COMMON_GROUP.test(code)
    ? refuse('federation.key-exchange-classical')
    : refuse('federation.peer-broken')
}

/** Our end of a connection that we began to `domain`. Settles within `withinMs`; on a refusal `raw` is gone. */
export const connectPeer = (
  raw: Duplex,
  { domain, carrier, withinMs }: { domain: PeerDomain; carrier: Carrier; withinMs: number },
  tls: PeerTls,
): Promise<PeerSocket | Unproven> =>
  new Promise((resolve) => {
    // No server name: whoever carries the bytes need not read whom we mean, and a realm has one certificate.
    const anchorsPem = tls.trust().anchorsPem(domain)
    const socket = connect({ ...contextOf(tls, anchorsPem), socket: raw })
    const settle = (outcome: PeerSocket | Unproven): void => {
      clearTimeout(timer)
      if (isRefusal(outcome)) {
        socket.destroy()
        raw.destroy()
      }
      resolve(outcome)
    }
    const timer = setTimeout(
      () => settle(refuse('federation.peer-timed-out')),
      Math.max(1, Math.min(withinMs, tls.handshakeWithinMs)),
    )
    socket.on('error', (error) => settle(whyBroken(error, tls)))
    socket.once('close', () => {
      raw.destroy()
      settle(refuse('federation.peer-broken'))
    })
    socket.once('secureConnect', () => {
      const tlsGroup = groupAtClient(socket)
      void prove({ socket, carrier, tlsGroup, expected: domain, anchorsPem }, tls).then(settle)
    })
  })

/** Said to a stranger whose certificate was refused, without reading a byte of what they ask. */
const goodbye = ({ refused }: Refusal): string =>
  `HTTP/1.1 403 Forbidden\r\n${REFUSED_HEADER}: ${refused}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`

export const REFUSED_HEADER = 'keyrealm-refused'

/**
 * Our end of a connection that somebody began: `claimed` is whom the core says they are. Settles within the handshake's
 * time. Each connection has a TLS context of its own: no ticket of one means anything to another.
 */
export const acceptPeer = (
  raw: Duplex,
  { claimed, carrier }: { readonly claimed?: string; readonly carrier: Carrier },
  tls: PeerTls,
): Promise<PeerSocket | Unproven> =>
  new Promise((resolve) => {
    const tap = new HelloTap(raw)
    // Who comes without the core is known by name later: then the TLS library looks a second time.
    const anchorsPem = tls.trust().anchorsPem(claimed)
    const { rejectUnauthorized, ...context } = contextOf(tls, anchorsPem)
    // Not `tls.Server`: its sockets forget the issuers that a peer presented.
    const socket = new TLSSocket(tap, {
      isServer: true,
      secureContext: createSecureContext(context),
      requestCert: true,
      rejectUnauthorized,
    })
    const settle = (outcome: PeerSocket | Unproven): void => {
      clearTimeout(timer)
      resolve(outcome)
    }
    const fail = (no: Refusal): void => {
      socket.destroy()
      tap.destroy()
      settle(no)
    }
    const timer = setTimeout(() => fail(refuse('federation.peer-timed-out')), tls.handshakeWithinMs)
    socket.on('error', (error) => fail(whyBroken(error, tls)))
    socket.once('close', () => {
      tap.destroy()
      settle(refuse('federation.peer-broken'))
    })
    // Nobody reads the socket yet, so that it would not notice: whoever leaves now must not keep a place.
    const left = (): void => fail(refuse('federation.peer-broken'))
    tap.once('end', left)
    const judge = async (): Promise<void> => {
      const tlsGroup = tap.group ?? UNKNOWN_GROUP
      const proving = { socket, carrier, tlsGroup, expected: claimed, anchorsPem }
      const proven = await prove(proving, tls)
      tap.off('end', left)
      if (isRefusal(proven) && !socket.destroyed) sayGoodbye(socket, proven)
      settle(proven)
    }
    socket.once('secure', () => void judge())
  })

const GOODBYE_WITHIN_MS = 1000

const sayGoodbye = (socket: TLSSocket, no: Refusal): void => {
  setTimeout(() => socket.destroy(), GOODBYE_WITHIN_MS).unref()
  socket.resume()
  socket.end(goodbye(no))
}
