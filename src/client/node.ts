// The transport for Node, with authorities of one's own. The only file of the client that knows Node.

import { Agent, request } from 'node:https'
import { WebSocket } from 'ws'
import { ClientError } from './errors.ts'
import {
  type ClientTransport,
  EXCHANGE_TIMEOUT_MS,
  type HttpAnswer,
  type HttpExchange,
  requireScheme,
} from './transport.ts'

export interface NodeTransport extends ClientTransport {
  /** Closes idle connections, so that the process may end. */
  close(): void
}

/** `caPem`: authorities to trust instead of the system's. */
export const nodeTransport = ({ caPem }: { readonly caPem?: string } = {}): NodeTransport => {
  const tls = caPem === undefined ? {} : { ca: caPem }
  const agent = new Agent({ keepAlive: true, maxSockets: 16, ...tls })
  return {
    exchange: (wanted) => exchange(agent, wanted),
    openSocket(url, events) {
      const socket = new WebSocket(requireScheme(url, 'wss:'), {
        ...tls,
        perMessageDeflate: false,
        followRedirects: false,
      })
      socket.on('open', () => events.onOpen())
      socket.on('message', (data, isBinary) => {
        if (!isBinary) events.onText(data.toString())
      })
      // Every error is followed by a close, which is what the caller hears of.
      socket.on('error', () => undefined)
      socket.on('close', (code) => events.onClose(code))
      return { send: (text) => socket.send(text), close: (code) => socket.close(code) }
    },
    close: () => agent.destroy(),
  }
}

function exchange(agent: Agent, wanted: HttpExchange): Promise<HttpAnswer> {
  requireScheme(wanted.url, 'https:')
  return new Promise((resolve, reject) => {
    const fail = () => reject(new ClientError('client.unreachable'))
    const signal = AbortSignal.timeout(EXCHANGE_TIMEOUT_MS)
    const { method, headers } = wanted
    const outgoing = request(wanted.url, { agent, method, headers, signal }, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', fail)
      incoming.on('end', () => {
        resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') })
      })
    })
    outgoing.on('error', fail)
    outgoing.end(wanted.body)
  })
}
