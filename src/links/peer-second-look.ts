// The TLS library's verdict on a chain by other anchors than those of its handshake: whoever comes without the core is known by name only
// once their chain is shown. Node gives OpenSSL's path validation to handshakes alone; so one is begun in memory, with ourselves, in
// which that chain is shown again (RFC 5246 §7.4). It proves no possession of a key, is never finished, and fails closed.

import { duplexPair } from 'node:stream'
import { connect } from 'node:tls'
import { isVerifiedByTls } from './peer-verdict.ts'

export interface ShownChain {
  /** DER, leaf first. */
  readonly chain: readonly Uint8Array[]
  /** Of the leaf's key, as Node names kinds. */
  readonly keyType: string | undefined
}

/** A number of so many bytes, the highest first. */
const uint = (value: number, bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, at) => (value / 256 ** (bytes - 1 - at)) & 0xff)

/** A vector of TLS: its length in so many bytes, then itself. */
const vector = (lengthBytes: number, ...parts: readonly Uint8Array[]): Uint8Array => {
  const body = Buffer.concat(parts)
  return Buffer.concat([uint(body.length, lengthBytes), body])
}

const HANDSHAKE = 22
const SERVER_HELLO = 2
const CERTIFICATE = 11
const TLS12 = Uint8Array.of(3, 3)
/** TLS_ECDHE_…_WITH_AES_128_GCM_SHA256: they only say of which kind the leaf's key is. */
const ECDSA = { name: 'ECDHE-ECDSA-AES128-GCM-SHA256', code: 0xc02b }
const RSA = { name: 'ECDHE-RSA-AES128-GCM-SHA256', code: 0xc02f }
/** Empty renegotiation_info (RFC 5746 §3.6): without it OpenSSL goes no further. */
const EXTENSIONS = Uint8Array.of(0xff, 0x01, 0x00, 0x01, 0x00)
/** A record holds 2¹⁴ bytes. */
const RECORD_BYTES = 16_000

const message = (type: number, body: Uint8Array): Uint8Array =>
  Buffer.concat([Uint8Array.of(type), vector(3, body)])

/** What a server says first that has this chain. */
const flightOf = (chain: readonly Uint8Array[], cipher: typeof RSA): Uint8Array => {
  const hello = [
    TLS12,
    new Uint8Array(32),
    Uint8Array.of(0),
    uint(cipher.code, 2),
    Uint8Array.of(0),
  ]
  const said = Buffer.concat([
    message(SERVER_HELLO, Buffer.concat([...hello, vector(2, EXTENSIONS)])),
    message(CERTIFICATE, vector(3, ...chain.map((der) => vector(3, der)))),
  ])
  const records: Uint8Array[] = []
  for (let at = 0; at < said.length; at += RECORD_BYTES) {
    const piece = said.subarray(at, at + RECORD_BYTES)
    records.push(Uint8Array.of(HANDSHAKE), TLS12, vector(2, piece))
  }
  return Buffer.concat(records)
}

/** Turns of the event loop in which OpenSSL reads what lies in memory: one, so far. */
const TURNS = 100

/** True only if OpenSSL leads the chain to one of these anchors, and finds each certificate valid now and fit for what it is used for. */
export const isVerifiedBy = (
  anchorsPem: readonly string[],
  { chain, keyType }: ShownChain,
): Promise<boolean> =>
  new Promise((resolve) => {
    const cipher = keyType === 'rsa' ? RSA : ECDSA
    const [near, far] = duplexPair()
    const socket = connect({
      socket: near,
      ca: [...anchorsPem],
      ...{ allowPartialTrustChain: true, rejectUnauthorized: false },
      ...{ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ciphers: cipher.name },
    })
    const settle = (isVerified: boolean): void => {
      for (const end of [socket, near, far]) end.destroy()
      resolve(isVerified)
    }
    const look = (turnsLeft: number): void => {
      if (socket.destroyed || turnsLeft === 0) return settle(false)
      if (socket.getPeerX509Certificate() !== undefined) return settle(isVerifiedByTls(socket))
      setImmediate(look, turnsLeft - 1)
    }
    for (const end of [socket, near, far]) end.on('error', () => settle(false))
    socket.once('close', () => settle(false))
    far.once('data', () => {
      far.write(flightOf(chain, cipher))
      look(TURNS)
    })
  })
