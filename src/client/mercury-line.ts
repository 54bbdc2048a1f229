// One WebSocket's life, from opening to closing: it signs in, acknowledges events, answers pings and sends its own,
// and says once that it is over. It never comes back; that is `mercury.ts`.

import type { ClientClock } from './clock.ts'
import type { TokenSource } from './http.ts'
import { isJsonObject, type JsonObject, parseJsonObject } from './json.ts'
import type { ClientSocket, ClientTransport } from './transport.ts'

export interface LineSettings {
  readonly url: string
  readonly transport: ClientTransport
  readonly token: TokenSource
  readonly clock: ClientClock
}

export interface LineListener {
  /** The core accepted the token: events come from now on. */
  onReady(): void
  onEvent(id: string, data: JsonObject): void
  /** The core will close soon, and asks for another line first. */
  onShutdown(): void
  /** Called once, unless it was us who closed. */
  onOver(code: number): void
}

/** Browsers allow a page 1000 and 3000-4999. */
const CLOSE_GOING_AWAY = 3000
const CLOSE_NORMAL = 1000
const SIGN_IN_MS = 15_000
const PING_EVERY_MS = 15_000
const PONG_WITHIN_MS = 14_000

export class MercuryLine {
  readonly #settings: LineSettings
  readonly #listener: LineListener
  readonly #socket: ClientSocket
  #cancelTimer: () => void
  #awaitedPong: string | undefined
  #isReady = false
  #isOver = false

  constructor(settings: LineSettings, listener: LineListener, renewToken: 'renew' | 'keep') {
    this.#settings = settings
    this.#listener = listener
    this.#cancelTimer = settings.clock.after(SIGN_IN_MS, () => this.#abandon())
    this.#socket = settings.transport.openSocket(settings.url, {
      onOpen: () => void this.#signIn(renewToken === 'renew'),
      onText: (text) => this.#onText(text),
      onClose: (code) => this.#end(code),
    })
  }

  close(): void {
    this.#isOver = true
    this.#cancelTimer()
    this.#socket.close(CLOSE_NORMAL)
  }

  async #signIn(renew: boolean): Promise<void> {
    try {
      const token = await this.#settings.token({ renew })
      const data = { token: `Bearer ${token}` }
      this.#send({ id: crypto.randomUUID(), type: 'authorization', data })
    } catch {
      this.#abandon()
    }
  }

  #send(frame: JsonObject): void {
    if (!this.#isOver) this.#socket.send(JSON.stringify(frame))
  }

  #end(code: number): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#cancelTimer()
    this.#listener.onOver(code)
  }

  /** The other side is silent: do not wait for it to agree that the line is over. */
  #abandon(): void {
    this.#socket.close(CLOSE_GOING_AWAY)
    this.#end(CLOSE_GOING_AWAY)
  }

  #onText(text: string): void {
    const frame = parseJsonObject(text)
    if (frame === undefined || this.#isOver) return
    const { type, id, data } = frame
    if (type === 'pong') this.#onPong(id)
    else if (type === 'ping') this.#send({ id, type: 'pong' })
    else if (type === 'shutdown') this.#listener.onShutdown()
    else if (type === undefined && typeof id === 'string' && isJsonObject(data)) {
      this.#onEvent(id, data)
    }
  }

  #onEvent(id: string, data: JsonObject): void {
    const isFirst = !this.#isReady && data['eventType'] === 'mercury.buffer_state'
    if (isFirst) this.#begin()
    else this.#listener.onEvent(id, data)
    // After handing on: what we failed to take in must come again.
    this.#send({ messageId: id, type: 'ack' })
  }

  #begin(): void {
    this.#isReady = true
    this.#cancelTimer()
    this.#schedulePing()
    this.#listener.onReady()
  }

  #schedulePing(): void {
    const { clock } = this.#settings
    this.#cancelTimer = clock.after(PING_EVERY_MS, () => {
      this.#awaitedPong = crypto.randomUUID()
      // Before sending: the answer may come at once.
      this.#cancelTimer = clock.after(PONG_WITHIN_MS, () => this.#abandon())
      this.#send({ id: this.#awaitedPong, type: 'ping' })
    })
  }

  #onPong(id: unknown): void {
    if (this.#awaitedPong === undefined || id !== this.#awaitedPong) return
    this.#awaitedPong = undefined
    this.#cancelTimer()
    this.#schedulePing()
  }
}
