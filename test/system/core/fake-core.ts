// A core as a realm's link meets it: a TLS port that asks for certificates, and lines that a test steers.

import { createServer } from 'node:https'
import { type WebSocket, WebSocketServer } from 'ws'
import {
  type AnswersFrame,
  decodeRealmFrame,
  type HelloFrame,
  LINK_PATH,
  LINK_VERSION,
  type OffboardedFrame,
  type StateFrame,
} from '../../../src/boundary/index.ts'
import { isRefusal } from '../../../src/refusal.ts'
import type { TestAuthority, TestCredential } from '../../support/certificates.ts'
import { createInbox, type Inbox } from './inbox.ts'
import { listenOnLoopback } from './loopback.ts'

export interface FakeLine {
  readonly hello: HelloFrame
  readonly answers: Inbox<AnswersFrame>
  readonly states: Inbox<StateFrame>
  readonly offboarded: Inbox<OffboardedFrame>
  readonly closed: Promise<number>
  say(frame: object): void
  sayText(text: string): void
  sayBytes(bytes: Uint8Array): void
  close(code: number): void
  cut(): void
  /** Stops reading: pings stay unanswered. */
  pause(): void
}

export interface FakeCore {
  readonly url: string
  /** Lines that said hello; welcomed already unless told otherwise. */
  readonly lines: Inbox<FakeLine>
  /** How often somebody got through TLS. */
  connections: number
  welcomes: boolean
  close(): Promise<void>
}

export interface FakeCoreWishes {
  readonly authority: TestAuthority
  readonly credential?: TestCredential
}

export const startFakeCore = async ({
  authority,
  credential = authority.server(),
}: FakeCoreWishes): Promise<FakeCore> => {
  const tls = { ...credential, ca: authority.ca, requestCert: true, rejectUnauthorized: true }
  const server = createServer(tls)
  const sockets = new WebSocketServer({ server, path: LINK_PATH })
  const { port, close } = await listenOnLoopback(server)
  const core: FakeCore = {
    url: `wss://localhost:${port}`,
    lines: createInbox<FakeLine>(),
    connections: 0,
    welcomes: true,
    close: () => {
      for (const socket of sockets.clients) socket.terminate()
      return close()
    },
  }
  sockets.on('connection', (socket) => {
    core.connections += 1
    serve(socket, core)
  })
  return core
}

const serve = (socket: WebSocket, core: FakeCore): void => {
  const answers = createInbox<AnswersFrame>()
  const states = createInbox<StateFrame>()
  const offboarded = createInbox<OffboardedFrame>()
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  const say = (frame: object) => socket.send(JSON.stringify(frame))
  socket.on('error', () => undefined)
  socket.on('message', (data) => {
    const frame = decodeRealmFrame(data.toString())
    if (isRefusal(frame)) throw new Error(`the realm sent a bad frame: ${frame.refused}`)
    if (frame.type === 'answers') return answers.put(frame)
    if (frame.type === 'state') return states.put(frame)
    if (frame.type === 'off-boarded') return offboarded.put(frame)
    if (frame.type !== 'hello') throw new Error(`nobody expects ${frame.type}`)
    if (core.welcomes) say({ type: 'welcome', version: LINK_VERSION })
    core.lines.put({
      hello: frame,
      answers,
      states,
      offboarded,
      closed,
      say,
      sayText: (text) => socket.send(text),
      sayBytes: (bytes) => socket.send(bytes),
      close: (code) => socket.close(code),
      cut: () => socket.terminate(),
      pause: () => socket.pause(),
    })
  })
}
