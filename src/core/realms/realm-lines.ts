// The port that realms dial: mutual TLS, one line a realm. A connection without a certificate of the
// realms' authority never gets as far as a frame. A new line of a realm replaces its old one.

import { createServer, type Server, type ServerOptions } from 'node:https'
import { TLSSocket } from 'node:tls'
import { type WebSocket, WebSocketServer } from 'ws'
import {
  encodeCoreFrame,
  FRAME_MAX_BYTES,
  LINE_CLOSED,
  LINK_PATH,
  LINK_VERSION,
} from '../../boundary/index.ts'
import { closeAll, startHeartbeat } from '../devices/socket-life.ts'
import type { OpenOperations } from '../operations/open-operations.ts'
import type { Surroundings } from '../ports.ts'
import type { OffBoarding } from '../rooms/off-boarding.ts'
import type { Rosters } from '../rooms/rosters.ts'
import type { SearchFrames } from '../search/frames.ts'
import type { StreamRelay } from '../streams/relay.ts'
import { type LineContext, serveLine } from './realm-line.ts'
import type { Realms } from './realms.ts'
import type { Relay } from './relay.ts'

export interface LineRules {
  readonly tls: ServerOptions
  readonly helloWithinMs: number
  readonly pingEveryMs: number
  readonly connections: number
}

export interface RealmLines {
  readonly server: Server
  /** Says goodbye to every realm, and cuts the lines that do not answer in time. */
  close(withinMs: number): void
}

interface Rooms {
  readonly realms: Realms
  readonly relay: Relay
  readonly operations: OpenOperations
  readonly offBoarding: OffBoarding
  readonly rosters: Rosters
  readonly search: SearchFrames
  readonly streams: StreamRelay
}

export const openRealmLines = (
  rules: LineRules,
  rooms: Rooms,
  surroundings: Surroundings,
): RealmLines => {
  const server = createServer({ ...rules.tls, requestCert: true, rejectUnauthorized: true })
  server.maxConnections = rules.connections
  server.on('request', (_request, response) => response.writeHead(404).end())
  const sockets = new WebSocketServer({
    server,
    path: LINK_PATH,
    perMessageDeflate: false,
    maxPayload: FRAME_MAX_BYTES,
  })
  const heartbeat = startHeartbeat(rules.pingEveryMs)
  const { helloWithinMs } = rules
  const context = { ...rooms, surroundings, helloWithinMs, ...lifeOf(rooms, surroundings) }
  sockets.on('connection', (socket, request) => {
    if (!(request.socket instanceof TLSSocket)) return socket.terminate()
    heartbeat.watch(socket)
    serveLine(socket, request.socket, context)
  })
  return {
    server,
    close(withinMs) {
      heartbeat.stop()
      sockets.close()
      closeAll(sockets.clients, { code: LINE_CLOSED.goingAway, withinMs })
    },
  }
}

/** What happens when a line comes up and goes down. */
const lifeOf = (
  { relay, operations, rosters, search, streams }: Rooms,
  { log, meter }: Surroundings,
): Pick<LineContext, 'onUp' | 'onDown'> => {
  const lines = new Map<string, WebSocket>()
  return {
    onUp(socket, { domain, line }) {
      lines.get(domain)?.close(LINE_CLOSED.replaced, 'replaced')
      lines.set(domain, socket)
      line.send(encodeCoreFrame({ type: 'welcome', version: LINK_VERSION }))
      // Operations first: what they settle would otherwise look like drift to the realm.
      for (const part of [operations, relay, search, streams, rosters]) part.lineUp(domain, line)
      log.info('line.up', { realm: domain })
      meter.lines(lines.size)
    },
    onDown(socket, { domain, line }, code) {
      for (const part of [operations, relay, search, streams, rosters]) part.lineDown(domain, line)
      if (lines.get(domain) === socket) lines.delete(domain)
      log.info('line.down', { realm: domain, code })
      meter.lines(lines.size)
    },
  }
}
