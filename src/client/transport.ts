// All that the client needs of the platform it runs on: one HTTP exchange, one WebSocket. In a browser that is
// `browserTransport()`; `node.ts` has the one for Node with its own CA. Nothing here retries or knows a protocol.

import { ClientError } from './errors.ts'

export interface HttpExchange {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** https only. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export interface HttpAnswer {
  readonly status: number
  readonly body: string
}

export interface SocketEvents {
  onOpen(): void
  onText(text: string): void
  /** Called once, also when the socket never opened (code 1006). */
  onClose(code: number): void
}

export interface ClientSocket {
  send(text: string): void
  close(code: number): void
}

export interface ClientTransport {
  /** Rejects with ClientError `client.unreachable`; every status is an answer. */
  exchange(request: HttpExchange): Promise<HttpAnswer>
  /** wss only. */
  openSocket(url: string, events: SocketEvents): ClientSocket
}

/** Longest an HTTP exchange may take. */
export const EXCHANGE_TIMEOUT_MS = 30_000

/** Throws `client.invalid-argument` for a URL of another scheme: tokens travel encrypted or not at all. */
export const requireScheme = (url: string, scheme: 'https:' | 'wss:'): URL => {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed?.protocol !== scheme) throw new ClientError('client.invalid-argument', scheme)
  return parsed
}

/** `fetch` and `WebSocket` of the browser (or of Node, where its own roots are enough). */
export const browserTransport = (): ClientTransport => ({
  async exchange({ url, ...request }) {
    requireScheme(url, 'https:')
    try {
      // No redirects: an authorization header must not follow one.
      const signal = AbortSignal.timeout(EXCHANGE_TIMEOUT_MS)
      const response = await fetch(url, { ...request, redirect: 'error', signal })
      return { status: response.status, body: await response.text() }
    } catch {
      throw new ClientError('client.unreachable')
    }
  },
  openSocket(url, events) {
    const socket = new WebSocket(requireScheme(url, 'wss:'))
    socket.addEventListener('open', () => events.onOpen())
    socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') events.onText(data)
    })
    socket.addEventListener('close', ({ code }) => events.onClose(code))
    return { send: (text) => socket.send(text), close: (code) => socket.close(code) }
  },
})
