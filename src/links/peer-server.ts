// Our side of peers' connections: TLS, then one request after the other over HTTP/1.1, each handed on with the name that
// the certificate proved. Nothing is read from a stranger; time, sizes and numbers are bounded for everybody.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ServePeer } from '../federation/index.ts'
import { isRefusal, refuse } from '../refusal.ts'
import type { Log } from '../runtime/index.ts'
import { answerPeer, refuseQuestion } from './peer-exchange.ts'
import { acceptPeer, type Carrier, type PeerSocket, type PeerTls } from './peer-tls.ts'
import {
  type Arrival,
  createCrowd,
  createVisit,
  type PeerVisit,
  type VisitLimits,
} from './peer-visit.ts'
import { meetingOf, type PeerEncounter, type PeerWatch } from './peer-watch.ts'
import { createRateLimit } from './token-bucket.ts'

export interface PeerServerLimits extends VisitLimits {
  /** Connections of one peer. */
  readonly perPeer: number
  readonly bodyBytes: number
  /** Of one peer: how many a second, and at once after a quiet time. */
  readonly questionsPerSecond: number
  readonly questionsAtOnce: number
}

export interface PeerServerOptions {
  readonly tls: PeerTls
  readonly serve: ServePeer
  readonly limits: PeerServerLimits
  readonly log: Log
  readonly watch: PeerWatch
}

export interface PeerArrival extends Arrival {
  readonly carrier: Carrier
}

export interface PeerServer {
  /** False if there is no room; then the stream is not touched. */
  take(raw: Duplex, arrival: PeerArrival): boolean
  /** Cuts every connection whose certificate does not stand any more. */
  recheck(): void
  close(): void
  readonly connections: number
}

const HEADERS_MAX_BYTES = 8 * 1024

/** Peers whose rate is remembered. */
const PEERS_COUNTED = 1000

/** HTTP over connections that have proved their names; of any other it reads nothing. */
const createConversations = (
  { tls, limits, log, serve }: PeerServerOptions,
  open: ReadonlyMap<Duplex, PeerVisit>,
): Server => {
  const rate = createRateLimit({
    perSecond: limits.questionsPerSecond,
    burst: limits.questionsAtOnce,
    names: PEERS_COUNTED,
  })
  const http = createServer({ maxHeaderSize: HEADERS_MAX_BYTES })
  http.keepAliveTimeout = 0
  http.on('request', (request, response) => {
    const visit = open.get(request.socket)
    if (visit === undefined) request.socket.destroy()
    else void serveOne(visit, request, response)
  })
  http.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // The parser's own codes: somebody speaks something else. Any other is a connection that broke.
    const isForeign = error.code?.startsWith('HPE_') === true
    if (isForeign) open.get(socket)?.cut(refuse('federation.question-malformed'))
    socket.destroy()
  })
  http.on('upgrade', (_request, socket) => socket.destroy())
  http.on('connect', (_request, socket) => socket.destroy())

  const serveOne = async (
    visit: PeerVisit,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    const { domain } = visit.peer.peer
    const no = visit.begin()
    if (no !== undefined) return visit.cut(no)
    const isTooMuch = !rate.take(domain, 1, tls.now())
    if (isTooMuch) visit.refuse(refuse('federation.peer-floods'))
    try {
      if (isTooMuch) await refuseQuestion(response, 429)
      else await answerPeer(visit, { request, response }, { serve, bodyBytes: limits.bodyBytes })
    } catch (error) {
      log.error('peer-server.fault', { peer: domain }, error)
      request.socket.destroy()
    }
    visit.idle()
  }
  return http
}

export const createPeerServer = (options: PeerServerOptions): PeerServer => {
  const { tls, limits, watch } = options
  const open = new Map<Duplex, PeerVisit>()
  // Apart: the core must not be able to keep out those who come without it, nor the network those who come by it.
  const crowds = { relayed: createCrowd(limits), direct: createCrowd(limits) }
  const unproven = new Set<Duplex>()
  let isClosed = false
  const http = createConversations(options, open)
  const enter = (peer: PeerSocket, seconds: number): void => {
    const { socket } = peer
    // It may have closed between its proof and now; then nothing would ever close it again.
    if (isClosed || socket.destroyed) return void socket.destroy()
    const encounter: PeerEncounter = { ...peer.peer, begunBy: 'peer' }
    const ofPeer = [...open.values()].filter((one) => one.peer.peer.domain === encounter.domain)
    if (ofPeer.length >= limits.perPeer) {
      watch.refused(refuse('federation.peer-floods'), meetingOf(encounter))
      return void socket.destroy()
    }
    const visit = createVisit(peer, limits, (no) => watch.refused(no, meetingOf(encounter)))
    open.set(socket, visit)
    watch.opened(encounter, seconds)
    socket.once('close', () => {
      open.delete(socket)
      visit.close()
      watch.closed(encounter)
    })
    http.emit('connection', socket)
  }
  const greet = async (raw: Duplex, arrival: PeerArrival): Promise<void> => {
    const since = performance.now()
    const leave = crowds[arrival.carrier].enter(arrival)
    unproven.add(raw)
    const peer = await acceptPeer(raw, arrival, tls)
    unproven.delete(raw)
    leave()
    if (isClosed && isRefusal(peer)) return
    if (!isRefusal(peer)) return enter(peer, (performance.now() - since) / 1000)
    const { certificateSha256 } = peer
    const shown = certificateSha256 === undefined ? {} : { certificateSha256 }
    watch.refused(peer, { begunBy: 'peer', ...arrival, ...shown })
  }
  return {
    take(raw, arrival) {
      if (isClosed) return false
      if (crowds[arrival.carrier].isFull(arrival)) {
        watch.refused(refuse('federation.peer-floods'), { begunBy: 'peer', ...arrival })
        return false
      }
      void greet(raw, arrival)
      return true
    },
    recheck() {
      for (const visit of open.values()) {
        const no = visit.peer.recheck()
        if (no !== undefined) visit.cut(no)
      }
    },
    close() {
      isClosed = true
      for (const { peer } of open.values()) peer.socket.destroy()
      // Whoever is about to prove their name must not come in after the end.
      for (const raw of unproven) raw.destroy()
      http.close()
    },
    get connections() {
      return open.size
    },
  }
}
