// HTTP and WebSocket as a client of the core speaks them, for tests that look below the SDK.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createRequire } from 'node:module'

export interface Socket extends NodeJS.EventEmitter {
  send(text: string): void
  close(): void
}

/** A frame from the server. A pong has a type and no data. */
export interface Frame {
  readonly id?: string
  readonly type?: string
  readonly data: {
    readonly eventType: string
    readonly headers?: unknown
    readonly encryption?: { readonly kmsMessages: string[] }
  }
}

const require = createRequire(import.meta.url)
const WebSocket = require('ws') as new (url: string) => Socket

/** Opens and authorises a socket; rejects with the close code if the server closes it first. */
export async function openSocket(url: string, token: string): Promise<Socket> {
  const socket = new WebSocket(url)
  await once(socket, 'open')
  const data = { token: `Bearer ${token}` }
  socket.send(JSON.stringify({ id: 'c1', type: 'authorization', data, trackingId: 'raw_1' }))
  const refused = once(socket, 'close').then(([code]) => ({ code: code as number }))
  const first = once(socket, 'message').then(([frame]) => JSON.parse(String(frame)) as Frame)
  const outcome = await Promise.race([first, refused])
  if ('code' in outcome) throw Object.assign(new Error('socket refused'), { code: outcome.code })
  assert.equal(outcome.type, undefined, 'the first event must carry no type')
  assert.equal(outcome.data.eventType, 'mercury.buffer_state')
  return socket
}

interface Call {
  readonly token: string
  readonly body?: object
  readonly deviceUrl?: string
}

export function http(method: string, url: string, call: Call): Promise<Response> {
  const headers: Record<string, string> = { authorization: `Bearer ${call.token}` }
  if (call.body) headers['content-type'] = 'application/json'
  if (call.deviceUrl) headers['cisco-device-url'] = call.deviceUrl
  const body = call.body === undefined ? null : JSON.stringify(call.body)
  return fetch(url, { method, headers, body })
}
