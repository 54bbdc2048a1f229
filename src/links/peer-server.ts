// Our side of peers' connections: TLS, then one request after the other over HTTP/1.1, each handed on with the name that
// the certificate proved. Nothing is read from a stranger; time, sizes and numbers are bounded for everybody.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { PEER_PATHS, type ServePeer } from '../federation/index.ts'
import { parseStrictJson } from '../protocol/index.ts'
import { isRefusal, type Refusal } from '../refusal.ts'
import type { Log } from '../runtime/index.ts'
import { acceptPeer, type Carrier, type PeerSocket, type PeerTls } from './peer-tls.ts'

export interface PeerServerLimits {
  /** Connections of one peer. */
  readonly perPeer: number
  /** Connections that have not proved anything yet. */
  readonly handshakes: number
  readonly bodyBytes: number
  /** From the first byte of a body to its last; and for an answer to be read. */
  readonly requestWithinMs: number
  /** Between requests. */
  readonly idleMs: number
}

export interface PeerServerOptions {
  readonly tls: PeerTls
  readonly serve: ServePeer
  readonly limits: PeerServerLimits
  readonly log: Log
  /** A connection was refused; `claimed` is the core's word, if it came through the core. */
  onRefused?(
    refusal: Refusal,
    about: { readonly claimed?: string; readonly carrier: Carrier },
  ): void
}

export interface Arrival {
  readonly claimed?: string
  readonly carrier: Carrier
}

export interface PeerServer {
  /** False if there is no room; then the stream is not touched. */
  take(raw: Duplex, arrival: Arrival): boolean
  /** Cuts every connection whose certificate does not stand any more. */
  recheck(): void
  close(): void
  readonly connections: number
}

const HEADERS_MAX_BYTES = 8 * 1024
const TRACKING_ID = /^[\x21-\x7e]{1,128}$/
const PATHS = new Set<string>(Object.values(PEER_PATHS))

export const createPeerServer = (options: PeerServerOptions): PeerServer => {
  const { tls, limits, log } = options
  const open = new Map<Duplex, Connection>()
  let handshakes = 0
  const http = createServer({ maxHeaderSize: HEADERS_MAX_BYTES })
  http.keepAliveTimeout = 0
  http.on('request', (request, response) => {
    const connection = open.get(request.socket)
    if (connection === undefined) request.socket.destroy()
    else void serveOne(connection, request, response)
  })
  http.on('clientError', (_error, socket) => socket.destroy())
  http.on('upgrade', (_request, socket) => socket.destroy())
  http.on('connect', (_request, socket) => socket.destroy())

  const serveOne = async (
    connection: Connection,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    const no = connection.begin()
    if (no !== undefined) return connection.cut(no)
    try {
      await answer(connection, { request, response }, options)
    } catch (error) {
      log.error('peer-server.fault', { peer: connection.peer.peer.domain }, error)
      request.socket.destroy()
    }
    connection.idle()
  }
  const enter = (peer: PeerSocket): void => {
    const { socket } = peer
    const { domain } = peer.peer
    const ofPeer = [...open.values()].filter((one) => one.peer.peer.domain === domain).length
    if (ofPeer >= limits.perPeer) return void socket.destroy()
    const connection = createConnection(peer, limits, log)
    open.set(socket, connection)
    socket.once('close', () => {
      open.delete(socket)
      connection.close()
    })
    http.emit('connection', socket)
  }
  const greet = async (raw: Duplex, { claimed, carrier }: Arrival): Promise<void> => {
    handshakes += 1
    const peer = await acceptPeer(raw, { claimed, carrier }, tls)
    handshakes -= 1
    if (!isRefusal(peer)) return enter(peer)
    const { refused, about } = peer
    log.warn('peer.refused', { refused, claimed: claimed ?? about ?? 'unknown', carrier })
    options.onRefused?.(peer, { ...(claimed === undefined ? {} : { claimed }), carrier })
  }
  return {
    take(raw, arrival) {
      if (handshakes >= limits.handshakes) return false
      void greet(raw, arrival)
      return true
    },
    recheck() {
      for (const connection of open.values()) {
        const no = connection.peer.recheck()
        if (no !== undefined) connection.cut(no)
      }
    },
    close() {
      for (const { peer } of open.values()) peer.socket.destroy()
      http.close()
    },
    get connections() {
      return open.size
    },
  }
}

interface Connection {
  readonly peer: PeerSocket
  /** A request begins: why it may not. */
  begin(): Refusal | undefined
  /** The answer is about to leave: from then on the peer may ask again. */
  answering(): void
  idle(): void
  cut(no: Refusal): void
  close(): void
}

/** One request at a time, and never longer idle, or about a request, than the limits say. */
const createConnection = (peer: PeerSocket, limits: PeerServerLimits, log: Log): Connection => {
  const { socket } = peer
  let isBusy = false
  let timer: NodeJS.Timeout | undefined
  const wait = (ms: number): void => {
    clearTimeout(timer)
    timer = setTimeout(() => socket.destroy(), ms)
    timer.unref()
  }
  wait(limits.idleMs)
  return {
    peer,
    begin() {
      // Our own client never sends a second question before the first is answered.
      if (isBusy) socket.destroy()
      isBusy = true
      wait(limits.requestWithinMs)
      return peer.recheck()
    },
    answering() {
      isBusy = false
    },
    idle() {
      // The next request may have come before the last answer was seen to have left.
      if (!isBusy) wait(limits.idleMs)
    },
    cut(no) {
      log.warn('peer.cut', { refused: no.refused, peer: peer.peer.domain })
      socket.destroy()
    },
    close: () => clearTimeout(timer),
  }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

const answer = async (
  connection: Connection,
  { request, response }: Exchange,
  { serve, limits }: PeerServerOptions,
): Promise<void> => {
  const { peer, recheck } = connection.peer
  const path = request.url ?? ''
  const trackingId = request.headers['trackingid']
  if (request.method !== 'POST' || !PATHS.has(path)) return refuseRequest(response, 404)
  if (typeof trackingId !== 'string' || !TRACKING_ID.test(trackingId)) {
    return refuseRequest(response, 400)
  }
  const text = await readBody(request, limits.bodyBytes)
  if (text === undefined) return refuseRequest(response, 413)
  const parsed = parseStrictJson(text)
  if (isRefusal(parsed)) return refuseRequest(response, 400)
  // Trust may have changed while the body was on its way.
  if (recheck() !== undefined) return void request.socket.destroy()
  const { status, body } = await serve(peer, { path, body: parsed.value, trackingId })
  connection.answering()
  await reply(response, status, body)
}

/** Undefined for more than `most` bytes; rejects if the peer broke off. */
const readBody = async (request: IncomingMessage, most: number): Promise<string | undefined> => {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes > most) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** What is no question of this protocol ends the connection too: its body may still be on its way. */
const refuseRequest = (response: ServerResponse, status: number): Promise<void> => {
  response.setHeader('connection', 'close')
  return reply(response, status, {})
}

/** Resolves once the peer has read it or is gone. */
const reply = (response: ServerResponse, status: number, body: unknown): Promise<void> => {
  const text = JSON.stringify(body)
  const length = Buffer.byteLength(text)
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': length })
  return new Promise((resolve) => {
    response.once('close', resolve)
    response.end(text)
  })
}
