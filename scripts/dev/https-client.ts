// A small HTTPS client for development programs: one origin, one certificate authority, its cookies remembered.
// It trusts the given authority and no other, follows no redirect by itself, and refuses other origins.
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'

export interface Answer {
  readonly status: number
  readonly location?: string
  readonly body: string
}

export interface Question {
  /** Absolute, or a path on the client's origin. */
  readonly url: string
  /** Sent as a form by POST when present. */
  readonly form?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
}

export interface HttpsClient extends Disposable {
  ask(question: Question): Promise<Answer>
}

const TIMEOUT_MS = 10_000

export function openHttpsClient(origin: string, caFile: string): HttpsClient {
  const agent = new Agent({ ca: readFileSync(caFile), keepAlive: true })
  const cookies = new Map<string, string>()
  return {
    async ask(question) {
      const url = new URL(question.url, origin)
      if (url.origin !== new URL(origin).origin) throw new Error(`${url.origin} is not ${origin}.`)
      return await send(url, question, { agent, cookies })
    },
    [Symbol.dispose]: () => agent.destroy(),
  }
}

interface Connection {
  readonly agent: Agent
  readonly cookies: Map<string, string>
}

function send(url: URL, question: Question, { agent, cookies }: Connection): Promise<Answer> {
  const body = question.form && new URLSearchParams(question.form).toString()
  const headers = {
    ...question.headers,
    ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    ...(cookies.size > 0 ? { cookie: [...cookies].map((pair) => pair.join('=')).join('; ') } : {}),
  }
  const method = body === undefined ? 'GET' : 'POST'
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method, headers, timeout: TIMEOUT_MS }, (answer) => {
      remember(cookies, answer.headers['set-cookie'] ?? [])
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        const { location } = answer.headers
        const text = Buffer.concat(chunks).toString('utf8')
        const status = answer.statusCode ?? 0
        resolve({ status, body: text, ...(location === undefined ? {} : { location }) })
      })
    })
    sent.on('error', reject)
    sent.on('timeout', () => sent.destroy(new Error(`${url.origin} did not answer.`)))
    sent.end(body)
  })
}

/** Paths and expiry of cookies are ignored: a client lives for one sign-in. */
function remember(cookies: Map<string, string>, setCookies: readonly string[]): void {
  for (const setCookie of setCookies) {
    const [pair = ''] = setCookie.split(';')
    const at = pair.indexOf('=')
    const value = pair.slice(at + 1)
    if (value === '') cookies.delete(pair.slice(0, at))
    else cookies.set(pair.slice(0, at), value)
  }
}
