// One kept-alive HTTP/1.1 connection, one request at a time, written by hand: the generator shares the machine with
// what it measures, and node:https costs several times as much. It understands what hono answers, and no more.
import { readFileSync } from 'node:fs'
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext } from 'node:tls'

export interface HttpAnswer {
  readonly status: number
  readonly body: string
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** `name: value\r\n` lines. */
  readonly headers: string
  readonly body?: string
}

const ANSWER_WITHIN_MS = 20_000
const HEAD_END = '\r\n\r\n'

export class PostOffice {
  readonly #origin: URL
  readonly #context
  #socket: Socket | undefined
  #chunks: Buffer[] = []
  #waiting: ((answer: HttpAnswer | Error) => void) | undefined

  constructor(origin: string, caFile?: string) {
    this.#origin = new URL(origin)
    const ca = caFile === undefined ? undefined : readFileSync(caFile)
    this.#context = ca === undefined ? undefined : createSecureContext({ ca })
  }

  async ask(request: HttpRequest): Promise<HttpAnswer> {
    const socket = this.#socket ?? (await this.#connect())
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>()
    const timer = setTimeout(() => socket.destroy(), ANSWER_WITHIN_MS)
    this.#waiting = (answer) => {
      this.#waiting = undefined
      clearTimeout(timer)
      if (answer instanceof Error) reject(answer)
      else resolve(answer)
    }
    const { method, path, headers, body } = request
    const length = body === undefined ? '' : `content-length: ${Buffer.byteLength(body)}\r\n`
    socket.write(
      `${method} ${path} HTTP/1.1\r\nhost: ${this.#origin.host}\r\n${headers}${length}\r\n${body ?? ''}`,
    )
    return await promise
  }

  close(): void {
    this.#socket?.destroy()
  }

  #connect(): Promise<Socket> {
    const { hostname: host, port } = this.#origin
    const place = { host, port: Number(port) }
    const socket =
      this.#context === undefined
        ? connectPlain({ ...place, noDelay: true })
        : connectTls({ ...place, secureContext: this.#context })
    socket.setNoDelay(true)
    return new Promise((resolve, reject) => {
      socket.once('error', reject)
      socket.once(this.#context === undefined ? 'connect' : 'secureConnect', () => {
        socket.off('error', reject)
        this.#use(socket)
        resolve(socket)
      })
    })
  }

  #use(socket: Socket): void {
    this.#socket = socket
    this.#chunks = []
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('error', () => undefined)
    // An idle connection may be closed by the other side: the next request opens another.
    socket.on('close', () => {
      this.#socket = undefined
      this.#waiting?.(new Error('The connection was closed before the answer was there.'))
    })
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk)
    const answer = parseAnswer(this.#chunks)
    if (answer === undefined) return
    this.#chunks = []
    this.#waiting?.(answer)
  }
}

/** The answer in what has arrived, once all of it has. */
function parseAnswer(chunks: readonly Buffer[]): HttpAnswer | undefined {
  const [first] = chunks
  const headEnd = first?.indexOf(HEAD_END) ?? -1
  if (first === undefined) return undefined
  if (headEnd < 0) return chunks.length > 1 ? parseAnswer([Buffer.concat(chunks)]) : undefined
  const head = first.toString('latin1', 0, headEnd)
  const status = Number(head.slice(9, 12))
  const total = chunks.reduce((sum, { length }) => sum + length, 0)
  const bodyLength = total - headEnd - HEAD_END.length
  const isChunked = /\r\ntransfer-encoding: chunked/i.test(head)
  const wanted = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
  if (!isChunked && bodyLength < wanted) return undefined
  const body = Buffer.concat(chunks).toString('utf8', headEnd + HEAD_END.length)
  if (!isChunked) return { status, body }
  return body.endsWith('0\r\n\r\n') ? { status, body: unchunked(body) } : undefined
}

/** RFC 9112 §7.1, for ASCII bodies. */
function unchunked(body: string): string {
  let rest = body
  let whole = ''
  for (;;) {
    const end = rest.indexOf('\r\n')
    const size = Number.parseInt(rest.slice(0, end), 16)
    if (!(size > 0)) return whole
    whole += rest.slice(end + 2, end + 2 + size)
    rest = rest.slice(end + 2 + size + 2)
  }
}
