// One WebSocket to the core's link port, from dialling to its end. TLS both ways: the core's name and issuer are
// checked, and our certificate says who we are. Nothing is redirected or compressed; binary is data of streams only.

import { type RawData, WebSocket } from 'ws'
import {
  type CoreFrame,
  decodeCoreFrame,
  decodeStreamData,
  encodeRealmFrame,
  FRAME_MAX_BYTES,
  type HelloFrame,
  LINE_CLOSED,
  type RealmFrame,
  type StreamData,
} from '../boundary/index.ts'
import { isRefusal } from '../refusal.ts'
import { type Gather, gatherWrites } from '../runtime/index.ts'
import { createAgent, type HttpProxy } from './proxy.ts'

/** Contents of PEM files. */
export interface LinkTls {
  readonly ca: string
  readonly cert: string
  readonly key: string
  /** The name the core's certificate must carry; the host of the URL unless told. */
  readonly serverName?: string
}

export interface LineTimes {
  readonly connectWithinMs: number
  readonly pingEveryMs: number
}

/** What the core may say once it has welcomed us. */
export type AskingFrame = Exclude<CoreFrame, { readonly type: 'welcome' }>

export interface LineOptions {
  readonly url: string
  readonly tls: LinkTls
  readonly proxy?: HttpProxy | undefined
  readonly times: LineTimes
  /** What may wait unsent before the line counts as stuck. */
  readonly backlogBytes: number
  readonly hello: () => HelloFrame
  readonly onWelcome: () => void
  /** Everything but the welcome. */
  readonly onFrame: (frame: AskingFrame) => void
  readonly onData: (data: StreamData) => void
  /** Called once, whatever happened. */
  readonly onEnd: (end: LineEnd) => void
}

export interface LineEnd {
  /** Close code of RFC 6455 §7.4, or of the boundary. */
  readonly code: number
  readonly error?: unknown
}

export interface CoreLine {
  /** Throws a Fault `boundary.unfit-frame` for a frame that must not cross. */
  send(frame: RealmFrame): void
  /** A piece of a stream; `done` is called once it left, or never will. */
  sendData(message: Uint8Array, done: () => void): void
  /** Says goodbye; `onEnd` follows. */
  close(): void
}

export const dialCore = (options: LineOptions): CoreLine => {
  const { serverName, ...pems } = options.tls
  const { proxy } = options
  const socket = new WebSocket(options.url, {
    ...pems,
    ...(proxy === undefined ? {} : { agent: createAgent(proxy, {}) }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
    handshakeTimeout: options.times.connectWithinMs,
    perMessageDeflate: false,
    followRedirects: false,
    maxPayload: FRAME_MAX_BYTES,
  })
  const life = watchLife(socket, options.times)
  let gather: Gather = () => {}
  let failure: unknown
  let isWelcome = false

  const onFrame = (frame: CoreFrame): void => {
    // Exactly one welcome, and it comes first.
    if ((frame.type === 'welcome') === isWelcome) return socket.close(LINE_CLOSED.malformedFrame)
    if (frame.type !== 'welcome') return options.onFrame(frame)
    isWelcome = true
    life.welcomed()
    options.onWelcome()
  }
  const onBinary = (data: RawData): void => {
    // `nodebuffer`, the type that sockets of `ws` give unless told otherwise.
    const piece = Buffer.isBuffer(data) && isWelcome ? decodeStreamData(data) : undefined
    if (piece === undefined) return socket.close(LINE_CLOSED.malformedFrame)
    options.onData(piece)
  }
  socket.once('upgrade', (response) => {
    gather = gatherWrites(response.socket)
  })
  socket.on('open', () => {
    try {
      socket.send(encodeRealmFrame(options.hello()))
    } catch (error) {
      // A hello that must not cross, or a realm that cannot say one: no line, and the log says why.
      failure = error
      socket.terminate()
    }
  })
  socket.on('message', (data: RawData, isBinary: boolean) => {
    if (isBinary) return onBinary(data)
    const frame = decodeCoreFrame(data.toString())
    if (isRefusal(frame)) return socket.close(closeCodeOf(frame.refused))
    onFrame(frame)
  })
  socket.on('error', (error) => {
    failure = error
  })
  socket.once('close', (code) => {
    life.end()
    options.onEnd(failure === undefined ? { code } : { code, error: failure })
  })
  return {
    send(frame) {
      if (socket.readyState !== socket.OPEN) return
      if (socket.bufferedAmount > options.backlogBytes) return socket.terminate()
      gather()
      socket.send(encodeRealmFrame(frame))
    },
    sendData(message, done) {
      gather()
      socket.send(message, { binary: true }, () => done())
    },
    close() {
      socket.close(LINE_CLOSED.goingAway)
      setTimeout(() => socket.terminate(), options.times.pingEveryMs).unref()
    },
  }
}

const closeCodeOf = (refused: string): number =>
  refused === 'boundary.unknown-version' ? LINE_CLOSED.unknownVersion : LINE_CLOSED.malformedFrame

/** Cuts a line whose other side is not there any more: no welcome in time, or no answer to a ping. */
const watchLife = (socket: WebSocket, { connectWithinMs, pingEveryMs }: LineTimes) => {
  let wasHeard = true
  const heard = (): void => {
    wasHeard = true
  }
  const ping = (): void => {
    if (!wasHeard) return socket.terminate()
    wasHeard = false
    if (socket.readyState === socket.OPEN) socket.ping()
  }
  const unwelcome = setTimeout(() => socket.terminate(), connectWithinMs)
  let pinging: NodeJS.Timeout | undefined
  socket.on('pong', heard)
  socket.on('ping', heard)
  socket.on('message', heard)
  return {
    welcomed(): void {
      clearTimeout(unwelcome)
      pinging = setInterval(ping, pingEveryMs)
    },
    end(): void {
      clearTimeout(unwelcome)
      clearInterval(pinging)
    },
  }
}
