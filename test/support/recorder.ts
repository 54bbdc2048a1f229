// Loaded into a process before its program (node --import '…/recorder.ts?to=FOLDER'): writes down everything that its
// sockets carry, as the process itself sees it, TLS opened and WebSocket messages unmasked; a file per stream. Binary
// messages have a file of their own, each behind its length (4 bytes, big endian).

import { mkdirSync, openSync, writeSync } from 'node:fs'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { WebSocket } from 'ws'

const folder = new URL(import.meta.url).searchParams.get('to') ?? ''
mkdirSync(folder, { recursive: true })

const streams = new WeakMap<object, Map<string, number>>()
let made = 0

const write = (
  owner: object,
  direction: string,
  chunk: unknown,
  encoding?: BufferEncoding,
): void => {
  if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return
  const files = streams.get(owner) ?? new Map<string, number>()
  streams.set(owner, files)
  let file = files.get(direction)
  if (file === undefined) {
    made += 1
    file = openSync(`${folder}/${made}-${direction}`, 'a', 0o600)
    files.set(direction, file)
  }
  writeSync(file, typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk)
}

/** Puts a listener in front of a method of a class. */
const overhear = (
  prototype: object,
  name: string,
  listen: (owner: object, values: readonly unknown[]) => void,
): void => {
  const original: unknown = Reflect.get(prototype, name)
  if (typeof original !== 'function') throw new Error(`there is no ${name}`)
  Reflect.set(prototype, name, function overheard(this: object, ...values: unknown[]) {
    listen(this, values)
    return Reflect.apply(original, this, values)
  })
}

interface Piece {
  readonly chunk: unknown
  readonly encoding?: BufferEncoding
}

const toEncoding = (raw: unknown): BufferEncoding =>
  typeof raw === 'string' && Buffer.isEncoding(raw) ? raw : 'utf8'

overhear(Socket.prototype, '_write', (socket, [chunk, encoding]) =>
  write(socket, 'out', chunk, toEncoding(encoding)),
)
overhear(Socket.prototype, '_writev', (socket, [pieces]) => {
  for (const { chunk, encoding } of pieces as readonly Piece[]) {
    write(socket, 'out', chunk, toEncoding(encoding))
  }
})

// Requests to a server never pass the socket's own stream: their parser takes them from below. What the program
// sees of them is the head, and the body as it is pushed to the request.
overhear(Readable.prototype, 'push', (stream, [chunk]) => {
  if (stream instanceof Socket) write(stream, 'in', chunk)
  if (!(stream instanceof IncomingMessage)) return
  const { method, url, rawHeaders } = stream
  if (streams.get(stream) === undefined)
    write(stream, 'in', [method, url, ...rawHeaders].join('\n'))
  write(stream, 'in', chunk)
})
overhear(WebSocket.prototype, 'emit', (socket, [event, data, isBinary]) => {
  if (event !== 'message') return
  if (isBinary !== true || !(data instanceof Uint8Array)) return write(socket, 'messages', data)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  write(socket, 'binary', Buffer.concat([length, data]))
})
