// One line to a realm, from its hello to its end. The certificate says which realm it is; a hello that
// claims another name, or organizations that the settings do not give it, ends the line.

import type { TLSSocket } from 'node:tls'
import type { RawData, WebSocket } from 'ws'
import {
  decodeRealmFrame,
  decodeStreamData,
  type HelloFrame,
  LINE_CLOSED,
  type RealmFrame,
} from '../../boundary/index.ts'
import { isRefusal } from '../../refusal.ts'
import { gatherWrites } from '../../runtime/index.ts'
import type { OpenOperations } from '../operations/open-operations.ts'
import type { Surroundings } from '../ports.ts'
import type { OffBoarding } from '../rooms/off-boarding.ts'
import type { SearchFrames } from '../search/frames.ts'
import type { DataLine } from '../streams/line.ts'
import type { StreamRelay } from '../streams/relay.ts'
import type { Realms } from './realms.ts'
import type { Relay } from './relay.ts'

/** A line that said a good hello. */
export interface Greeted {
  readonly domain: string
  readonly kmsCluster: string
  readonly line: DataLine
}

export interface LineContext {
  readonly realms: Realms
  readonly relay: Relay
  readonly operations: OpenOperations
  readonly offBoarding: OffBoarding
  readonly search: SearchFrames
  readonly streams: StreamRelay
  readonly surroundings: Surroundings
  readonly helloWithinMs: number
  readonly onUp: (socket: WebSocket, greeted: Greeted) => void
  readonly onDown: (socket: WebSocket, greeted: Greeted, code: number) => void
}

export const serveLine = (socket: WebSocket, peer: TLSSocket, context: LineContext): void => {
  const { log } = context.surroundings
  let greeting: Promise<Greeted | undefined> | undefined
  let up: Greeted | undefined
  const silent = setTimeout(
    () => socket.close(LINE_CLOSED.silent, 'no hello'),
    context.helloWithinMs,
  )
  silent.unref()

  const onHello = async (hello: HelloFrame): Promise<void> => {
    clearTimeout(silent)
    greeting = greet(hello, { socket, peer, context })
    up = await greeting
    if (up === undefined) refuse(LINE_CLOSED.notThisRealm)
    else if (socket.readyState === socket.OPEN) context.onUp(socket, up)
  }
  const refuse = (code: number): void => {
    log.warn('line.refused', { realm: up?.domain ?? 'unknown', code })
    socket.close(code, 'refused')
  }
  const onFrame = async (data: RawData): Promise<void> => {
    const frame = decodeRealmFrame(data.toString())
    if (isRefusal(frame)) return refuse(codeOf(frame.refused))
    if (greeting === undefined && frame.type === 'hello') return await onHello(frame)
    // Frames that arrive while the hello is still being written down wait for it, in order.
    const greeted = up ?? (await greeting)
    if (greeted === undefined || frame.type === 'hello') return refuse(LINE_CLOSED.malformedFrame)
    if (!(await take(greeted, frame, context))) refuse(LINE_CLOSED.notThisRealm)
  }

  const onData = (message: Uint8Array): void => {
    const data = decodeStreamData(message)
    // Whoever has no line yet has no stream.
    if (data === undefined || up === undefined) return refuse(LINE_CLOSED.malformedFrame)
    context.streams.takeData(up.domain, data, up.line)
  }

  socket.on('message', (data, isBinary) => {
    if (isBinary) return onData(bytesOf(data))
    onFrame(data).catch((error: unknown) => {
      log.error('line.fault', { realm: up?.domain ?? 'unknown' }, error)
      socket.close(1011, 'fault')
    })
  })
  socket.on('error', (error) => log.warn('line.broken', { realm: up?.domain ?? 'unknown' }, error))
  socket.once('close', (code) => {
    clearTimeout(silent)
    if (up !== undefined) context.onDown(socket, up, code)
  })
}

/** `nodebuffer`, the type that sockets of `ws` give unless told otherwise. */
const bytesOf = (data: RawData): Uint8Array => (Buffer.isBuffer(data) ? data : new Uint8Array())

interface Newcomer {
  readonly socket: WebSocket
  readonly peer: TLSSocket
  readonly context: LineContext
}

const greet = async (
  hello: HelloFrame,
  { socket, peer, context }: Newcomer,
): Promise<Greeted | undefined> => {
  const realm = context.realms.named(hello.domain)
  const isServed = hello.organizationIds.every((id) => realm?.organizationIds.has(id))
  if (realm === undefined || !isServed || !isCertifiedAs(peer, hello.domain)) return undefined
  await context.realms.announce(hello.domain, hello)
  const gather = gatherWrites(peer)
  const line: DataLine = {
    send(text) {
      gather()
      socket.send(text)
    },
    sendData(message, done) {
      gather()
      socket.send(message, { binary: true }, () => done())
    },
  }
  return { domain: hello.domain, kmsCluster: hello.details.kmsCluster, line }
}

/** False if the frame does not fit the realm that this line belongs to. */
const take = async (
  { domain, kmsCluster, line }: Greeted,
  frame: RealmFrame,
  { realms, relay, operations, offBoarding, search, streams, surroundings }: LineContext,
): Promise<boolean> => {
  switch (frame.type) {
    case 'answers':
      if (!operations.answered(domain, frame)) relay.answered(domain, frame)
      return true
    case 'off-boarded':
      return await offBoarding.take(domain, frame, line)
    case 'state':
      if (frame.details.kmsCluster !== kmsCluster) return false
      await realms.announce(domain, frame)
      surroundings.log.info('line.state', { realm: domain, state: frame.state })
      return true
    case 'feed-ask':
    case 'postings':
    case 'postings-drop':
    case 'search-hashes':
    case 'search-declined':
      return await search.take(domain, frame, line)
    case 'stream-open':
    case 'stream-accept':
    case 'stream-refuse':
    case 'stream-credit':
    case 'stream-end':
    case 'stream-abort':
      return streams.take(domain, frame, line)
    case 'hello':
      return false
  }
}

const codeOf = (refused: string): number =>
  refused === 'boundary.unknown-version' ? LINE_CLOSED.unknownVersion : LINE_CLOSED.malformedFrame

/** One DNS name of the certificate equals the domain: no wildcard, no common name (RFC 9525 §6.3). */
const isCertifiedAs = (peer: TLSSocket, domain: string): boolean => {
  if (!peer.authorized) return false
  const named = peer
    .getPeerX509Certificate()
    ?.checkHost(domain, { subject: 'never', wildcards: false })
  return named !== undefined
}
