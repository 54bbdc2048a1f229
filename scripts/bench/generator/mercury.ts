// A device's Mercury socket, as real clients keep it: authorised first, every event acknowledged. Answers are kept
// as they came, with the moment they came; whoever asked opens and matches them later.
import { readFileSync } from 'node:fs'
import { type RawData, WebSocket } from 'ws'

export interface Arrival {
  readonly atMs: number
  readonly compact: string
}

interface Event {
  readonly id?: string
  readonly data?: {
    readonly eventType?: string
    readonly encryption?: { readonly kmsMessages?: readonly string[] }
  }
}

const ANSWERS_WITHIN_MS = 20_000

export class Mercury {
  readonly #socket: WebSocket
  #arrived: Arrival[] = []
  #wanted = 0
  #settle: ((outcome: readonly Arrival[] | Error) => void) | undefined
  #onReady: () => void = () => undefined

  private constructor(url: string, caFile: string) {
    this.#socket = new WebSocket(url, { ca: readFileSync(caFile), perMessageDeflate: false })
    this.#socket.on('message', (data) => this.#take(data))
    this.#socket.on('close', (code) =>
      this.#settle?.(new Error(`The core closed a Mercury socket (${code}).`)),
    )
  }

  /** Resolves once the core has said that the socket is in use. */
  static async open(url: string, caFile: string, coreToken: string): Promise<Mercury> {
    const mercury = new Mercury(url, caFile)
    const ready = new Promise<void>((resolve, reject) => {
      mercury.#onReady = resolve
      mercury.#socket.once('error', reject)
      mercury.#socket.once('close', (code) => reject(new Error(`not authorised (${code})`)))
    })
    mercury.#socket.once('open', () => {
      const data = { token: `Bearer ${coreToken}` }
      mercury.#socket.send(JSON.stringify({ id: 'hello', type: 'authorization', data }))
    })
    await ready
    return mercury
  }

  /** The next `count` answers. Ask before posting: an answer may overtake the 202. */
  expect(count: number): Promise<readonly Arrival[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly Arrival[]>()
    const timer = setTimeout(
      () => this.#settle?.(new Error(`Only ${this.#arrived.length} of ${count} answers came.`)),
      ANSWERS_WITHIN_MS,
    )
    this.#wanted = count
    this.#settle = (outcome) => {
      clearTimeout(timer)
      this.#settle = undefined
      if (outcome instanceof Error) reject(outcome)
      else resolve(outcome)
    }
    return promise
  }

  close(): void {
    this.#socket.terminate()
  }

  #take(data: RawData): void {
    const atMs = performance.now()
    const event: Event = JSON.parse(data.toString())
    if (event.id === undefined) return
    this.#socket.send(`{"messageId":"${event.id}","type":"ack"}`)
    if (event.data?.eventType === 'mercury.buffer_state') return this.#onReady()
    for (const compact of event.data?.encryption?.kmsMessages ?? []) {
      this.#arrived.push({ atMs, compact })
    }
    if (this.#settle === undefined || this.#arrived.length < this.#wanted) return
    const arrived = this.#arrived
    this.#arrived = []
    this.#settle(arrived)
  }
}
