// Mercury: the WebSockets over which devices get their events. Their tokens are judged again while they
// live, so that a socket does not outlast the right to have it.

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { isPast } from '../../time.ts'
import { isProblem, statusOf } from '../http/problem.ts'
import { type Arrival, CLOSED, openVisit, type Visit, type VisitContext } from './mercury-visit.ts'
import { closeAll, startHeartbeat } from './socket-life.ts'

export interface MercuryRules extends VisitContext {
  readonly pingEveryMs: number
  /** How often the tokens of open sockets are judged again. */
  readonly rejudgeEveryMs: number
  readonly frameBytes: number
}

export interface Mercury {
  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void
  /** Says goodbye to every socket, and cuts those that do not answer in time. */
  close(withinMs: number): void
}

/** Query parameters, which real clients add in many kinds, are ignored. */
const PATH = /^\/mercury\/([0-9a-f-]{36})(?:\?|$)/
const NOT_FOUND = 'HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'

export const openMercury = (rules: MercuryRules): Mercury => {
  const { log, meter } = rules.surroundings
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: rules.frameBytes,
  })
  const heartbeat = startHeartbeat(rules.pingEveryMs)
  const visits = new Map<WebSocket, Visit>()
  const rejudging = setInterval(() => {
    for (const [socket, visit] of visits) void rejudge(socket, visit, rules)
  }, rules.rejudgeEveryMs)
  rejudging.unref()

  const serve = (arrival: Arrival): void => {
    const { socket } = arrival
    heartbeat.watch(socket)
    const visit = openVisit(arrival, rules)
    visits.set(socket, visit)
    meter.sockets(visits.size)
    socket.once('close', () => {
      visits.delete(socket)
      visit.end()
      meter.sockets(visits.size)
    })
  }

  return {
    upgrade(request, stream, head) {
      stream.on('error', () => stream.destroy())
      const deviceId = PATH.exec(request.url ?? '')?.[1]
      if (deviceId === undefined) return void stream.end(NOT_FOUND)
      sockets.handleUpgrade(request, stream, head, (socket) => serve({ socket, stream, deviceId }))
    },
    close(withinMs) {
      clearInterval(rejudging)
      heartbeat.stop()
      log.info('mercury.closing', { sockets: visits.size })
      sockets.close()
      closeAll(sockets.clients, { code: CLOSED.goingAway, withinMs })
    },
  }
}

/** A provider that cannot be asked is no reason to close a socket; a token that is over is. */
const rejudge = async (socket: WebSocket, visit: Visit, rules: MercuryRules): Promise<void> => {
  const member = visit.member()
  if (member === undefined) return
  const judged = await rules.tokens.callerOf(member.authorization).catch(() => undefined)
  const isRefused = isProblem(judged) && statusOf(judged) !== 503
  const isExpired = isPast(member.caller.expiresAt, rules.surroundings.now())
  // Not 4401: observed of real clients, on an open socket that code makes them stay away.
  if (isRefused || isExpired) socket.close(CLOSED.goingAway, 'token is over')
}
