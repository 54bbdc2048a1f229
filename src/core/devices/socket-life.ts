// The end of WebSockets. Each is pinged (RFC 6455 §5.5.2) and must have shown a sign of life since the last
// round, or it is cut; and all are closed when the core stops.

import type { WebSocket } from 'ws'

export interface Heartbeat {
  watch(socket: WebSocket): void
  stop(): void
}

export const startHeartbeat = (everyMs: number): Heartbeat => {
  const alive = new Map<WebSocket, boolean>()
  const round = (): void => {
    for (const [socket, wasAlive] of alive) {
      if (!wasAlive) socket.terminate()
      else {
        alive.set(socket, false)
        if (socket.readyState === socket.OPEN) socket.ping()
      }
    }
  }
  const timer = setInterval(round, everyMs)
  timer.unref()
  return {
    watch(socket) {
      const sign = () => {
        if (alive.has(socket)) alive.set(socket, true)
      }
      alive.set(socket, true)
      socket.on('pong', sign)
      socket.on('message', sign)
      socket.once('close', () => alive.delete(socket))
    },
    stop: () => clearInterval(timer),
  }
}

/** Closes sockets by the closing handshake (RFC 6455 §7.1.2); those that do not take part in time are cut. */
export const closeAll = (
  sockets: ReadonlySet<WebSocket>,
  { code, withinMs }: { readonly code: number; readonly withinMs: number },
): void => {
  const open = [...sockets]
  for (const socket of open) socket.close(code, 'going away')
  setTimeout(() => {
    for (const socket of open) socket.terminate()
  }, withinMs).unref()
}
